package fastdfs

import "strconv"

// Command is the command byte of a request.
type Command uint8

// The commands that clients send. The Query, List and Cluster commands, Leader, Parameters and StorageIDs go to a
// tracker, the others to a storage; ActiveTest and Quit to both.
const (
	CommandUpload         Command = 11
	CommandDelete         Command = 12
	CommandSetMetadata    Command = 13
	CommandDownload       Command = 14
	CommandGetMetadata    Command = 15
	CommandUploadSlave    Command = 21
	CommandFileInfo       Command = 22
	CommandUploadAppender Command = 23
	CommandAppend         Command = 24
	CommandModify         Command = 34
	CommandTruncate       Command = 36
	CommandRegenerate     Command = 38

	CommandTrackerStatus Command = 64
	CommandStorageIDs    Command = 69
	CommandParameters    Command = 75
	CommandListGroup     Command = 90
	CommandListGroups    Command = 91
	CommandListStorages  Command = 92
	CommandLeader        Command = 95
	CommandTrackerStat   Command = 96
	CommandStorageStat   Command = 97
	CommandVolumeStat    Command = 98
	CommandQueryStore    Command = 101
	CommandQueryFetch    Command = 102
	CommandQueryUpdate   Command = 103
	CommandQueryStoreIn  Command = 104 // in a named group
	CommandQueryFetchAll Command = 105
	CommandQueryStores   Command = 106
	CommandQueryStoresIn Command = 107 // in a named group
	CommandQuit          Command = 82
	CommandActiveTest    Command = 111
	commandAnswer        Command = 100
	statusNotFound               = 2
	statusIO                     = 5
	statusExists                 = 17
	statusInvalid                = 22
	statusFull                   = 28
	flagNoChecksum               = 1 // in the status byte of a CommandFileInfo
	anyStorePath                 = 0xFF
)

var commandNames = map[Command]string{
	CommandUpload: "upload", CommandDelete: "delete", CommandSetMetadata: "set metadata", CommandDownload: "download",
	CommandGetMetadata: "get metadata", CommandUploadSlave: "upload slave", CommandFileInfo: "file info",
	CommandUploadAppender: "upload appender", CommandAppend: "append", CommandModify: "modify", CommandTruncate: "truncate",
	CommandRegenerate: "regenerate name", CommandTrackerStatus: "tracker status", CommandStorageIDs: "storage ids",
	CommandParameters: "parameters", CommandListGroup: "list group", CommandListGroups: "list groups",
	CommandListStorages: "list storages", CommandLeader: "leader", CommandTrackerStat: "tracker statistics",
	CommandStorageStat: "storage statistics", CommandVolumeStat: "volume statistics", CommandQueryStore: "query store",
	CommandQueryFetch: "query fetch", CommandQueryUpdate: "query update", CommandQueryStoreIn: "query store in group",
	CommandQueryFetchAll: "query all to fetch from", CommandQueryStores: "query all stores",
	CommandQueryStoresIn: "query all stores in group", CommandQuit: "quit", CommandActiveTest: "active test",
}

func (c Command) String() string {
	if name, ok := commandNames[c]; ok {
		return name
	}
	return "command " + strconv.Itoa(int(c))
}

// mutates reports whether a lost answer leaves it open what the server did.
func (c Command) mutates() bool {
	switch c {
	case CommandUpload, CommandDelete, CommandSetMetadata, CommandUploadSlave, CommandUploadAppender, CommandAppend, CommandModify,
		CommandTruncate, CommandRegenerate:
		return true
	}
	return false
}

// writesInPlace reports whether half a request already can have changed the file.
func (c Command) writesInPlace() bool { return c == CommandAppend || c == CommandModify }
