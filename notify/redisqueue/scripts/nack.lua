-- ARGV: for each job level, entry, deliveries, what to do ('ready', 'scheduled',
-- 'retrying', 'dead'), id, new level, delay in µs or for a dead one its time, 1 if it failed, body.
-- Returns the places of those lost.
local lost, failures, waits = {}, 0, false
local now = micros()
for i = 1, #ARGV, 9 do
	local level, entry, what = ARGV[i], ARGV[i + 1], ARGV[i + 3]
	local id, to, number, body = ARGV[i + 4], ARGV[i + 5], tonumber(ARGV[i + 6]), ARGV[i + 8]
	local gone = fenced(level, entry, ARGV[i + 2])
	if not gone then
		settle(level, {entry}, function() gone = true end)
	end
	if gone then
		lost[#lost + 1] = (i - 1) / 9
	else
		forget(level, entry)
		if what == 'ready' then add(to, body)
		elseif what == 'dead' then hold(dead, number, to, id, body)
		else hold(what == 'retrying' and retrying or scheduled, now + number, to, id, body) end
		waits = waits or what ~= 'dead'
		if ARGV[i + 7] == '1' then failures = failures + 1 end
	end
end
count('f', failures)
if waits then ring() end
return lost
