-- ARGV: consumer, how many, 1 to look for lost leases.
-- Returns µs until a delayed job is due (-1: none), then for each job: level, entry, deliveries, id, body.
if redis.call('EXISTS', paused) == 1 then return {-1} end
local consumer, room = ARGV[1], tonumber(ARGV[2])
local now = micros()
local answer = {-1}

for _, set in ipairs({scheduled, retrying}) do
	local ids = redis.call('ZRANGEBYSCORE', set, '-inf', whole(now), 'LIMIT', 0, 500)
	if #ids > 0 then
		for _, body in ipairs(redis.call('HMGET', bodies, unpack(ids))) do
			if body then add(string.sub(body, 1, 1), string.sub(body, 2)) end
		end
		redis.call('ZREM', set, unpack(ids))
		redis.call('HDEL', bodies, unpack(ids))
	end
	local first = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
	if first then
		local wait = math.max(0, first - now)
		if answer[1] < 0 or wait < answer[1] then answer[1] = wait end
	end
end

local function give(level, entry, deliveries)
	local body, id = content(entry[2])
	for _, v in ipairs({level, entry[1], deliveries, id, body}) do answer[#answer + 1] = v end
	room = room - 1
end

-- A consumer's name ends with the length of its leases in ms, so it tells which have ended.
local function reclaim(level)
	local key = stream(level)
	local consumers = redis.pcall('XINFO', 'CONSUMERS', key, group)
	if consumers.err then return end
	for _, c in ipairs(consumers) do
		local about = {}
		for i = 1, #c, 2 do about[c[i]] = c[i + 1] end
		local lease = tonumber(string.match(about.name, ':(%d+)$'))
		if lease and about.pending > 0 and room > 0 then
			for _, p in ipairs(redis.call('XPENDING', key, group, 'IDLE', lease, '-', '+', room, about.name)) do
				local claimed = redis.call('XCLAIM', key, group, consumer, 0, p[1])[1]
				if claimed then
					redis.call('HSET', reclaimed, level .. ':' .. p[1], p[4] + 1)
					give(level, claimed, p[4] + 1)
				end
			end
		elseif about.pending == 0 and about.idle > 3600000 then
			redis.call('XGROUP', 'DELCONSUMER', key, group, about.name)
		end
	end
end

local function read(level)
	local args = {'XREADGROUP', 'GROUP', group, consumer, 'COUNT', room, 'STREAMS', stream(level), '>'}
	local found = redis.pcall(unpack(args))
	if found and found.err then
		if not string.find(found.err, 'NOGROUP', 1, true) then return found end
		redis.call('XGROUP', 'CREATE', stream(level), group, '0', 'MKSTREAM')
		found = redis.call(unpack(args))
	end
	if found then
		for _, entry in ipairs(found[1][2]) do give(level, entry, 1) end
	end
end

for level = levels - 1, 0, -1 do
	if room > 0 and ARGV[3] == '1' then reclaim(level) end
	if room > 0 then
		local failed = read(level)
		if failed then return failed end
	end
end
if room == 0 then ring() end
return answer
