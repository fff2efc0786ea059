//go:build unix && !solaris && !aix && !illumos

package media

import (
	"errors"
	"os"
	"syscall"
)

// lockFile makes sure that no other run writes to a journal. The lock ends with the process, however that ends.
func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errors.New("another run uses it")
	}
	return err
}
