package testenv

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Ports come from below the range that the system gives to outgoing
// connections (32768 and up on Linux): a server that is down for a moment finds
// its port free when it comes back.
const (
	firstPort  = 20000
	lastPort   = 32000
	portTrials = 100
)

// freePort returns a loopback port that was free a moment ago.
func freePort() (int, error) {
	l, err := listenFree()
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func listenFree() (net.Listener, error) {
	var err error
	for range portTrials {
		port := firstPort + rand.IntN(lastPort-firstPort)
		var l net.Listener
		if l, err = net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			return l, nil
		}
	}
	return nil, noPort(err)
}

func noPort(err error) error {
	return fmt.Errorf("no free loopback port between %d and %d: %w", firstPort, lastPort, err)
}

// heldPort is a loopback port that stays ours whether somebody listens on it or not: a socket that never listens is bound to it.
// Who connects while nobody listens is refused, as by a host whose server is down.
type heldPort struct {
	addr   string
	holder int // file descriptor
}

// holdPort binds alone, so that two who hold never share a port, and only then lets in a listener of ours.
func holdPort() (*heldPort, error) {
	holder, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	for range portTrials {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if err = unix.Bind(holder, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err == nil {
			if err = sharePort(holder); err != nil {
				break
			}
			return &heldPort{"127.0.0.1:" + strconv.Itoa(port), holder}, nil
		}
	}
	return nil, errors.Join(noPort(err), unix.Close(holder))
}

func sharePort(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }

func (p *heldPort) listen() (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, socket syscall.RawConn) error {
		var shared error
		err := socket.Control(func(fd uintptr) { shared = sharePort(int(fd)) })
		return errors.Join(err, shared)
	}}
	return config.Listen(context.Background(), "tcp", p.addr)
}

func (p *heldPort) release() error { return unix.Close(p.holder) }
