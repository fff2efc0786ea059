local paused, scheduled, retrying, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local bodies, reclaimed, minutes, bell = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local group = 'workers'
local levels = 4

local function stream(level) return KEYS[9 + level] end

local function micros()
	local t = redis.call('TIME')
	return t[1] * 1000000 + t[2]
end

-- Lua would write a big number with 14 digits only.
local function whole(n) return string.format('%.0f', n) end

local function ring()
	if redis.call('EXISTS', bell) == 0 then redis.call('RPUSH', bell, '') end
end

local function add(level, body)
	redis.call('XADD', stream(level), '*', 'b', body)
end

-- content is the body of an entry, and its id where that is beside it, as it once was.
local function content(fields)
	if fields[1] == 'b' then return fields[2], '' end
	if fields[1] == 'i' and fields[3] == 'b' then return fields[4], fields[2] end
	return '', ''
end

-- hold keeps a job in one of the sorted sets. Its level goes before the body.
local function hold(set, score, level, id, body)
	redis.call('HSET', bodies, id, level .. body)
	redis.call('ZADD', set, whole(score), id)
end

-- count adds to the current minute; the first of a minute forgets those of an hour ago.
local function count(what, n)
	local minute = math.floor(micros() / 60000000)
	if n == 0 or redis.call('HINCRBY', minutes, what .. minute, n) > n then return end
	for _, field in ipairs(redis.call('HKEYS', minutes)) do
		if tonumber(string.sub(field, 2)) <= minute - 60 then redis.call('HDEL', minutes, field) end
	end
end

-- A lease is known by how often the entry was delivered. Only entries that were
-- reclaimed are in the hash, with that number; all others were delivered once.
local function fenced(level, entry, deliveries)
	local known = redis.call('HGET', reclaimed, level .. ':' .. entry)
	return known and known ~= deliveries
end

-- settle ends the lease on entries of one level and removes them. It calls
-- lost(i) for those that somebody else has removed meanwhile.
local function settle(level, entries, lost)
	local key = stream(level)
	if redis.call('XACK', key, group, unpack(entries)) < #entries then
		for i, entry in ipairs(entries) do
			if #redis.call('XRANGE', key, entry, entry) == 0 then lost(i) end
		end
	end
	redis.call('XDEL', key, unpack(entries))
end

local function forget(level, entry)
	redis.call('HDEL', reclaimed, level .. ':' .. entry)
end
