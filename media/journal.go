package media

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// journal is the file of a Migrate. Lines are only appended; one that a crash has cut is dropped. Of two for a
// name the later one counts.
type journal struct {
	mu   sync.Mutex
	file *os.File                     // nil: nothing is kept
	done map[string][sha256.Size]byte // name in the source to the hash of what was copied
}

// entry is a line of a journal.
type entry struct {
	From   string `json:"from"`
	To     string `json:"to"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// errJournal ends a Migrate: what is not written down would be lost to the next run.
var errJournal = errors.New("journal")

// maxJournalLine is more than two names and a hash can take.
const maxJournalLine = 16 << 10

func openJournal(path string) (*journal, error) {
	j := &journal{done: map[string][sha256.Size]byte{}}
	if path == "" {
		return j, nil
	}
	var err error
	if j.file, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644); err == nil {
		if err = lockFile(j.file); err == nil {
			err = j.load()
		}
		if err != nil {
			err = errors.Join(err, j.file.Close())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errJournal, withoutPath(err))
	}
	return j, nil
}

// load reads what is there and leaves the file ready to be appended to.
func (j *journal) load() error {
	r := bufio.NewReaderSize(j.file, maxJournalLine)
	good := int64(0)
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			break // a rest without its end is a line that was cut
		}
		if err != nil {
			return fmt.Errorf("line at byte %d: %w", good, err)
		}
		e, sum, err := parseEntry(line)
		if err != nil {
			return fmt.Errorf("line at byte %d: %w", good, err)
		}
		j.done[e.From] = sum
		good += int64(len(line))
	}
	if err := j.file.Truncate(good); err != nil {
		return err
	}
	_, err := j.file.Seek(good, io.SeekStart)
	return err
}

func parseEntry(line []byte) (e entry, sum [sha256.Size]byte, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil || d.More() {
		return e, sum, errors.New("is not an entry")
	}
	raw, err := hex.DecodeString(e.SHA256)
	if err != nil || len(raw) != len(sum) || CheckName(e.From) != nil || CheckName(e.To) != nil || e.Size < 0 {
		return e, sum, errors.New("is not an entry")
	}
	return e, [sha256.Size]byte(raw), nil
}

// has reports whether a file has been copied with this content.
func (j *journal) has(name, hash string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	sum, ok := j.done[name]
	return ok && hash == hex.EncodeToString(sum[:])
}

// add writes an entry. It reaches the disk when the system likes: what a power cut takes is copied again.
func (j *journal) add(e entry) error {
	if j.file == nil {
		return nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("%w: %w", errJournal, err)
	}
	_, sum, err := parseEntry(line)
	if err != nil {
		return fmt.Errorf("%w: what is to be written %w", errJournal, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("%w: %w", errJournal, withoutPath(err))
	}
	j.done[e.From] = sum
	return nil
}

func (j *journal) Close() error {
	if j.file == nil {
		return nil
	}
	return errors.Join(j.file.Sync(), j.file.Close())
}
