package testenv

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
)

// ErrUnavailable is what every [UnavailableError] is.
var ErrUnavailable = errors.New("testenv: program not installed")

// UnavailableError says that a server's program is not on this machine.
type UnavailableError struct {
	Program string // the program looked for, as "mariadbd"
	Package string // the Debian package that has it, "" if none does
}

func (e *UnavailableError) Error() string {
	if e.Package == "" {
		return fmt.Sprintf("testenv: %s is not installed; get it with: go run ./internal/cmd/getservers", e.Program)
	}
	return fmt.Sprintf("testenv: %s is not installed; get it with: apt-get install %s", e.Program, e.Package)
}

// Is reports whether target is [ErrUnavailable].
func (e *UnavailableError) Is(target error) bool { return target == ErrUnavailable }

// LookPath finds a program, also where Debian keeps servers and an ordinary
// user's PATH does not look. Else it returns an [UnavailableError]; debian is
// the package that has the program.
func LookPath(program, debian string) (string, error) {
	for _, dir := range []string{"", "/usr/sbin", "/usr/local/sbin", "/usr/local/bin"} {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path, nil
		}
	}
	return "", &UnavailableError{Program: program, Package: debian}
}
