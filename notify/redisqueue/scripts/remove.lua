-- ARGV: for each due job level, entry. Returns how many were removed, that is were not running.
local removed = 0
for i = 1, #ARGV, 2 do
	local key, entry = stream(ARGV[i]), ARGV[i + 1]
	local pending = redis.pcall('XPENDING', key, group, entry, entry, 1)
	if pending.err or #pending == 0 then removed = removed + redis.call('XDEL', key, entry) end
end
return removed
