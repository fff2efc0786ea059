package testenv_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/stretchr/testify/require"
)

// echo answers with what it gets, until the test ends.
func echo(t *testing.T) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		running.Wait()
	})
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	return listener.Addr().String()
}

func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

func roundTrip(conn net.Conn, text string) error {
	if _, err := conn.Write([]byte(text)); err != nil {
		return err
	}
	answer := make([]byte, len(text))
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if string(answer) != text {
		return errors.New("another answer: " + string(answer))
	}
	return nil
}

// hears reports whether anything, an end or a reset too, arrives within a
// moment.
func hears(t *testing.T, conn net.Conn) bool {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
	_, err := conn.Read(make([]byte, 1))
	require.NoError(t, conn.SetReadDeadline(time.Time{}))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

func TestProxyPassesEverything(t *testing.T) {
	t.Parallel()
	proxy := testenvtest.Proxy(t, echo(t))
	sent := make([]byte, 20<<20)
	_, err := rand.Read(sent)
	require.NoError(t, err)
	conn := dial(t, proxy.Addr())
	var writer sync.WaitGroup
	writer.Go(func() {
		_, _ = conn.Write(sent)
		_ = conn.CloseWrite() // passed on, else the echo does not end
	})
	received, err := io.ReadAll(conn)
	writer.Wait()
	require.NoError(t, err)
	require.True(t, bytes.Equal(sent, received))
}

func TestProxyDelayIsALine(t *testing.T) {
	t.Parallel()
	const delay = 50 * time.Millisecond
	proxy := testenvtest.Proxy(t, echo(t))
	conn := dial(t, proxy.Addr())
	require.NoError(t, roundTrip(conn, "no delay"))

	proxy.SetDelay(delay) // on the open connection
	start := time.Now()
	require.NoError(t, roundTrip(conn, "delay"))
	require.GreaterOrEqual(t, time.Since(start), 2*delay, "once in each direction")

	// Sixty parcels, sent one after the other while the first are on their way.
	// A proxy that slept for each one would take sixty delays and more, a line
	// takes two and whatever this machine adds.
	const parcels = 60
	start = time.Now()
	var writer sync.WaitGroup
	writer.Go(func() {
		pace := time.NewTicker(time.Millisecond)
		defer pace.Stop()
		for range parcels {
			<-pace.C
			_, _ = conn.Write([]byte{'x'})
		}
	})
	_, err := io.ReadFull(conn, make([]byte, parcels))
	writer.Wait()
	require.NoError(t, err)
	require.Less(t, time.Since(start), parcels*delay)

	proxy.SetDelay(0)
	require.NoError(t, roundTrip(conn, "no delay again"))
}

func TestProxyCutAndHeal(t *testing.T) {
	t.Parallel()
	proxy := testenvtest.Proxy(t, echo(t))
	conn := dial(t, proxy.Addr())
	require.NoError(t, roundTrip(conn, "before"))

	proxy.Cut()
	_, err := conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	_, err = net.Dial("tcp", proxy.Addr())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	proxy.Cut() // nothing more to cut
	_, err = net.Listen("tcp", proxy.Addr())
	require.ErrorIs(t, err, syscall.EADDRINUSE, "nobody takes its port meanwhile")

	require.NoError(t, proxy.Heal())
	require.NoError(t, proxy.Heal(), "nothing more to heal")
	require.NoError(t, roundTrip(dial(t, proxy.Addr()), "after"))
}

func TestProxyHalfOpen(t *testing.T) {
	t.Parallel()
	proxy := testenvtest.Proxy(t, echo(t))
	open := dial(t, proxy.Addr())
	require.NoError(t, roundTrip(open, "before"))

	proxy.HalfOpen()
	fresh := dial(t, proxy.Addr())
	for _, conn := range []*net.TCPConn{open, fresh} {
		_, err := conn.Write([]byte("swallowed"))
		require.NoError(t, err)
		require.False(t, hears(t, conn))
		require.NoError(t, conn.CloseWrite())
		require.False(t, hears(t, conn), "the other side does not learn of an end")
	}

	require.NoError(t, proxy.Heal())
	for _, conn := range []*net.TCPConn{open, fresh} {
		_, err := conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET, "what was sent is lost, so the connection is")
	}
	require.NoError(t, roundTrip(dial(t, proxy.Addr()), "after"))
}

func TestProxyToNobody(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	proxy := testenvtest.Proxy(t, listener.Addr().String())
	conn, err := net.Dial("tcp", proxy.Addr())
	if err == nil { // else the reset was faster
		defer conn.Close()
		_, err = conn.Read(make([]byte, 1))
	}
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestProxyClose(t *testing.T) {
	t.Parallel()
	proxy, err := testenv.NewProxy(echo(t))
	require.NoError(t, err)
	conn := dial(t, proxy.Addr())
	proxy.SetDelay(time.Hour)
	_, err = conn.Write([]byte("on its way"))
	require.NoError(t, err)
	require.NoError(t, proxy.Close())
	require.NoError(t, proxy.Close(), "a second time")
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
	require.ErrorIs(t, proxy.Heal(), net.ErrClosed)
	listener, err := net.Listen("tcp", proxy.Addr())
	require.NoError(t, err, "its port is free again")
	require.NoError(t, listener.Close())
}
