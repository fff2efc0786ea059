package redisotp

import "github.com/redis/go-redis/v9"

// A code is a hash of its MAC, the guesses left, and the nonces of the steps
// that wrote it last. A counter is a number that lives as long as its window.
const common = `
-- The counters begin at KEYS[3]; their limits, max and window, at ARGV[first].
-- Returns who refuses and for how long; else counts all.
local function admit(first)
	for i = 3, #KEYS do
		local at = first + 2 * (i - 3)
		if tonumber(redis.call('GET', KEYS[i]) or 0) >= tonumber(ARGV[at]) then
			return i - 1, math.max(1, redis.call('PTTL', KEYS[i]))
		end
	end
	for i = 3, #KEYS do
		if redis.call('INCR', KEYS[i]) == 1 then
			redis.call('PEXPIRE', KEYS[i], ARGV[first + 2 * (i - 3) + 1])
		end
	end
	return 0, 0
end
`

var (
	// issueScript: nonce, mac, ttl, attempts, cooldown, limits.
	// It returns the time, who refuses, and for how long.
	issueScript = redis.NewScript(common + `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if redis.call('HGET', KEYS[1], 'issued') == ARGV[1] then return {now, 0, 0} end -- sent again
local cooling = redis.call('PTTL', KEYS[2])
if cooling > 0 then return {now, 1, cooling} end
local refused, after = admit(6)
if refused > 0 then return {now, refused, after} end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'mac', ARGV[2], 'left', ARGV[4], 'issued', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if ARGV[5] ~= '0' then redis.call('SET', KEYS[2], '', 'PX', ARGV[5]) end
return {now, 0, 0}`)

	// verifyScript: nonce, mac, limits. It returns found, match, remaining, who
	// refuses, and for how long. A code that is used up stays for as long as a step
	// may be sent again, without its MAC.
	verifyScript = redis.NewScript(common + `
local code = redis.call('HMGET', KEYS[1], 'mac', 'left', 'guessed', 'matched')
local mac, left = code[1], tonumber(code[2])
if code[3] == ARGV[1] then return {1, tonumber(code[4]), left, 0, 0} end -- sent again
if not mac then return {0, 0, 0, 0, 0} end
local refused, after = admit(3)
if refused > 0 then return {1, 0, left, refused, after} end
local differs = #mac == #ARGV[2] and 0 or 1
for i = 1, math.min(#mac, #ARGV[2]) do
	differs = bit.bor(differs, bit.bxor(string.byte(mac, i), string.byte(ARGV[2], i)))
end
local match = differs == 0 and 1 or 0
left = left - 1
redis.call('HSET', KEYS[1], 'left', left, 'guessed', ARGV[1], 'matched', match)
if match == 1 or left == 0 then
	redis.call('HDEL', KEYS[1], 'mac')
	if redis.call('PTTL', KEYS[1]) > 60000 then redis.call('PEXPIRE', KEYS[1], 60000) end
end
return {1, match, left, 0, 0}`)
)
