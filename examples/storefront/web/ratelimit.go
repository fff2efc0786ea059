package web

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter rations what each key may do: perMinute on average, as many at once.
// It remembers the maxKeys last used keys; a flood of new ones costs the flood
// its memory first.
type limiter struct {
	perMinute int
	now       func() time.Time

	mu    sync.Mutex
	byKey map[string]*list.Element
	order *list.List // of *bucket, last used first
}

type bucket struct {
	key    string
	tokens *rate.Limiter
}

const maxKeys = 20_000

func newLimiter(perMinute int, now func() time.Time) *limiter {
	return &limiter{perMinute: perMinute, now: now, byKey: map[string]*list.Element{}, order: list.New()}
}

// allow takes one token of key. When there is none it takes nothing and says
// how long until there is.
func (l *limiter) allow(key string) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	element, known := l.byKey[key]
	if known {
		l.order.MoveToFront(element)
	} else {
		tokens := rate.NewLimiter(rate.Every(time.Minute/time.Duration(l.perMinute)), l.perMinute)
		element = l.order.PushFront(&bucket{key, tokens})
		l.byKey[key] = element
		if l.order.Len() > maxKeys {
			delete(l.byKey, l.order.Remove(l.order.Back()).(*bucket).key)
		}
	}
	now := l.now()
	reservation := element.Value.(*bucket).tokens.ReserveN(now, 1)
	if wait = reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
		return wait, false
	}
	return 0, true
}

// addressKey is what a caller's address counts as: an IPv4 address, or the /64
// an IPv6 address is handed out from.
func addressKey(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if ip = ip.Unmap(); ip.Is6() {
		if prefix, err := ip.WithZone("").Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}
