-- ARGV: for each job id, digest of what was read, new level, new body. Returns how many were moved.
local now = micros()
local moved = 0
for i = 1, #ARGV, 4 do
	local id = ARGV[i]
	local stored = redis.call('HGET', bodies, id)
	if stored and redis.sha1hex(stored) == ARGV[i + 1] then
		for _, set in ipairs({scheduled, retrying, dead}) do
			local score = redis.call('ZSCORE', set, id)
			if score and (set == dead or tonumber(score) > now) then
				redis.call('ZREM', set, id)
				redis.call('HDEL', bodies, id)
				add(ARGV[i + 2], ARGV[i + 3])
				moved = moved + 1
			end
		end
	end
end
if moved > 0 then ring() end
return moved
