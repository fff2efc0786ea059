package sqlqueue

import "time"

// LocalClock makes options for a process whose clock is wrong, as Options.Now is not: that one is trusted.
func LocalClock(o *Options, now func() time.Time) *Options {
	o.Now, o.wrong = now, true
	return o
}
