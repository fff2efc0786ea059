-- ARGV: for each job level, entry, deliveries. Returns the places of those lost.
local lost, mine, places, handled = {}, {}, {}, 0
local reclaims = redis.call('EXISTS', reclaimed) == 1
for i = 1, #ARGV, 3 do
	local level, place = ARGV[i], (i - 1) / 3
	if reclaims and fenced(level, ARGV[i + 1], ARGV[i + 2]) then
		lost[#lost + 1] = place
	else
		mine[level] = mine[level] or {}
		places[level] = places[level] or {}
		table.insert(mine[level], ARGV[i + 1])
		table.insert(places[level], place)
		handled = handled + 1
	end
end
for level, entries in pairs(mine) do
	settle(level, entries, function(i)
		lost[#lost + 1] = places[level][i]
		handled = handled - 1
	end)
	if reclaims then
		for _, entry in ipairs(entries) do forget(level, entry) end
	end
end
count('h', handled)
return lost
