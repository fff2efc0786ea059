package fastdfs

import (
	"sync"
	"time"
)

// targets keeps a tracker's answers for a short time. That is exact as long as every failure drops them: a storage that
// took files a moment ago, or had a file, does so still, or says that it does not.
type targets struct {
	lifetime time.Duration // not positive: nothing is kept

	mu     sync.Mutex
	stores map[string]*rotation // by group, "" for any
	// Files are kept in two generations; the older one is dropped as a whole.
	young, old map[fileKey]Target
	turned     time.Time
}

// fileKey is a question about a file.
type fileKey struct {
	update bool
	id     string
}

// rotation holds the last answers about where to store. The trackers spread uploads over storages and
// groups by their answers; using several of them in turn keeps that.
type rotation struct {
	answers []Target
	next    int
	expires time.Time
}

const (
	rotationSize   = 8
	generationSize = 4096
)

func newTargets(lifetime time.Duration) *targets {
	return &targets{lifetime: lifetime, stores: map[string]*rotation{}, young: map[fileKey]Target{}}
}

// store returns where to store, if enough is known to ask no more.
func (t *targets) store(group string) (Target, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.stores[group]
	if r == nil || len(r.answers) < rotationSize || time.Now().After(r.expires) {
		return Target{}, false
	}
	r.next = (r.next + 1) % len(r.answers)
	return r.answers[r.next], true
}

func (t *targets) addStore(group string, target Target) {
	if t.lifetime <= 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.stores[group]
	if r == nil || time.Now().After(r.expires) {
		if len(t.stores) > generationSize {
			clear(t.stores)
		}
		r = &rotation{expires: time.Now().Add(t.lifetime)}
		t.stores[group] = r
	}
	if len(r.answers) < rotationSize {
		r.answers = append(r.answers, target)
	}
}

func (t *targets) dropStores() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.stores)
}

func (t *targets) file(key fileKey) (Target, bool) {
	if t.lifetime <= 0 {
		return Target{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn()
	target, ok := t.young[key]
	if !ok {
		target, ok = t.old[key]
	}
	return target, ok
}

func (t *targets) addFile(key fileKey, target Target) {
	if t.lifetime <= 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn()
	t.young[key] = target
}

// turn begins a new generation when the young one is half a lifetime old, or full.
func (t *targets) turn() {
	now := time.Now()
	switch age := now.Sub(t.turned); {
	case age >= t.lifetime:
		t.young, t.old, t.turned = map[fileKey]Target{}, nil, now
	case age >= t.lifetime/2, len(t.young) >= generationSize:
		t.young, t.old, t.turned = map[fileKey]Target{}, t.young, now
	}
}

func (t *targets) dropFile(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, update := range []bool{false, true} {
		delete(t.young, fileKey{update, id})
		delete(t.old, fileKey{update, id})
	}
}
