package fastdfs

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// replicationDelay is the age at which trackers take it for granted that all storages of a group have a file (storage_sync_file_max_delay).
const replicationDelay = 24 * time.Hour

// elsewhere is for a storage that does not know a file. Unless that is the one the file came from, trackers may have named it because
// they have just been started and do not know the right one yet: all of them are asked, and what they name is tried.
func (c *Client) elsewhere(ctx context.Context, id, asked string, cause error, attempt func(Target) error) error {
	if c.isSource(id, asked) {
		return cause
	}
	tried := map[string]bool{asked: true}
	for _, target := range c.queryUpdates(ctx, id) {
		if tried[target.Address] {
			continue
		}
		tried[target.Address] = true
		if cause = attempt(target); !hasStatus(cause, statusNotFound) {
			return cause
		}
	}
	return c.believe(ctx, id, cause)
}

// isSource reports whether an address is that of the storage that a file was uploaded to, as far as the id tells.
func (c *Client) isSource(id, address string) bool {
	f, err := ParseFileID(id)
	if err != nil {
		return false
	}
	source, ok := f.SourceAddr()
	_, port, err := net.SplitHostPort(address)
	return ok && err == nil && c.config.mapped(source.String(), port) == address
}

// queryUpdates asks all trackers that answer.
func (c *Client) queryUpdates(ctx context.Context, id string) []Target {
	group, name, err := splitID(id)
	if err != nil {
		return nil
	}
	var all []Target
	for _, p := range c.order() {
		if p.isDown() {
			continue
		}
		body, err := c.askPool(ctx, p, newRequest(CommandQueryUpdate, groupSize+len(name)).fixed(group, groupSize).text(name).end(0))
		if err != nil {
			continue
		}
		if targets, err := c.parseTargets(body, oneTarget, 1); err == nil {
			all = append(all, targets...)
		}
	}
	return all
}

// believe turns "not found" into ErrUnreachable when the storage that the file came from is away, and the file so young that the others may
// not have it yet. Who took that for a file that is gone would lose it.
func (c *Client) believe(ctx context.Context, id string, cause error) error {
	f, err := ParseFileID(id)
	if err != nil || !hasStatus(cause, statusNotFound) || time.Since(f.Created) > replicationDelay {
		return cause
	}
	storages, err := c.listStorages(ctx, f.Group, "")
	if err != nil {
		return cause
	}
	addr, byAddr := f.SourceAddr()
	number, byNumber := f.StorageID()
	for _, s := range storages {
		source := byAddr && s.Addr == addr || byNumber && s.ID == strconv.FormatUint(uint64(number), decimal)
		if source && s.Status != StorageActive {
			return fmt.Errorf("%w: storage %s, which the file came from, is %s, and others may not have it yet", ErrUnreachable, s.ID, s.Status)
		}
	}
	return cause
}
