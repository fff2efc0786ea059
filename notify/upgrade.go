package notify

import (
	"encoding/json"
	"fmt"
)

// upgrade turns arguments of one version into those of the next.
type upgrade func(payload []byte) ([]byte, error)

// Upgrade teaches a task to read the arguments of an earlier version: jobs that
// were enqueued by an older program are converted from version to version until
// they have the task's own. It returns the task, so that it can stand around NewTask:
//
//	var SendMail = notify.Upgrade(notify.NewTask[Mail]("mail", &notify.TaskOptions{Version: 2}),
//		1, func(old MailV1) (Mail, error) { return Mail{To: []string{old.To}}, nil })
//
// Jobs of a version that is newer than the worker's are given back untried and
// come again later, so that producers may be released before workers. A version that is
// not below the task's, or given twice, is returned by Enqueue and Run. An error of
// convert makes the job a dead letter.
func Upgrade[Old, Next, T any](t *Task[T], from int, convert func(Old) (Next, error)) *Task[T] {
	switch {
	case t.err != nil:
	case from < 1 || from >= t.options.Version:
		t.err = &InvalidError{"Upgrade", fmt.Sprintf("version %d of %q is not below the task's", from, t.kind)}
	case t.upgrades[from] != nil:
		t.err = &InvalidError{"Upgrade", fmt.Sprintf("version %d of %q is given twice", from, t.kind)}
	default:
		if t.upgrades == nil {
			t.upgrades = make(map[int]upgrade)
		}
		t.upgrades[from] = func(payload []byte) ([]byte, error) {
			var old Old
			if err := json.Unmarshal(payload, &old); err != nil {
				return nil, err
			}
			next, err := convert(old)
			if err != nil {
				return nil, err
			}
			return json.Marshal(next)
		}
	}
	return t
}

// newerError tells that a job was enqueued by a newer program.
type newerError struct{ version, known int }

func (e *newerError) Error() string {
	return fmt.Sprintf("notify: arguments have version %d, this worker knows %d", e.version, e.known)
}

func (t *Task[T]) upgrade(version int, payload []byte) ([]byte, error) {
	if version > t.options.Version {
		return nil, &newerError{version, t.options.Version}
	}
	for ; version < t.options.Version; version++ {
		convert := t.upgrades[version]
		if convert == nil {
			return nil, &unreadableError{fmt.Errorf("no Upgrade from version %d", version)}
		}
		var err error
		if payload, err = convert(payload); err != nil {
			return nil, &unreadableError{fmt.Errorf("upgrade from version %d: %w", version, err)}
		}
	}
	return payload, nil
}
