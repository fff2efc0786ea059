package notify

// Gathered is how many jobs wait for the write under way to end.
func Gathered(c *Client) int { return c.commit.Gathered() }

// FindLeaks looks once for goroutines that handlers of a running worker left.
func FindLeaks(w *Worker) {
	w.mu.Lock()
	r := w.current
	w.mu.Unlock()
	r.findLeaks()
}
