//go:build unix

package fastdfs

import (
	"net"
	"syscall"
)

// quiet reports whether the server has neither closed an idle connection nor sent something over it.
func quiet(c net.Conn) bool {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	var b [1]byte
	still := false
	err = raw.Read(func(fd uintptr) bool {
		_, err := syscall.Read(int(fd), b[:]) // does not wait, since the descriptor is non-blocking
		still = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
		return true
	})
	return err == nil && still
}
