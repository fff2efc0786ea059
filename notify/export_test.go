package notify

// Gathered is how many jobs wait for the write under way to end.
func Gathered(c *Client) int {
	c.batch.mu.Lock()
	defer c.batch.mu.Unlock()
	return len(c.batch.waiting)
}

// FindLeaks looks once for goroutines that handlers of a running worker left.
func FindLeaks(w *Worker) {
	w.mu.Lock()
	r := w.current
	w.mu.Unlock()
	r.findLeaks()
}
