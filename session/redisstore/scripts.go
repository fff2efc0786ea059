package redisstore

import (
	"context"
	"crypto/sha1"
	"encoding/hex"

	"github.com/redis/go-redis/v9"
)

// script is run by its digest. A server that does not have it yet, as after a
// restart or a failover, is sent the source once and keeps it.
type script struct{ source, digest string }

func newScript(source string) script {
	sum := sha1.Sum([]byte(source)) //nolint:gosec // the name Redis gives to scripts, no protection
	return script{source, hex.EncodeToString(sum[:])}
}

func (s script) run(ctx context.Context, d doer, keys []string, args ...any) (any, error) {
	cmd := s.command(ctx, "evalsha", s.digest, keys, args)
	err := d.do(ctx, cmd)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		cmd = s.command(ctx, "eval", s.source, keys, args)
		err = d.do(ctx, cmd)
	}
	if err != nil {
		return nil, serverError(err)
	}
	return cmd.Val(), nil
}

func (s script) command(ctx context.Context, how, what string, keys []string, args []any) *redis.Cmd {
	all := make([]any, 0, 3+len(keys)+len(args))
	all = append(all, how, what, len(keys))
	for _, key := range keys {
		all = append(all, key)
	}
	return redis.NewCmd(ctx, append(all, args...)...)
}

