package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// LogFile is the path of the server's log, "" for one that was not started
// here. It goes with the server's directory; see [Server.KeepLog].
func (s *Server) LogFile() string { return s.log }

// KeepLog copies the log to a file that stays, in the system's temporary
// directory, and returns its path.
func (s *Server) KeepLog() (string, error) {
	if s.log == "" {
		return "", fmt.Errorf("testenv: %s: the server was not started here: %w", s.kind.name, errors.ErrUnsupported)
	}
	if os.Getenv(logDirEnv) != "" {
		return s.log, nil
	}
	from, err := os.Open(s.log)
	if err != nil {
		return "", fmt.Errorf("testenv: keep log: %w", err)
	}
	defer from.Close()
	to, err := os.CreateTemp("", "commerce-"+s.kind.name+"-*.log")
	if err != nil {
		return "", fmt.Errorf("testenv: keep log: %w", err)
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Close()); err != nil {
		return "", fmt.Errorf("testenv: keep log: %w", err)
	}
	return to.Name(), nil
}

// LogTail is the end of the server's log, at most 4 KiB.
func (s *Server) LogTail() string { return string(tail(s.logSince(0))) }

func (s *Server) logSince(offset int64) []byte {
	f, err := os.Open(s.log)
	if err != nil {
		return []byte("(no log: " + err.Error() + ")")
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		// The signs of a taken port are near the end too.
		offset = max(offset, info.Size()-(64<<10))
	}
	text, err := io.ReadAll(io.NewSectionReader(f, offset, 64<<10))
	if err != nil {
		return []byte("(no log: " + err.Error() + ")")
	}
	return text
}

func tail(text []byte) []byte {
	if len(text) <= logTailBytes {
		return text
	}
	text = text[len(text)-logTailBytes:]
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		text = text[i+1:]
	}
	return text
}

// teeFile writes a log to its file and to the copy the caller asked for.
type teeFile struct {
	file *os.File
	copy io.Writer
}

func (t *teeFile) Write(p []byte) (int, error) {
	n, err := t.file.Write(p)
	if err == nil {
		_, _ = t.copy.Write(p) // the caller's writer must not hurt the log
	}
	return n, err
}
