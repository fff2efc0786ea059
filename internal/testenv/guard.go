package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// guardScript reads process ids from its standard input, a pipe whose other
// end only our process holds. The last one is the server's, 0 when it is
// down. The pipe ends when our process does, however it ends; then the script
// kills the server's process group and removes the directory. It tries again
// because a process that is being killed may still write.
const guardScript = `
trap '' HUP INT TERM
group=0
while read -r line; do group=$line; done
[ "$group" -gt 0 ] && kill -s KILL -- "-$group" 2>/dev/null
for try in 1 2 3 4 5 6 7 8 9 10; do
	rm -rf -- "$1" 2>/dev/null && exit 0
	sleep 0.2
done
exit 1
`

// launchScript becomes the server. It tells the guard its process id before,
// and holds the pipe open until it has, so that the guard misses no server
// even when our process is killed between the two. A file that may not grow is an error to the program, not its death: see LimitFiles.
const launchScript = `echo $$ >&3 && exec 3>&- && trap '' XFSZ && exec "$@"`

// A guard removes one server and its directory when this process ends.
type guard struct {
	dir  string
	pipe *os.File
	cmd  *exec.Cmd
}

func newGuard(name string) (*guard, error) {
	dir, err := os.MkdirTemp("", "commerce-"+name+"-")
	if err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	defer read.Close()
	// No shared standard output: go test waits for whoever holds that.
	cmd := exec.Command("sh", "-c", guardScript, "guard", dir)
	cmd.Stdin = read
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is not for the guard
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, write.Close(), os.Remove(dir))
	}
	return &guard{dir: dir, pipe: write, cmd: cmd}, nil
}

// command is a program under this guard, in a process group of its own.
func (g *guard) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command("sh", append([]string{"-c", launchScript, "launch", program}, args...)...)
	cmd.ExtraFiles = []*os.File{g.pipe}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// forget tells the guard that no server runs: its process id may become
// another's.
func (g *guard) forget() error {
	_, err := fmt.Fprintln(g.pipe, 0)
	return err
}

// close lets the guard remove the directory and waits until it has.
func (g *guard) close() error {
	if err := errors.Join(g.pipe.Close(), g.cmd.Wait()); err != nil {
		return fmt.Errorf("remove %s: %w", g.dir, err)
	}
	return nil
}
