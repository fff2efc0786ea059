package fastdfs

import (
	"context"
	"errors"
	"slices"

	"github.com/seed82d84382/commerce/media"
)

// update makes an exchange with the storage on which a file is changed. It asks the tracker again where nothing
// has been sent, or where a remembered storage does not know the file.
func (c *Client) update(ctx context.Context, id string, exchange func(*conn) error) error {
	key := fileKey{update: true, id: id}
	target, cached := c.known.file(key)
	attempt := func(target Target) error {
		conn, err := c.connect(ctx, target.Address)
		if err != nil {
			return err
		}
		defer conn.release()
		if err = exchange(conn); err == nil {
			c.known.addFile(key, target)
		}
		return err
	}
	var failed error
	for failedAt := ""; ; failedAt = target.Address {
		if !cached {
			answer, err := c.queryFile(ctx, CommandQueryUpdate, id)
			if err != nil {
				return errors.Join(failed, err)
			}
			if target = answer[0]; target.Address == failedAt {
				if hasStatus(failed, statusNotFound) {
					return c.elsewhere(ctx, id, failedAt, failed, attempt)
				}
				return failed
			}
		}
		err := attempt(target)
		if err == nil {
			return nil
		}
		c.known.dropFile(id)
		again := errors.Is(err, ErrUnreachable) || cached && hasStatus(err, statusNotFound)
		if !again || ctx.Err() != nil || failed != nil && !cached {
			if hasStatus(err, statusNotFound) && ctx.Err() == nil {
				return c.elsewhere(ctx, id, target.Address, err, attempt)
			}
			return err
		}
		failed, cached = err, false
	}
}

// fetch makes an exchange that only reads with a storage that has a file: the one a tracker names, then any other when that
// cannot be reached or breaks off, and the source when it does not have the file yet.
func (c *Client) fetch(ctx context.Context, id string, exchange func(*conn) error) error {
	key := fileKey{id: id}
	tried := map[string]bool{}
	attempt := func(target Target) error {
		tried[target.Address] = true
		conn, err := c.connect(ctx, target.Address)
		if err != nil {
			return err
		}
		if err = exchange(conn); err != nil {
			return err
		}
		c.known.addFile(key, target)
		return nil
	}
	target, cached := c.known.file(key)
	if !cached {
		answer, err := c.queryFile(ctx, CommandQueryFetch, id)
		if err != nil {
			return err
		}
		target = answer[0]
	}
	err := ErrUnreachable
	if !c.isDown(target.Address) {
		if err = attempt(target); err == nil {
			return nil
		}
	}
	c.known.dropFile(id)
	over := func(err error) bool {
		return ctx.Err() != nil || errors.Is(err, media.ErrClosed) || refused(err) && !hasStatus(err, statusNotFound) || isContentError(err)
	}
	if over(err) {
		return err
	}
	if hasStatus(err, statusNotFound) {
		if err = c.elsewhere(ctx, id, target.Address, err, attempt); err == nil || refused(err) || over(err) {
			return err
		}
	}
	others, queryErr := c.queryFile(ctx, CommandQueryFetchAll, id)
	if queryErr != nil {
		return err
	}
	for _, other := range append(others, target) {
		if tried[other.Address] {
			continue
		}
		if err = attempt(other); err == nil || over(err) {
			return err
		}
	}
	return c.believe(ctx, id, err)
}

// isContentError: failures that another storage would not mend, or that came after content had been handed on.
func isContentError(err error) bool { return errors.Is(err, ErrCorrupt) }

// simple makes an exchange of two small messages with the storage on which a file is changed.
func (c *Client) simple(ctx context.Context, id string, req request) (body []byte, err error) {
	err = c.update(ctx, id, func(conn *conn) error {
		body, err = conn.roundTrip(ctx, req)
		return err
	})
	return body, err
}

// Delete removes a file with its metadata. Slaves of it stay. media.ErrNotFound if it is not there.
func (c *Client) Delete(ctx context.Context, id string) error {
	group, name, err := splitID(id)
	if err == nil {
		_, err = c.simple(ctx, id, newRequest(CommandDelete, groupSize+len(name)).fixed(group, groupSize).text(name).end(0))
		c.known.dropFile(id)
	}
	return named("delete", err)
}

// Truncate makes an appender file shorter, or longer with zero bytes.
func (c *Client) Truncate(ctx context.Context, id string, size int64) error {
	_, name, err := splitID(id)
	if err == nil && size < 0 {
		err = invalid("size", "is negative")
	}
	if err == nil {
		_, err = c.simple(ctx, id, newRequest(CommandTruncate, 16+len(name)).int64(int64(len(name))).int64(size).text(name).end(0))
	}
	return named("truncate", err)
}

// Regenerate makes an appender file a normal one and returns its new id, which says its size and checksum. The old id is
// gone, and its metadata with it.
func (c *Client) Regenerate(ctx context.Context, id string) (string, error) {
	newID, err := c.regenerate(ctx, id)
	return newID, named("regenerate name", err)
}

func (c *Client) regenerate(ctx context.Context, id string) (string, error) {
	_, name, err := splitID(id)
	if err != nil {
		return "", err
	}
	body, err := c.simple(ctx, id, newRequest(CommandRegenerate, len(name)).text(name).end(0))
	if err != nil {
		return "", err
	}
	c.known.dropFile(id)
	return parseNewID(body)
}

// parseNewID reads the answer to everything that makes a file.
func parseNewID(body []byte) (string, error) {
	f := fields{b: body}
	group := f.text(groupSize)
	if f.short {
		return "", protocolError("file id in %d bytes", len(body))
	}
	id := group + "/" + string(f.b)
	if _, _, err := splitID(id); err != nil {
		return "", protocolError("file id: %v", err)
	}
	return id, nil
}

// ActiveTest asks a single server, tracker or storage, whether it works.
func (c *Client) ActiveTest(ctx context.Context, address string) error {
	at := slices.IndexFunc(c.trackers, func(p *pool) bool { return p.address == address })
	var p *pool
	var err error
	if at >= 0 {
		p = c.trackers[at]
	} else {
		p, err = c.storage(address)
	}
	if err == nil {
		_, err = c.askPool(ctx, p, newRequest(CommandActiveTest, 0).end(0))
	}
	return named("active test", err)
}
