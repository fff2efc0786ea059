package fastdfstest

import (
	"fmt"
	"strings"
)

const (
	version      = "6.16.0"
	megabyte     = 1 << 20
	active       = 7
	readAndWrite = 6
	subdirs      = 4
)

// The room that a storage says it has, in MB; reserved is what it keeps back.
func (s *storage) space() (total, free, reserved int64) {
	total = s.cluster.options.Capacity / megabyte
	return total, (s.cluster.options.Capacity - s.used) / megabyte, 0
}

func (t *trackerSession) groupRecord(out answerOut, g *group) answerOut {
	total, free, reserved := g.members[0].space()
	trunkFile := int64(-1)
	if t.options.Trunk {
		trunkFile = 0
	}
	n := int64(len(g.members))
	out = out.text(g.name, 17)
	for _, v := range []int64{total, free, reserved, 0, n, g.members[0].port, n, n, int64(g.write % len(g.members)), 1, subdirs, trunkFile} {
		out = out.int64(v)
	}
	return out
}

func (t *trackerSession) storageRecord(out answerOut, s *storage) answerOut {
	total, free, reserved := s.space()
	address := 16
	if t.options.Wide {
		address = 46
	}
	out = append(out, active, readAndWrite)
	filledFrom := "" // the first storage of a group has it from nowhere
	if first := s.group.members[0]; s != first {
		filledFrom = first.name()
	}
	out = out.text(s.name(), 16).text(s.ip, address).text(filledFrom, 16).text(version, 8)
	for _, v := range []int64{s.joined.Unix(), s.joined.Unix(), total, free, reserved, 10, 1, subdirs, 0, s.port} {
		out = out.int64(v)
	}
	const counters = 3*4 + 19*2*8 + 3*8
	out = append(out, make([]byte, counters)...)
	out = out.int64(t.options.Now().Unix())
	return append(out, t.trunkServer(s))
}

func (t *trackerSession) trunkServer(s *storage) byte {
	if t.options.Trunk && s == s.group.members[0] {
		return 1
	}
	return 0
}

func (t *trackerSession) trunkMode() byte {
	if t.options.Trunk {
		return 1
	}
	return 0
}

func (t *trackerSession) trackerStat(body []byte) reply {
	if len(body) != 3 {
		return refuse(invalid)
	}
	out := answerOut{byte(len(t.trackers))}
	for i, s := range t.trackers {
		leader := byte(0)
		if i == 0 {
			leader = 1
		}
		out = append(out.text(t.trackerName(i), 52), leader, 1)
		out = out.int32(256).int32(int32(s.Open())).int32(int32(s.Open())).text(version, 8).int64(t.stores[0].joined.Unix()).int64(0)
	}
	return reply{body: out}
}

func (t *trackerSession) storageStat(body []byte) reply {
	if len(body) != 4 {
		return refuse(invalid)
	}
	ids := byte(0)
	if t.options.StorageIDs {
		ids = 1
	}
	out := answerOut{ids, t.trunkMode()}.int32(int32(len(t.stores)))
	for _, s := range t.stores {
		out = append(out.text(s.name(), 16).text(s.host(), 52), t.trunkServer(s), active)
		out = out.int32(0).int32(int32(s.server.Open())).int32(int32(s.server.Open())).text(version, 8)
		out = out.int64(s.joined.Unix()).int64(t.options.Now().Unix())
	}
	return reply{body: out}
}

func (t *trackerSession) volumeStat(body []byte) reply {
	if len(body) != 4 {
		return refuse(invalid)
	}
	out := answerOut{t.trunkMode()}.int32(int32(len(t.groups)))
	for _, g := range t.groups {
		total, free, reserved := g.members[0].space()
		out = out.text(g.name, 17).int64(total).int64(free).int64(reserved).int64(free).int64(0)
		out = append(out, 1, t.trunkMode())
	}
	return reply{body: out}
}

// parameters are the settings that trackers hand to storages, as in the default configuration.
func (t *trackerSession) parameters() string {
	ids, kind, width := 0, "ip", 16
	if t.options.StorageIDs {
		ids, kind = 1, "id"
	}
	if t.options.Wide {
		width = 46
	}
	var b strings.Builder
	for _, line := range []struct {
		name  string
		value any
	}{
		{"use_storage_id", ids}, {"id_type_in_filename", kind}, {"trust_storage_server_id", 1}, {"response_ip_addr_size", width},
		{"storage_ip_changed_auto_adjust", 1}, {"storage_sync_file_max_delay", 86400}, {"store_path", 0}, {"reserved_storage_space", "64MB"},
		{"use_trunk_file", t.trunkMode()}, {"slot_min_size", slotMin}, {"slot_max_size", slotMax}, {"trunk_alloc_alignment_size", slotMin},
		{"trunk_file_size", 64 * megabyte}, {"trunk_create_file_advance", 0}, {"trunk_create_file_time_base", "02:00"},
		{"trunk_create_file_interval", 86400}, {"trunk_create_file_space_threshold", 20 << 30}, {"trunk_init_check_occupying", 0},
		{"trunk_init_reload_from_binlog", 0}, {"trunk_free_space_merge", 1}, {"delete_unused_trunk_files", 0},
		{"trunk_compress_binlog_min_interval", 86400}, {"trunk_compress_binlog_interval", 86400}, {"trunk_compress_binlog_time_base", "03:00"},
		{"trunk_binlog_max_backups", 7}, {"store_slave_file_use_link", 0},
	} {
		fmt.Fprintf(&b, "%s=%v\n", line.name, line.value)
	}
	return b.String()
}
