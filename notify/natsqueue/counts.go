package natsqueue

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// counted is how long what happened in a minute is known.
const counted = time.Hour

// flushEvery is how often a process writes its counts down.
const flushEvery = time.Second

// tally is what happened in one minute: how many were handled, and how many failed.
type tally [2]int

// counts are of what happened here. Each process writes its own down for all to add up.
type counts struct {
	driver *driver
	self   string
	done   chan struct{}
	ended  sync.WaitGroup

	writing sync.Mutex // an older state of the counts does not come after a newer one, and who flushes knows all as written

	mu      sync.Mutex
	queues  map[string]map[int64]*tally // by minute
	changed map[string]bool
}

func (c *counts) start(d *driver) {
	c.driver, c.self, c.done = d, rand.Text(), make(chan struct{})
	c.queues, c.changed = make(map[string]map[int64]*tally), make(map[string]bool)
	c.ended.Go(func() {
		ticker := time.NewTicker(flushEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				c.flush(d.life)
			case <-c.done:
				return
			}
		}
	})
}

// stop writes down the last ones.
func (c *counts) stop() {
	close(c.done)
	c.ended.Wait()
	ctx, cancel := context.WithTimeout(c.driver.life, flushEvery)
	defer cancel()
	if c.driver.nc.IsConnected() {
		c.flush(ctx)
	}
}

func (c *counts) add(queue string, handled, failed int) {
	minute := c.driver.options.Now().Unix() / 60
	c.mu.Lock()
	defer c.mu.Unlock()
	minutes := c.queues[queue]
	if minutes == nil {
		minutes = make(map[int64]*tally)
		c.queues[queue] = minutes
	}
	t := minutes[minute]
	if t == nil {
		t = new(tally)
		minutes[minute] = t
		maps.DeleteFunc(minutes, func(m int64, _ *tally) bool { return m <= minute-int64(counted/time.Minute) })
	}
	t[0] += handled
	t[1] += failed
	c.changed[queue] = true
}

func (c *counts) flush(ctx context.Context) {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	var changes []notify.StateChange
	for queue := range c.changed {
		value, err := json.Marshal(c.queues[queue])
		if err != nil {
			continue
		}
		changes = append(changes, notify.StateChange{Key: "counts/" + queue + "/" + c.self, Value: value, Version: notify.AnyVersion, TTL: counted})
	}
	clear(c.changed)
	c.mu.Unlock()
	if len(changes) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if _, err := c.driver.SwapState(ctx, changes); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, change := range changes {
			queue := strings.TrimSuffix(strings.TrimPrefix(change.Key, "counts/"), "/"+c.self)
			c.changed[queue] = true
		}
	}
}

// read adds up what all processes have written down.
func (c *counts) read(ctx context.Context) (map[string][]notify.MinuteStats, error) {
	sums := make(map[string]map[int64]*tally)
	after := ""
	for {
		entries, err := c.driver.ScanState(ctx, "counts/", after, page)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			after = entry.Key
			rest := strings.TrimPrefix(entry.Key, "counts/")
			at := strings.LastIndexByte(rest, '/')
			var minutes map[int64]*tally
			if at < 0 || json.Unmarshal(entry.Value, &minutes) != nil {
				continue
			}
			queue := rest[:at]
			if sums[queue] == nil {
				sums[queue] = make(map[int64]*tally)
			}
			for minute, t := range minutes {
				if sums[queue][minute] == nil {
					sums[queue][minute] = new(tally)
				}
				sums[queue][minute][0] += t[0]
				sums[queue][minute][1] += t[1]
			}
		}
		if len(entries) < page {
			break
		}
	}
	oldest := c.driver.options.Now().Unix()/60 - int64(counted/time.Minute)
	all := make(map[string][]notify.MinuteStats)
	for queue, minutes := range sums {
		for _, minute := range slices.Sorted(maps.Keys(minutes)) {
			if t := minutes[minute]; minute > oldest {
				all[queue] = append(all[queue], notify.MinuteStats{Start: time.Unix(minute*60, 0).UTC(), Handled: t[0], Failed: t[1]})
			}
		}
	}
	return all, nil
}
