// Command getservers installs what the tests run and this machine lacks:
// Debian packages, when there is apt and the user is root or may use sudo
// without a password. Otherwise it says how to get them, and succeeds: the
// tests say what they miss.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed82d84382/commerce/internal/testenv"
)

// A need is something outside of Go that tests use. Artifacts that are no
// Debian package would be a second list beside this one.
type need struct {
	what    string
	program string   // present when this is found …
	files   string   // … or a file matches this pattern
	debian  []string // the packages that have it
}

var needs = []need{
	// The core packages: the full ones would also set up a service of the machine's own.
	{what: "MariaDB", program: "mariadbd", debian: []string{"mariadb-server-core", "mariadb-client-core"}},
	{what: "Redis", program: "redis-server", debian: []string{"redis-server"}},
	{what: "RabbitMQ", program: "/usr/lib/rabbitmq/bin/rabbitmq-server", debian: []string{"rabbitmq-server"}},
	{what: "Chromium", program: "chromium", debian: []string{"chromium"}},
	{what: "Chinese fonts", files: "/usr/share/fonts/*/noto/NotoSansCJK*", debian: []string{"fonts-noto-cjk"}},
}

func (n need) present() bool {
	if n.program != "" {
		_, err := testenv.LookPath(n.program, "")
		return err == nil
	}
	found, err := filepath.Glob(n.files)
	return err == nil && len(found) > 0
}

func main() {
	if err := get(missing(needs)); err != nil {
		fmt.Fprintln(os.Stderr, "getservers:", err)
		os.Exit(1)
	}
}

func missing(needs []need) []need {
	return slices.DeleteFunc(slices.Clone(needs), need.present)
}

func get(missing []need) error {
	if len(missing) == 0 {
		fmt.Println("The tests' servers are installed.")
		return nil
	}
	var names, packages []string
	for _, n := range missing {
		names = append(names, n.what)
		packages = append(packages, n.debian...)
	}
	fmt.Printf("The tests also use %s, which this machine lacks.\n", strings.Join(names, ", "))
	prefix, ok := privilege()
	if !ok {
		fmt.Printf("On Debian or Ubuntu get it with: apt-get install %s\n", strings.Join(packages, " "))
		return nil
	}
	for _, command := range [][]string{
		{"apt-get", "update", "-qq"},
		slices.Concat([]string{"apt-get", "install", "-y", "-qq", "--no-install-recommends"}, packages),
	} {
		command = append(prefix, command...)
		fmt.Println("Running:", strings.Join(command, " "))
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(command, " "), err)
		}
	}
	return nil
}

// privilege is what to put before apt-get, and whether it can be used at all.
func privilege() (prefix []string, ok bool) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return nil, false
	}
	if os.Geteuid() == 0 {
		return nil, true
	}
	if err := exec.Command("sudo", "-n", "true").Run(); err != nil {
		return nil, false
	}
	return []string{"sudo", "-n", "-E"}, true
}
