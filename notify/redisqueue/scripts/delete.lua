-- ARGV: ids of delayed or dead jobs. Returns how many were removed.
local removed = 0
for _, id in ipairs(ARGV) do
	if redis.call('HDEL', bodies, id) == 1 then
		for _, set in ipairs({scheduled, retrying, dead}) do redis.call('ZREM', set, id) end
		removed = removed + 1
	end
end
return removed
