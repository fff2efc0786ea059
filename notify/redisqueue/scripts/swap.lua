-- KEYS: the count of versions, names, ends, then the values.
-- ARGV: a nonce, then for each value its name, the version it must have (0 none, -1 any), ms to live (0 removes), data.
-- Returns 1 for each that was made. A call that was sent again finds its nonce.
local versions, names, ends = KEYS[1], KEYS[2], KEYS[3]
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local done = {}
for i = 4, #KEYS do
	local key, at = KEYS[i], 2 + (i - 4) * 4
	local name, want, ttl = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
	local held = redis.call('HMGET', key, 'v', 'n')
	if ttl > 0 and held[2] == ARGV[1] then
		done[#done + 1] = 1
	elseif want ~= '-1' and want ~= (held[1] or '0') then
		done[#done + 1] = 0
	else
		done[#done + 1] = 1
		if ttl == 0 then
			redis.call('DEL', key)
			redis.call('ZREM', names, name)
			redis.call('ZREM', ends, name)
		else
			redis.call('HSET', key, 'v', redis.call('INCR', versions), 'n', ARGV[1], 'd', ARGV[at + 3])
			redis.call('PEXPIRE', key, ttl)
			redis.call('ZADD', names, 0, name)
			redis.call('ZADD', ends, now + ttl, name)
		end
	end
end
-- Those that have ended are forgotten a few at a time.
local ended = redis.call('ZRANGEBYSCORE', ends, '-inf', now - 1, 'LIMIT', 0, 2 * #done + 2)
if #ended > 0 then
	redis.call('ZREM', names, unpack(ended))
	redis.call('ZREM', ends, unpack(ended))
end
return done
