-- KEYS[13] is the slot of this call, further ones are unique keys.
-- ARGV: the number of the call, then for each job: id, level, delay in µs (negative
-- for one that was tried before), the place of its unique key in KEYS or 0, its window in ms, body.
-- Returns for each job the id that its place stands for.
local fresh = redis.call('SET', KEYS[13], ARGV[1], 'PX', 60000, 'GET') ~= ARGV[1] -- else sent again after a lost answer
local now = micros()
local ids = {}
local available, earliest = false, false
for i = 2, #ARGV, 6 do
	local id, level, delay, place = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
	local store = fresh
	ids[#ids + 1] = id
	if place > 0 then
		local holder = redis.call('GET', KEYS[place])
		if holder then
			store = false
			ids[#ids] = holder
		elseif fresh then
			redis.call('SET', KEYS[place], id, 'PX', ARGV[i + 4])
		end
	end
	if store and delay ~= 0 then
		local set = delay < 0 and retrying or scheduled
		hold(set, now + math.abs(delay), level, id, ARGV[i + 5])
		earliest = earliest or redis.call('ZRANGE', set, 0, 0)[1] == id
	elseif store then
		add(level, ARGV[i + 5])
		available = true
	end
end
if available or earliest then ring() end
return ids
