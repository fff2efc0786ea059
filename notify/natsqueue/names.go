package natsqueue

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// levels is how many consumers a queue has, by priority.
const levels = 2

func level(priority int) int {
	if priority >= 5 {
		return 1
	}
	return 0
}

// Parts of a queue's stream that hold one message for each job, by its ID.
const (
	scheduled = "scheduled"
	retrying  = "retrying"
	dead      = "dead"
)

// names are those in the server.
type names struct {
	prefix string
}

// A name has letters, digits, dots, dashes and underscores; a token must not have dots.
func token(name string) string   { return strings.ReplaceAll(name, ".", "=") }
func untoken(name string) string { return strings.ReplaceAll(name, "=", ".") }

func (n names) stream(queue string) string     { return n.prefix + "-" + token(queue) }
func (n names) everything(queue string) string { return n.prefix + "." + token(queue) + ".>" }

// queue is the queue of a stream.
func (n names) queue(stream string) (string, bool) {
	name, ours := strings.CutPrefix(stream, n.prefix+"-")
	return untoken(name), ours
}

func (n names) ready(queue string, level int) string {
	return n.prefix + "." + token(queue) + ".ready." + strconv.Itoa(level)
}

func consumerName(level int) string { return "ready-" + strconv.Itoa(level) }

// place is the subject of one job in a part of its queue's stream.
func (n names) place(queue, part, id string) string {
	if id == "" || strings.ContainsFunc(id, func(r rune) bool { return !plain(r) }) {
		id = "~" + hex.EncodeToString([]byte(id))
	}
	return n.prefix + "." + token(queue) + "." + part + "." + token(id)
}

func (n names) all(queue, part string) string {
	return n.prefix + "." + token(queue) + "." + part + ".>"
}

// The shared values. A key's first slash divides tokens, so that a prefix is a wildcard.
func (n names) state() string { return n.prefix + "~state" }

var (
	stateEscape   = strings.NewReplacer(".", "=", "/", "~")
	stateUnescape = strings.NewReplacer("=", ".", "~", "/")
)

func (n names) value(key string) string {
	before, after, found := strings.Cut(key, "/")
	subject := n.state() + "." + stateEscape.Replace(before)
	if found {
		subject += "." + stateEscape.Replace(after) + "~" // a key may end with its slash
	}
	return subject
}

// key is the key of a value's subject.
func (n names) key(subject string) string {
	before, after, found := strings.Cut(strings.TrimPrefix(subject, n.state()+"."), ".")
	key := stateUnescape.Replace(before)
	if found {
		key += "/" + strings.TrimSuffix(stateUnescape.Replace(after), "/")
	}
	return key
}
