package notify

// Gathered is how many jobs wait for the write under way to end.
func Gathered(c *Client) int {
	c.batch.mu.Lock()
	defer c.batch.mu.Unlock()
	return len(c.batch.waiting)
}
