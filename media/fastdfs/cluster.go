package fastdfs

import (
	"context"
	"net"
	"strings"
	"time"
)

// Leader returns the address of the tracker that leads, after Config.AddressMap. Servers have it from 6.15.5 on; clients need no leader.
func (c *Client) Leader(ctx context.Context) (string, error) {
	leader, err := c.leader(ctx)
	return leader, named("leader", err)
}

func (c *Client) leader(ctx context.Context) (string, error) {
	body, err := c.ask(ctx, newRequest(CommandLeader, 0).end(0))
	if err != nil {
		return "", err
	}
	host, port, err := net.SplitHostPort(string(body))
	if err != nil || len(body) > 80 || host == "" {
		return "", protocolError("leader in %d bytes", len(body))
	}
	return c.config.mapped(host, port), nil
}

// ServerStat is a tracker or a storage in the statistics of the cluster.
type ServerStat struct {
	ID      string // of a storage
	Address string // host:port
	Leader  bool   // a tracker that leads
	Active  bool   // a tracker that works
	Trunk   bool   // a storage that gives out room in trunk files
	Status  StorageStatus

	AllocatedConnections, Connections, MaxConnections int32

	Version           string
	Up, LastHeartBeat time.Time
}

// VolumeStat is the room in a group.
type VolumeStat struct {
	Group                                                 string
	TotalMB, FreeMB, ReservedMB, AvailableMB, TrunkFreeMB int64
	DiskAvailable, TrunkAvailable                         bool
}

// TrackerStats lists the trackers of the cluster. Servers have it from 6.15.5 on.
func (c *Client) TrackerStats(ctx context.Context) ([]ServerStat, error) {
	body, err := c.ask(ctx, newRequest(CommandTrackerStat, 3).byte(0).byte(0).byte(0).end(0))
	if err != nil {
		return nil, named("tracker statistics", err)
	}
	stats, err := parseTrackerStats(body)
	return stats, named("tracker statistics", err)
}

// StorageStats lists the storages of all groups. Servers have it from 6.16 on.
func (c *Client) StorageStats(ctx context.Context) ([]ServerStat, error) {
	body, err := c.ask(ctx, newRequest(CommandStorageStat, 4).int32(0).end(0))
	if err != nil {
		return nil, named("storage statistics", err)
	}
	stats, err := parseStorageStats(body)
	return stats, named("storage statistics", err)
}

// VolumeStats lists the room in all groups. Servers have it from 6.16 on.
func (c *Client) VolumeStats(ctx context.Context) ([]VolumeStat, error) {
	body, err := c.ask(ctx, newRequest(CommandVolumeStat, 4).int32(0).end(0))
	if err != nil {
		return nil, named("volume statistics", err)
	}
	stats, err := parseVolumeStats(body)
	return stats, named("volume statistics", err)
}

const (
	hostSize           = 52
	trackerStatRecord  = 90
	storageStatRecord  = 106
	volumeStatRecord   = 59
	storageStatHeading = 6
	volumeStatHeading  = 5
)

func parseTrackerStats(body []byte) ([]ServerStat, error) {
	f := fields{b: body}
	count := int(f.byte())
	if f.short || len(f.b) != count*trackerStatRecord {
		return nil, protocolError("trackers in %d bytes", len(body))
	}
	stats := make([]ServerStat, count)
	for i := range stats {
		stats[i] = ServerStat{Address: f.text(hostSize), Leader: f.byte() != 0, Active: f.byte() != 0}
		stats[i].readRest(&f)
	}
	return stats, nil
}

func parseStorageStats(body []byte) ([]ServerStat, error) {
	f := fields{b: body}
	f.take(storageStatHeading - 4)
	count := int64(f.int32())
	if f.short || int64(len(f.b)) != count*storageStatRecord {
		return nil, protocolError("storages in %d bytes", len(body))
	}
	stats := make([]ServerStat, count)
	for i := range stats {
		stats[i] = ServerStat{ID: f.text(16), Address: f.text(hostSize), Trunk: f.byte() != 0, Status: StorageStatus(f.byte())}
		stats[i].readRest(&f)
	}
	return stats, nil
}

func (s *ServerStat) readRest(f *fields) {
	s.AllocatedConnections, s.Connections, s.MaxConnections = f.int32(), f.int32(), f.int32()
	s.Version = f.text(8)
	s.Up, s.LastHeartBeat = f.time64(), f.time64()
}

func parseVolumeStats(body []byte) ([]VolumeStat, error) {
	f := fields{b: body}
	f.take(volumeStatHeading - 4)
	count := int64(f.int32())
	if f.short || int64(len(f.b)) != count*volumeStatRecord {
		return nil, protocolError("volumes in %d bytes", len(body))
	}
	stats := make([]VolumeStat, count)
	for i := range stats {
		stats[i] = VolumeStat{
			Group: f.text(groupSize + 1), TotalMB: f.int64(), FreeMB: f.int64(), ReservedMB: f.int64(), AvailableMB: f.int64(), TrunkFreeMB: f.int64(),
			DiskAvailable: f.byte() != 0, TrunkAvailable: f.byte() != 0,
		}
	}
	return stats, nil
}

// Parameters returns the settings that trackers hand to storages, such as use_storage_id and response_ip_addr_size.
func (c *Client) Parameters(ctx context.Context) (map[string]string, error) {
	body, err := c.ask(ctx, newRequest(CommandParameters, 0).end(0))
	if err != nil {
		return nil, named("parameters", err)
	}
	parameters := map[string]string{}
	for line := range strings.Lines(string(body)) {
		if name, value, ok := strings.Cut(line, "="); ok {
			parameters[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return parameters, nil
}

// StorageName is what a cluster that uses storage ids knows by one.
type StorageName struct {
	ID        string
	Group     string
	Addresses []string // the host, or an inner and an outer one, with the port behind the last if it is known
}

// maxStorageNames bounds what StorageNames takes in.
const maxStorageNames = 512 * maxStorages

// StorageNames lists the storage ids of the cluster; none if it does not use them.
func (c *Client) StorageNames(ctx context.Context) ([]StorageName, error) {
	names, err := c.storageNames(ctx)
	return names, named("storage ids", err)
}

func (c *Client) storageNames(ctx context.Context) ([]StorageName, error) {
	var all []StorageName
	for {
		body, err := c.ask(ctx, newRequest(CommandStorageIDs, 5).int32(int32(len(all))).byte(1).end(0))
		if err != nil {
			return nil, err
		}
		total, page, err := parseStorageNames(body)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(all) >= total {
			return all, nil
		}
		if len(page) == 0 {
			return nil, protocolError("%d storage ids where %d were announced", len(all), total)
		}
	}
}

func parseStorageNames(body []byte) (total int, page []StorageName, err error) {
	f := fields{b: body}
	total = int(f.int32())
	count := int(f.int32())
	if f.short || total < 0 || total > maxStorageNames || count < 0 || count > total {
		return 0, nil, protocolError("storage ids in %d bytes", len(body))
	}
	for line := range strings.Lines(string(f.b)) {
		parts := strings.Fields(line)
		if len(parts) < 2 || len(page) == count {
			return 0, nil, protocolError("storage ids in %d bytes", len(body))
		}
		name := StorageName{ID: parts[0], Group: parts[1]}
		for _, part := range parts[2:] {
			name.Addresses = append(name.Addresses, strings.Split(part, ",")...)
		}
		page = append(page, name)
	}
	if len(page) != count {
		return 0, nil, protocolError("%d storage ids where %d were announced", len(page), count)
	}
	return total, page, nil
}
