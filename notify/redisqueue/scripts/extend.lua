-- ARGV: consumer, then for each job level, entry, deliveries. Returns the places of those lost.
local lost = {}
for i = 2, #ARGV, 3 do
	local level, entry = ARGV[i], ARGV[i + 1]
	local held = {}
	if not fenced(level, entry, ARGV[i + 2]) then
		held = redis.pcall('XCLAIM', stream(level), group, ARGV[1], 0, entry, 'JUSTID')
		if held.err and not string.find(held.err, 'NOGROUP', 1, true) then return held end
	end
	if #held == 0 then
		lost[#lost + 1] = (i - 2) / 3
	end
end
return lost
