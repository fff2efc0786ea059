package testenv

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports come from below the range that the system gives to outgoing
// connections (32768 and up on Linux): a server that is down for a moment, or
// a proxy that is cut, finds its port free when it comes back.
const (
	firstPort = 20000
	lastPort  = 32000
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
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		var l net.Listener
		if l, err = net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("no free loopback port between %d and %d: %w", firstPort, lastPort, err)
}
