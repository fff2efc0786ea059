-- Returns paused, available, running, scheduled, retrying, dead, the minutes'
-- counts, and the bodies of jobs of which one is the oldest that is available.
local now = whole(micros())
local available, running, oldest = 0, 0, {}
for level = 0, levels - 1 do
	local key = stream(level)
	local length = redis.call('XLEN', key)
	local summary = redis.pcall('XPENDING', key, group)
	local pending = summary.err and 0 or summary[1]
	available, running = available + length - pending, running + pending
	if length > pending then
		local after = '-'
		for _, g in ipairs(redis.call('XINFO', 'GROUPS', key)) do
			local about = {}
			for i = 1, #g, 2 do about[g[i]] = g[i + 1] end
			if about.name == group then after = '(' .. about['last-delivered-id'] end
		end
		local first = redis.call('XRANGE', key, after, '+', 'COUNT', 1)[1]
		if first then oldest[#oldest + 1] = content(first[2]) end
	end
end
local waiting = {}
for _, set in ipairs({scheduled, retrying}) do
	local due = redis.call('ZCOUNT', set, '-inf', now)
	available = available + due
	waiting[#waiting + 1] = redis.call('ZCARD', set) - due
	if due > 0 then
		local body = redis.call('HGET', bodies, redis.call('ZRANGE', set, 0, 0)[1])
		if body then oldest[#oldest + 1] = string.sub(body, 2) end
	end
end
return {redis.call('EXISTS', paused), available, running, waiting[1], waiting[2], redis.call('ZCARD', dead),
	redis.call('HGETALL', minutes), oldest}
