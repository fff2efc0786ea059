package redisstore

import "github.com/redis/go-redis/v9"

// Every script works on the one key it is given. Numbers stay text: a Lua number
// is a float64.
var (
	// writeScript: was, version, nonce, user, seen, idle, deadline, data, expiry.
	// The nonce recognizes a write that the client sends again after its answer
	// was lost.
	writeScript = redis.NewScript(`
local stored = redis.call('HMGET', KEYS[1], 'v', 'n')
if stored[1] ~= ARGV[1] and not (ARGV[1] == '0' and not stored[1]) then
	if stored[1] == ARGV[2] and stored[2] == ARGV[3] then return 'ok' end
	if ARGV[1] == '0' then return 'exists' end
	if not stored[1] then return 'absent' end
	return 'conflict'
end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'n', ARGV[3], 'u', ARGV[4], 's', ARGV[5], 'i', ARGV[6], 'e', ARGV[7], 'd', ARGV[8])
redis.call('PEXPIREAT', KEYS[1], ARGV[9])
return 'ok'`)

	// touchScript: version, seen, expiry.
	touchScript = redis.NewScript(`
local version = redis.call('HGET', KEYS[1], 'v')
if not version then return 'absent' end
if version ~= ARGV[1] then return 'conflict' end
redis.call('HSET', KEYS[1], 's', ARGV[2])
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
return 'ok'`)

	// deleteScript returns the user of the record it removed, nil if there was none.
	deleteScript = redis.NewScript(`
local user = redis.call('HGET', KEYS[1], 'u')
redis.call('DEL', KEYS[1])
return user`)

	// deleteUserScript: user. It returns how many records it removed.
	deleteUserScript = redis.NewScript(`
if redis.call('HGET', KEYS[1], 'u') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`)

	// indexScript: id, expiry. The set lives as long as its longest entry.
	indexScript = redis.NewScript(`
local now = redis.call('TIME')
redis.call('ZADD', KEYS[1], now[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
local nowMillis = now[1] * 1000
if left < 0 or nowMillis + left < tonumber(ARGV[2]) then
	redis.call('PEXPIREAT', KEYS[1], ARGV[2])
end
return 1`)

	// pruneScript: ids. It removes those that were added over a minute ago.
	pruneScript = redis.NewScript(`
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