// Every script works on the keys it is given. Offsets are those of layout.go,
// counted from 1.
var (
	// loadScript: now, shortest and longest time between touches, offset and bytes
	// that the data must have for a touch, skew in milliseconds. Keys: the record, the
	// endings. It returns the value, touched if that was due. A session past its end is
	// never touched. While there are endings it returns them too, and touches nothing.
	loadScript = newScript(`
local value = redis.call('GET', KEYS[1])
if not value then return value end
local endings = KEYS[2] and redis.call('GET', KEYS[2])
if endings then return {value, endings} end
if #value < 51 then return value end
local seen, idle, deadline = struct.unpack('>i8i8i8', value, 10)
local user = struct.unpack('>I2', value, 50)
local now = struct.unpack('>i8', ARGV[1])
local every = tonumber(ARGV[3])
if idle > 0 then every = math.min(math.max(idle / 10, tonumber(ARGV[2])), every) end
if now - seen < every or now >= deadline or (idle > 0 and now >= seen + idle) then return value end
local from = 52 + user + ARGV[4]
if string.sub(value, from, from + #ARGV[5] - 1) ~= ARGV[5] then return value end
local expires = deadline
if idle > 0 then expires = math.min(now + idle, deadline) end
redis.call('SETRANGE', KEYS[1], 9, ARGV[1])
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', math.floor(expires / 1000) + ARGV[6]))
return string.sub(value, 1, 9) .. ARGV[1] .. string.sub(value, 18)`)

	// writeScript: version that must be there (empty: no record), value, expiry,
	// id, expiry of the index, whether the record is of a user, and after the answer
	// 'ending' the digest of that user. Keys: the record, the endings, the index to add
	// it to, the index to take it from (or the record again: none), and after 'ending'
	// the index of the user. The nonce recognizes a write that the client sends again
	// after its answer was lost.
	writeScript = newScript(`
local head = redis.call('GETRANGE', KEYS[1], 0, 48)
local version = string.sub(head, 2, 9)
if version ~= ARGV[1] or (ARGV[1] == '' and head ~= '') then
	if version == string.sub(ARGV[2], 2, 9) and string.sub(head, 34) == string.sub(ARGV[2], 34, 49) then return 'ok' end
	if ARGV[1] == '' then return 'exists' end
	if head == '' then return 'absent' end
	return 'conflict'
end
local endings = KEYS[2] and ARGV[6] == '1' and redis.call('GET', KEYS[2])
if endings then
	if not ARGV[7] then return 'ending' end
	if string.find(endings, ARGV[7], 1, true) and not redis.call('ZSCORE', KEYS[5], ARGV[4]) then return 'absent' end
end
if KEYS[3] and KEYS[3] ~= KEYS[1] then
	local now = redis.call('TIME')
	redis.call('ZADD', KEYS[3], now[1], ARGV[4])
	local left = redis.call('PTTL', KEYS[3])
	if left < 0 or now[1] * 1000 + left < tonumber(ARGV[5]) then
		redis.call('PEXPIREAT', KEYS[3], ARGV[5])
	end
end
if KEYS[4] and KEYS[4] ~= KEYS[1] then redis.call('ZREM', KEYS[4], ARGV[4]) end
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
return 'ok'`)

	// touchScript: version, seen, expiry.
	touchScript = newScript(`
local version = redis.call('GETRANGE', KEYS[1], 1, 8)
if version == '' then return 'absent' end
if version ~= ARGV[1] then return 'conflict' end
redis.call('SETRANGE', KEYS[1], 9, ARGV[2])
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
return 'ok'`)

	// deleteScript returns the user id of the record it removed, empty if there
	// was none.
	deleteScript = newScript(`
local head = redis.call('GETRANGE', KEYS[1], 0, 50)
local user = ''
if #head == 51 then user = redis.call('GETRANGE', KEYS[1], 51, 50 + struct.unpack('>I2', head, 50)) end
redis.call('DEL', KEYS[1])
return user`)

	// deleteUserScript: user id with its length. It returns how many records it removed.
	deleteUserScript = newScript(`
if redis.call('GETRANGE', KEYS[1], 49, 48 + #ARGV[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`)

	// deleteManyScript: user id with its length, ids. Keys: the index, the records. It
	// removes the records that are the user's, and their entries; of the others, those
	// entries that are over a minute old. It returns how many records it removed.
	deleteManyScript = newScript(`
local old = tonumber(redis.call('TIME')[1]) - 60
local removed, gone = 0, {}
for i = 2, #KEYS do
	if redis.pcall('GETRANGE', KEYS[i], 49, 48 + #ARGV[1]) == ARGV[1] then
		removed = removed + redis.call('DEL', KEYS[i])
		gone[#gone + 1] = ARGV[i]
	else
		local added = redis.call('ZSCORE', KEYS[1], ARGV[i])
		if added and tonumber(added) < old then gone[#gone + 1] = ARGV[i] end
	end
end
if #gone > 0 then redis.call('ZREM', KEYS[1], unpack(gone)) end
return removed`)

	// endScript: the id that is kept (empty: none), entry of the endings, user id, how
	// long the endings may be. Keys: the index, what becomes of it, the endings, and two
	// that never lie on one node of a Cluster. It ends all sessions of the index in one
	// step: see endings.go. It returns how many they are, or -1 if too much is being
	// ended at once. A user who may not RENAME is refused before anything has ended.
	endScript = newScript(`
local ended = redis.call('ZCARD', KEYS[2])
if ended > 0 then return ended - 1 end
ended = redis.call('ZCARD', KEYS[1])
if ended == 0 then return 0 end
local endings = redis.call('GET', KEYS[3]) or ''
if #endings + #ARGV[2] > tonumber(ARGV[4]) then return -1 end
local kept = ARGV[1] ~= '' and redis.call('ZSCORE', KEYS[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
redis.call('SET', KEYS[3], endings .. ARGV[2])
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('ZADD', KEYS[2], -1, ':' .. ARGV[3])
if not kept then return ended end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[1], kept, ARGV[1])
if left > 0 then
	local now = redis.call('TIME')
	redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', now[1] * 1000 + left))
end
return ended - 1`)

	// finishScript: user id with its length, entry of the endings, ids. Keys: what endScript
	// made of the index, the endings, the records. It removes the records that are the
	// user's, and the entry once there are no more. It returns whether there are.
	finishScript = newScript(`
for i = 3, #KEYS do
	if redis.pcall('GETRANGE', KEYS[i], 49, 48 + #ARGV[1]) == ARGV[1] then redis.call('DEL', KEYS[i]) end
end
if #KEYS > 2 then redis.call('ZREM', KEYS[1], unpack(ARGV, 3)) end
if redis.call('ZCARD', KEYS[1]) > 1 then return 1 end
redis.call('DEL', KEYS[1])
local all = redis.call('GET', KEYS[2]) or ''
local at = string.find(all, ARGV[2], 1, true)
if not at then return 0 end
all = string.sub(all, 1, at - 1) .. string.sub(all, at + #ARGV[2])
if all == '' then redis.call('DEL', KEYS[2]) else redis.call('SET', KEYS[2], all) end
return 0`)

	// indexScript: id, expiry. The set lives as long as its longest entry.
	indexScript = newScript(`
local now = redis.call('TIME')
redis.call('ZADD', KEYS[1], now[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 or now[1] * 1000 + left < tonumber(ARGV[2]) then
	redis.call('PEXPIREAT', KEYS[1], ARGV[2])
end
return 1`)

	// pruneScript: ids. It removes those that were added over a minute ago.
	pruneScript = newScript(`
local now = tonumber(redis.call('TIME')[1])
local removed = 0
for _, id in ipairs(ARGV) do
	local added = redis.call('ZSCORE', KEYS[1], id)
	if added and tonumber(added) < now - 60 then
		removed = removed + redis.call('ZREM', KEYS[1], id)
	end
end
return removed`)
)
