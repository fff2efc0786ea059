// Package fastdfstest runs a FastDFS cluster in the process of a test: trackers and storages that
// answer as those of FastDFS 6.16 do, byte for byte, with the same limits. Any program that speaks FastDFS can be tested with it.
//
//	func TestUpload(t *testing.T) {
//		cluster := fastdfstest.Start(t, nil) // two storages in group1, one in group2, one tracker
//		client, err := fastdfs.NewClient(cluster.Config())
//		…
//	}
//
// It keeps files in memory, and all that it does can be disturbed: see [Cluster.Inject], [Server.Stop], [Options.ManualSync] and
// [Options.Capacity]. What it leaves out: commands between servers, administration, links, and disks.
package fastdfstest

import (
	"fmt"
	"maps"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/media/fastdfs"
)

// Options of a cluster. nil means the zero value.
type Options struct {
	Groups   []int // how many storages each group has; default 2 and 1
	Trackers int   // default 1

	// Advertise are the addresses under which the storages are known, "ip:port", as behind NAT; clients then need AddressMap, which Config
	// has. Files then carry the address in their names. Default: where they listen; files carry storage ids.
	Advertise []string
	// AdvertiseTrackers are the addresses by which trackers are known to each other. Default: where they listen.
	AdvertiseTrackers []string
	// StorageIDs makes files carry storage ids (100001 and so on) whatever is advertised.
	StorageIDs bool
	// Wide makes address fields 46 bytes wide, as servers with IPv6 do.
	Wide bool
	// Trunk keeps small files in trunk files, which have longer names.
	Trunk bool

	BufferSize int   // buff_size of the storages in bytes; default 256 KiB
	Capacity   int64 // bytes of content that a storage takes; default 256 MiB
	// ManualSync copies files to the other storages of a group only when Sync is called. Trackers know it.
	ManualSync bool
	// Careless makes trackers name storages that may not have a file yet.
	Careless bool
	Now      func() time.Time // default time.Now
}

// Cluster is a running cluster. It is safe for concurrent use.
type Cluster struct {
	options  Options
	trackers []*Server
	storages []*Server
	stores   []*storage // of the storages, in their order
	groups   []*group

	mu     sync.Mutex // of all that follows, and of the content of the stores
	turn   int        // of the group that takes the next file
	faults []*Fault
	random uint64
}

type group struct {
	name    string
	members []*storage
	write   int // of the member that takes the next file
	read    int
	pending []change // not yet copied
}

// TB is what Start needs of a *testing.T.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Start runs a cluster until the test ends.
func Start(t TB, options *Options) *Cluster {
	t.Helper()
	c, err := New(options)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(c.Close)
	return c
}

// New runs a cluster, which must be closed. It listens on 127.0.0.1, on ports that are free.
func New(options *Options) (*Cluster, error) {
	var o Options
	if options != nil {
		o = *options
	}
	if len(o.Groups) == 0 {
		o.Groups = []int{2, 1}
	}
	if o.Trackers == 0 {
		o.Trackers = 1
	}
	if o.BufferSize == 0 {
		o.BufferSize = fastdfs.DefaultBufferSize
	}
	if o.Capacity == 0 {
		o.Capacity = 256 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.StorageIDs = o.StorageIDs || len(o.Advertise) == 0
	c := &Cluster{options: o, random: 1}
	if err := c.listen(); err != nil {
		c.Close()
		return nil, fmt.Errorf("fastdfstest: %w", err)
	}
	return c, nil
}

func (c *Cluster) listen() error {
	for i, count := range c.options.Groups {
		g := &group{name: "group" + strconv.Itoa(i+1)}
		for range count {
			s := &storage{cluster: c, group: g, files: map[string]*file{}, joined: c.options.Now()}
			server, err := c.serve(&storageSession{s})
			if err != nil {
				return err
			}
			s.server, s.id = server, uint32(100001+len(c.storages))
			advertised := server.address
			if n := len(c.storages); n < len(c.options.Advertise) {
				advertised = c.options.Advertise[n]
			}
			host, port, err := net.SplitHostPort(advertised)
			if err != nil {
				return fmt.Errorf("advertise: %w", err)
			}
			s.ip = host
			if s.port, err = strconv.ParseInt(port, 10, 64); err != nil {
				return fmt.Errorf("advertise: %w", err)
			}
			c.storages = append(c.storages, server)
			c.stores = append(c.stores, s)
			g.members = append(g.members, s)
		}
		c.groups = append(c.groups, g)
	}
	for range c.options.Trackers {
		server, err := c.serve(&trackerSession{c})
		if err != nil {
			return err
		}
		c.trackers = append(c.trackers, server)
	}
	return nil
}

// Config is that of a client for this cluster.
func (c *Cluster) Config() *fastdfs.Config {
	config := &fastdfs.Config{Trackers: c.Addresses(), BufferSize: c.options.BufferSize, AddressMap: map[string]string{}}
	for _, s := range c.stores {
		config.AddressMap[net.JoinHostPort(s.ip, strconv.FormatInt(s.port, 10))] = s.server.address
	}
	return config
}

// Addresses are those of the trackers.
func (c *Cluster) Addresses() []string {
	var all []string
	for _, s := range c.trackers {
		all = append(all, s.address)
	}
	return all
}

// trackerName is the address by which a tracker is known.
func (c *Cluster) trackerName(i int) string {
	if i < len(c.options.AdvertiseTrackers) {
		return c.options.AdvertiseTrackers[i]
	}
	return c.trackers[i].address
}

// Trackers are the trackers.
func (c *Cluster) Trackers() []*Server { return c.trackers }

// Storages are the storages in the order of their groups.
func (c *Cluster) Storages() []*Server { return c.storages }

// Source is the storage that took the upload of a file, or nil if it is not one of this cluster.
func (c *Cluster) Source(id string) *Server {
	f, err := fastdfs.ParseFileID(id)
	if err != nil {
		return nil
	}
	for i, s := range c.stores {
		if s.group.name == f.Group && s.source() == f.Source {
			return c.storages[i]
		}
	}
	return nil
}

// Sync copies what ManualSync holds back.
func (c *Cluster) Sync() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range c.groups {
		for _, change := range g.pending {
			change.apply(g)
		}
		g.pending = nil
	}
}

// Files returns the content of all files of a storage by their names without group.
func (c *Cluster) Files(server *Server) map[string][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string][]byte{}
	for i, s := range c.stores {
		if c.storages[i] == server {
			for name, f := range s.files {
				all[name] = f.content
			}
		}
	}
	return maps.Clone(all)
}

// Corrupt changes a byte in the middle of a file on a storage, behind the back of everybody. It reports whether the file is there.
func (c *Cluster) Corrupt(server *Server, name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, s := range c.stores {
		if f := s.files[name]; f != nil && c.storages[i] == server && len(f.content) > 0 {
			content := append([]byte(nil), f.content...)
			content[len(content)/2] ^= 0xFF
			changed := *f
			changed.content = content
			s.files[name] = &changed
			return true
		}
	}
	return false
}

// Close stops all servers. Idempotent.
func (c *Cluster) Close() {
	for _, s := range append(append([]*Server(nil), c.trackers...), c.storages...) {
		s.Stop()
	}
}

// rand is a small generator (xorshift, Marsaglia 2003), so that a cluster that is used in the same way answers the same.
func (c *Cluster) rand() uint64 {
	c.random ^= c.random << 13
	c.random ^= c.random >> 7
	c.random ^= c.random << 17
	return c.random
}
