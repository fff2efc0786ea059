package fastdfstest

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/seed82d84382/commerce/media/fastdfs"
)

// trackerSession answers as every tracker of a cluster does; they share what they know.
type trackerSession struct{ *Cluster }

func (t *trackerSession) buffer() int { return 64 << 10 }

func (t *trackerSession) answer(r *requestIn) reply {
	if r.length > int64(len(r.first)) {
		return reply{silent: true}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	body := r.first
	switch r.command {
	case fastdfs.CommandActiveTest, fastdfs.CommandQueryStore, fastdfs.CommandQueryStores, fastdfs.CommandListGroups, fastdfs.CommandLeader,
		fastdfs.CommandParameters, fastdfs.CommandTrackerStatus:
		if len(body) != 0 {
			return refuse(invalid)
		}
	case fastdfs.CommandQueryStoreIn, fastdfs.CommandQueryStoresIn, fastdfs.CommandListGroup:
		if len(body) != 16 {
			return refuse(invalid)
		}
	}
	switch r.command {
	case fastdfs.CommandActiveTest:
		return reply{}
	case fastdfs.CommandQueryStore, fastdfs.CommandQueryStores:
		return t.store(t.nextGroup(), r.command == fastdfs.CommandQueryStores)
	case fastdfs.CommandQueryStoreIn, fastdfs.CommandQueryStoresIn:
		return t.store(t.group(cut(body)), r.command == fastdfs.CommandQueryStoresIn)
	case fastdfs.CommandQueryFetch, fastdfs.CommandQueryFetchAll, fastdfs.CommandQueryUpdate:
		return t.file(r.command, body)
	case fastdfs.CommandListGroup:
		if g := t.group(cut(body)); g != nil {
			return reply{body: t.groupRecord(nil, g)}
		}
		return refuse(notFound)
	case fastdfs.CommandListGroups:
		var out answerOut
		for _, g := range t.groups {
			out = t.groupRecord(out, g)
		}
		return reply{body: out}
	case fastdfs.CommandListStorages:
		return t.list(body)
	case fastdfs.CommandLeader:
		return reply{body: []byte(t.trackerName(0))}
	case fastdfs.CommandTrackerStat:
		return t.trackerStat(body)
	case fastdfs.CommandStorageStat:
		return t.storageStat(body)
	case fastdfs.CommandVolumeStat:
		return t.volumeStat(body)
	case fastdfs.CommandTrackerStatus:
		return reply{body: append([]byte{1}, make([]byte, 16)...)}
	case fastdfs.CommandParameters:
		return reply{body: []byte(t.parameters())}
	case fastdfs.CommandStorageIDs:
		return t.storageIDs(body)
	}
	return refuse(invalid)
}

func (t *trackerSession) group(name string) *group {
	for _, g := range t.groups {
		if g.name == name {
			return g
		}
	}
	return nil
}

// nextGroup takes the groups in turn.
func (t *trackerSession) nextGroup() *group {
	g := t.groups[t.turn%len(t.groups)]
	t.turn++
	return g
}

func (t *trackerSession) addressSize() int {
	if t.options.Wide {
		return 45
	}
	return 15
}

// store names the storages that take a file. Like real trackers it does not notice at once when one has died.
func (t *trackerSession) store(g *group, all bool) reply {
	if g == nil {
		return refuse(notFound)
	}
	s := g.members[g.write%len(g.members)]
	g.write++
	free := false
	for _, member := range g.members {
		free = free || member.used < t.options.Capacity
	}
	if !free {
		return refuse(full)
	}
	out := answerOut{}.text(g.name, 16)
	targets := []*storage{s}
	if all {
		targets = g.members
	}
	for _, s := range targets {
		out = out.text(s.ip, t.addressSize()).int64(s.port)
	}
	return reply{body: append(out, 0)}
}

func (t *trackerSession) file(command fastdfs.Command, body []byte) reply {
	if len(body) < 38 || len(body) > 143 {
		return refuse(invalid)
	}
	g := t.group(cut(body[:16]))
	if g == nil {
		return refuse(notFound)
	}
	name := string(body[16:])
	id, err := fastdfs.ParseFileID(g.name + "/" + name)
	if err != nil {
		return refuse(invalid)
	}
	var source *storage
	for _, s := range g.members {
		if s.source() == id.Source {
			source = s
		}
	}
	targets := []*storage{cmp.Or(source, g.members[0])}
	switch {
	case command == fastdfs.CommandQueryUpdate:
	case source != nil && (id.Appender() || isSlave(name) || !source.synced() && !t.options.Careless):
	case command == fastdfs.CommandQueryFetchAll:
		targets = g.members
	default:
		targets = []*storage{g.members[g.read%len(g.members)]}
		g.read++
	}
	out := answerOut{}.text(g.name, 16)
	for _, s := range targets {
		out = out.text(s.ip, t.addressSize()).int64(s.port)
	}
	return reply{body: out}
}

func (t *trackerSession) list(body []byte) reply {
	if len(body) < 16 || len(body) > 31 {
		return refuse(invalid)
	}
	g := t.group(cut(body[:16]))
	if g == nil {
		return refuse(notFound)
	}
	wanted := string(body[16:])
	var out answerOut
	for _, s := range g.members {
		if wanted == "" || wanted == s.name() {
			out = t.storageRecord(out, s)
		}
	}
	if out == nil {
		return refuse(notFound)
	}
	return reply{body: out}
}

// name is the id by which trackers know a storage.
func (s *storage) name() string {
	if s.cluster.options.StorageIDs {
		return strconv.Itoa(int(s.id))
	}
	return s.ip
}

func (s *storage) host() string { return net.JoinHostPort(s.ip, strconv.FormatInt(s.port, 10)) }

func (t *trackerSession) storageIDs(body []byte) reply {
	if len(body) != 5 {
		return refuse(invalid)
	}
	var lines []string
	if t.options.StorageIDs {
		for _, s := range t.stores {
			lines = append(lines, fmt.Sprintf("%d %s %s\n", s.id, s.group.name, s.host()))
		}
	}
	from := int(int32(binary.BigEndian.Uint32(body)))
	if from < 0 || from > len(lines) {
		return refuse(invalid)
	}
	page := lines[from:]
	return reply{body: append(answerOut{}.int32(int32(len(lines))).int32(int32(len(page))), strings.Join(page, "")...)}
}
