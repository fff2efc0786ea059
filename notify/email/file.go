package email

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// FileOptions configure NewFile. Zero means the default.
type FileOptions struct {
	// Now is the clock of the Date header and the file names. Default time.Now.
	Now func() time.Time
}

// NewFile makes a sender that writes each message as an .eml file into a
// directory, for development and tests. Names sort by time. The directory is
// made when it is not there.
func NewFile(dir string, o *FileOptions) (Sender, error) {
	s := &fileSender{dir: dir, now: time.Now}
	if o != nil && o.Now != nil {
		s.now = o.Now
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("email: %w", err)
	}
	return s, nil
}

type fileSender struct {
	dir string
	now func() time.Time
}

func (s *fileSender) Send(ctx context.Context, m *Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := s.now()
	msg, err := m.build(now)
	if err != nil {
		return notify.Permanent(err)
	}
	var content bytes.Buffer
	if _, err := msg.WriteTo(&content); err != nil {
		return fmt.Errorf("email: write: %w", err)
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return fmt.Errorf("email: %w", err)
	}
	defer root.Close()
	name := now.UTC().Format("20060102-150405.000000") + "-" + rand.Text()[:8] + ".eml"
	// Complete or not there at all: a reader of the directory never sees half a mail.
	if err := root.WriteFile(name+".tmp", content.Bytes(), 0o600); err != nil {
		return fmt.Errorf("email: %w", err)
	}
	if err := root.Rename(name+".tmp", name); err != nil {
		return fmt.Errorf("email: %w", err)
	}
	return nil
}
