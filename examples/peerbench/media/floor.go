package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// floor makes the exchanges of an operation over bare sockets, with nothing around them: a caller's own connections, kept open.
type floor struct {
	tracker  net.Conn
	storages map[string]net.Conn
	mapped   map[string]string
	out, in  []byte
}

func (b *bed) newFloor() (*floor, error) {
	tracker, err := net.Dial("tcp", b.config.Trackers[0])
	if err != nil {
		return nil, err
	}
	return &floor{tracker: tracker, storages: map[string]net.Conn{}, mapped: b.config.AddressMap, in: make([]byte, 2<<20)}, nil
}

func (f *floor) Close() error {
	err := f.tracker.Close()
	for _, conn := range f.storages {
		err = errors.Join(err, conn.Close())
	}
	return err
}

const headerSize = 10

// exchange sends what is in f.out and returns the body of the answer.
func (f *floor) exchange(conn net.Conn) ([]byte, error) {
	binary.BigEndian.PutUint64(f.out, uint64(len(f.out)-headerSize))
	if _, err := conn.Write(f.out); err != nil {
		return nil, err
	}
	n, err := io.ReadAtLeast(conn, f.in, headerSize)
	if err != nil {
		return nil, err
	}
	if f.in[9] != 0 {
		return nil, fmt.Errorf("status %d", f.in[9])
	}
	end := headerSize + int(binary.BigEndian.Uint64(f.in))
	if end > len(f.in) {
		return nil, fmt.Errorf("answer of %d bytes", end)
	}
	if n < end {
		if _, err := io.ReadFull(conn, f.in[n:end]); err != nil {
			return nil, err
		}
	}
	return f.in[headerSize:end], nil
}

func (f *floor) request(command byte) { f.out = append(f.out[:0], 0, 0, 0, 0, 0, 0, 0, 0, command, 0) }

func (f *floor) group(name string) {
	f.out = append(f.out, name...)
	f.out = append(f.out, make([]byte, 16-len(name))...)
}

// storage asks the tracker and returns the connection to the storage it names.
func (f *floor) storage() (net.Conn, []byte, error) {
	answer, err := f.exchange(f.tracker)
	if err != nil {
		return nil, nil, err
	}
	const narrow = 15
	host := strings.TrimRight(string(answer[16:16+narrow]), "\x00")
	port := binary.BigEndian.Uint64(answer[16+narrow:])
	address := net.JoinHostPort(host, strconv.FormatUint(port, 10))
	if to, ok := f.mapped[address]; ok {
		address = to
	}
	conn := f.storages[address]
	if conn == nil {
		if conn, err = net.Dial("tcp", address); err != nil {
			return nil, nil, err
		}
		f.storages[address] = conn
	}
	return conn, answer, nil
}

func (f *floor) upload(body []byte) (string, error) {
	f.request(101)
	conn, answer, err := f.storage()
	if err != nil {
		return "", err
	}
	path := answer[len(answer)-1]
	f.request(11)
	f.out = append(f.out, path)
	f.out = binary.BigEndian.AppendUint64(f.out, uint64(len(body)))
	f.out = append(f.out, 0, 0, 0, 0, 0, 0)
	f.out = append(f.out, body...)
	answer, err = f.exchange(conn)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(answer[:16]), "\x00") + "/" + string(answer[16:]), nil
}

func (f *floor) download(id string, size int) error {
	group, name, _ := strings.Cut(id, "/")
	f.request(102)
	f.group(group)
	f.out = append(f.out, name...)
	conn, _, err := f.storage()
	if err != nil {
		return err
	}
	f.request(14)
	f.out = append(f.out, make([]byte, 16)...)
	f.group(group)
	f.out = append(f.out, name...)
	body, err := f.exchange(conn)
	if err == nil && len(body) != size {
		err = fmt.Errorf("%d bytes, want %d", len(body), size)
	}
	return err
}
