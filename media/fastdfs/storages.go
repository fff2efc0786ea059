package fastdfs

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// StorageStatus is the state in which a tracker sees a storage.
type StorageStatus uint8

// The states of a storage.
const (
	StorageInit       StorageStatus = 0
	StorageWaitSync   StorageStatus = 1
	StorageSyncing    StorageStatus = 2
	StorageIPChanged  StorageStatus = 3
	StorageDeleted    StorageStatus = 4
	StorageOffline    StorageStatus = 5
	StorageOnline     StorageStatus = 6
	StorageActive     StorageStatus = 7
	StorageRecovery   StorageStatus = 9
	StorageNoneStatus StorageStatus = 99
)

var storageStatusNames = map[StorageStatus]string{
	StorageInit: "init", StorageWaitSync: "waits for sync", StorageSyncing: "syncing", StorageIPChanged: "address changed", StorageDeleted: "deleted",
	StorageOffline: "offline", StorageOnline: "online", StorageActive: "active", StorageRecovery: "recovery", StorageNoneStatus: "none",
}

func (s StorageStatus) String() string {
	if name, ok := storageStatusNames[s]; ok {
		return name
	}
	return fmt.Sprintf("status %d", uint8(s))
}

// Storage is a storage as a tracker sees it. Fields that a version does not have are zero.
type Storage struct {
	Status             StorageStatus
	Readable, Writable bool // from 6.13 on; before, they follow from the status
	ID                 string
	Addr               netip.Addr
	SourceID           string // the storage it was filled from
	Version            string
	Joined, Up         time.Time
	TotalMB, FreeMB    int64
	ReservedMB         int64
	UploadPriority     int64
	StorePaths         int64
	Subdirs            int64
	WritePath          int64
	Port               int64
	Counters           Counters
	TrunkServer        bool
}

// Counters are a storage's own figures; they reach the trackers with some delay.
type Counters struct {
	AllocatedConnections, Connections, MaxConnections int32

	Upload, Append, Modify, Truncate, SetMetadata, Delete, Download, GetMetadata, CreateLink, DeleteLink Count // operations
	UploadBytes, AppendBytes, ModifyBytes, DownloadBytes, SyncInBytes, SyncOutBytes                      Count
	FileOpen, FileRead, FileWrite                                                                        Count

	LastSourceUpdate, LastSyncUpdate, LastSynced, LastHeartBeat time.Time // zero if never
}

// Count counts attempts, and how many of them succeeded.
type Count struct{ Total, Success int64 }

// Storages lists the storages of a group, or with a storage id (its address in clusters that use none) only that one.
// media.ErrNotFound if there is none.
func (c *Client) Storages(ctx context.Context, group, id string) ([]Storage, error) {
	storages, err := c.listStorages(ctx, group, id)
	return storages, named("list storages", err)
}

func (c *Client) listStorages(ctx context.Context, group, id string) ([]Storage, error) {
	if err := checkGroup(group); err != nil {
		return nil, err
	}
	if len(id) > 15 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, invalid("storage id", "is longer than 15 bytes, or not printable")
	}
	body, err := c.ask(ctx, newRequest(CommandListStorages, groupSize+len(id)).fixed(group, groupSize).text(id).end(0))
	if err != nil {
		return nil, err
	}
	return parseStorages(body)
}

// storageLayout says which of the fields that came and went a version has.
type storageLayout struct {
	size     int
	mode     bool // a byte that says what is readable and writable
	address  int
	domain   int
	version  int
	reserved bool
	httpPort bool
}

// storageLayouts are those of 6.15 and later (with narrow addresses), 6.13.1 to 6.14 and 6.15 and later with wide ones, 6.13.0,
// 6.12, 6.11, and 6.10 and before.
var storageLayouts = []storageLayout{
	{size: 487, mode: true, address: 16, version: 8, reserved: true},
	{size: 517, mode: true, address: 46, version: 8, reserved: true},
	{size: 509, mode: true, address: 46, version: 8},
	{size: 644, address: 46, domain: 128, version: 8, httpPort: true},
	{size: 642, address: 46, domain: 128, version: 6, httpPort: true},
	{size: 612, address: 16, domain: 128, version: 6, httpPort: true},
}

// parseStorages takes the layout that fits the length and makes sense in every record.
func parseStorages(body []byte) ([]Storage, error) {
	if len(body) == 0 {
		return nil, nil
	}
	for _, layout := range storageLayouts {
		if len(body)%layout.size != 0 || len(body)/layout.size > maxStorages {
			continue
		}
		storages := make([]Storage, 0, len(body)/layout.size)
		f := fields{b: body}
		for len(f.b) > 0 {
			s, ok := layout.read(&f)
			if !ok {
				break
			}
			storages = append(storages, s)
		}
		if len(storages) == len(body)/layout.size {
			return storages, nil
		}
	}
	return nil, protocolError("storages in %d bytes", len(body))
}

func (l storageLayout) read(f *fields) (s Storage, ok bool) {
	s.Status = StorageStatus(f.byte())
	s.Readable = s.Status == StorageActive
	s.Writable = s.Readable
	if l.mode {
		mode := f.byte()
		s.Readable, s.Writable = mode&4 != 0, mode&2 != 0
	}
	s.ID = f.text(16)
	address := f.text(l.address)
	f.take(l.domain)
	s.SourceID = f.text(16)
	s.Version = f.text(l.version)
	s.Joined, s.Up = f.time64(), f.time64()
	s.TotalMB, s.FreeMB = f.int64(), f.int64()
	if l.reserved {
		s.ReservedMB = f.int64()
	}
	s.UploadPriority, s.StorePaths, s.Subdirs, s.WritePath, s.Port = f.int64(), f.int64(), f.int64(), f.int64(), f.int64()
	if l.httpPort {
		f.int64()
	}
	s.Counters = f.counters()
	s.TrunkServer = f.byte() != 0
	var err error
	s.Addr, err = netip.ParseAddr(address)
	_, named := storageStatusNames[s.Status]
	version := s.Version == "" || s.Version[0] >= '1' && s.Version[0] <= '9' && strings.Trim(s.Version, "0123456789.") == ""
	return s, err == nil && named && version && s.Port >= 0 && s.Port <= 65535 && s.TotalMB >= 0 && s.StorePaths >= 0 && s.StorePaths <= 256
}

func (f *fields) counters() (c Counters) {
	c.AllocatedConnections, c.Connections, c.MaxConnections = f.int32(), f.int32(), f.int32()
	for _, count := range []*Count{
		&c.Upload, &c.Append, &c.Modify, &c.Truncate, &c.SetMetadata, &c.Delete, &c.Download, &c.GetMetadata, &c.CreateLink, &c.DeleteLink,
		&c.UploadBytes, &c.AppendBytes, &c.ModifyBytes, &c.DownloadBytes, &c.SyncInBytes, &c.SyncOutBytes,
		&c.FileOpen, &c.FileRead, &c.FileWrite,
	} {
		*count = Count{f.int64(), f.int64()}
	}
	c.LastSourceUpdate, c.LastSyncUpdate, c.LastSynced, c.LastHeartBeat = f.time64(), f.time64(), f.time64(), f.time64()
	return c
}

// time64 reads seconds since 1970; 0 is the zero time.
func (f *fields) time64() time.Time {
	seconds := f.int64()
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
