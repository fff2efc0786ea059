package fastdfs

import (
	"context"
)

// Group is a group of storages as a tracker sees it. The fields are those of version 6.13.1 and later; older
// servers leave some of them zero.
type Group struct {
	Name                    string
	TotalMB, FreeMB         int64
	ReservedMB, TrunkFreeMB int64
	Storages                int64
	StoragePort             int64
	Readable, Writable      int64 // storages; before 6.13, Readable and Writable are both the active ones
	WriteServer             int64 // index of the next storage to be written to
	StorePaths, Subdirs     int64
	TrunkFile               int64 // -1 without trunk files
}

// Groups lists the groups of the cluster.
func (c *Client) Groups(ctx context.Context) ([]Group, error) {
	groups, err := c.listGroups(ctx, newRequest(CommandListGroups, 0).end(0))
	return groups, named("list groups", err)
}

// Group describes one group. media.ErrNotFound if there is none of that name.
func (c *Client) Group(ctx context.Context, name string) (Group, error) {
	if err := checkGroup(name); err != nil {
		return Group{}, named("list group", err)
	}
	groups, err := c.listGroups(ctx, newRequest(CommandListGroup, groupSize).fixed(name, groupSize).end(0))
	if err == nil && len(groups) != 1 {
		err = protocolError("%d groups where one was asked for", len(groups))
	}
	if err != nil {
		return Group{}, named("list group", err)
	}
	return groups[0], nil
}

func (c *Client) listGroups(ctx context.Context, req request) ([]Group, error) {
	body, err := c.ask(ctx, req)
	if err != nil {
		return nil, err
	}
	return parseGroups(body)
}

const (
	groupRecord    = 113
	oldGroupRecord = 105 // up to 6.13.0, in two layouts of the same size
	maxGroups      = 512
)

// parseGroups tells the layouts apart by their sizes, and where these leave a doubt by what makes sense.
func parseGroups(body []byte) ([]Group, error) {
	for _, read := range []struct {
		size   int
		record func(*fields) Group
	}{{groupRecord, (*fields).group}, {oldGroupRecord, (*fields).group6130}, {oldGroupRecord, (*fields).oldGroup}} {
		if len(body)%read.size != 0 || len(body)/read.size > maxGroups {
			continue
		}
		groups := make([]Group, 0, len(body)/read.size)
		f := fields{b: body}
		for len(f.b) > 0 {
			g := read.record(&f)
			if !g.sensible() {
				break
			}
			groups = append(groups, g)
		}
		if len(groups) == len(body)/read.size {
			return groups, nil
		}
	}
	return nil, protocolError("groups in %d bytes", len(body))
}

func (g Group) sensible() bool {
	return checkGroup(g.Name) == nil && g.TotalMB >= 0 && g.FreeMB >= 0 && g.Storages >= 0 && g.Storages <= maxStorages &&
		g.Readable >= 0 && g.Readable <= g.Storages && g.Writable >= 0 && g.Writable <= g.Storages &&
		g.StorePaths >= 0 && g.StorePaths <= 256 && g.StoragePort >= 0 && g.StoragePort <= 65535 && g.TrunkFile >= -1
}

func (f *fields) group() Group {
	return Group{
		Name: f.text(groupSize + 1), TotalMB: f.int64(), FreeMB: f.int64(), ReservedMB: f.int64(), TrunkFreeMB: f.int64(),
		Storages: f.int64(), StoragePort: f.int64(), Readable: f.int64(), Writable: f.int64(), WriteServer: f.int64(),
		StorePaths: f.int64(), Subdirs: f.int64(), TrunkFile: f.int64(),
	}
}

// group6130 is the layout of 6.13.0, which knew no reserved space.
func (f *fields) group6130() Group {
	return Group{
		Name: f.text(groupSize + 1), TotalMB: f.int64(), FreeMB: f.int64(), TrunkFreeMB: f.int64(),
		Storages: f.int64(), StoragePort: f.int64(), Readable: f.int64(), Writable: f.int64(), WriteServer: f.int64(),
		StorePaths: f.int64(), Subdirs: f.int64(), TrunkFile: f.int64(),
	}
}

// oldGroup is the layout up to 6.12. Where later ones count readable storages it has the port of a web server, which
// is no number of storages; a cluster that set that port to 0 cannot be told from one of 6.13.0.
func (f *fields) oldGroup() Group {
	g := Group{
		Name: f.text(groupSize + 1), TotalMB: f.int64(), FreeMB: f.int64(), TrunkFreeMB: f.int64(),
		Storages: f.int64(), StoragePort: f.int64(),
	}
	f.int64()
	g.Readable = f.int64()
	g.Writable = g.Readable
	g.WriteServer, g.StorePaths, g.Subdirs, g.TrunkFile = f.int64(), f.int64(), f.int64(), f.int64()
	return g
}
