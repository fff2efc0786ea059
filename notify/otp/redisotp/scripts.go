package redisotp

import "github.com/redis/go-redis/v9"

// A code is a hash of its MAC, the guesses left, and the nonces of the steps
// that wrote it last. A counter is a number that lives as long as its window.
const common = `
-- The counters begin at KEYS[3]; their limits, max and window, at ARGV[first].
-- Returns who refuses and for how long; else counts all.
local function admit(first)
	if #KEYS < 3 then return 0, 0 end
	for i, counted in ipairs(redis.call('MGET', unpack(KEYS, 3))) do
		if tonumber(counted or 0) >= tonumber(ARGV[first + 2 * (i - 1)]) then
			return i + 1, math.max(1, redis.call('PTTL', KEYS[i + 2]))
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
	// refuses, and for how long. A code that is used up stays until its time is over,
	// without its MAC, so that a step sent again is known.
	//
	// A right guess and a wrong one run the same commands. Lua keeps one copy of equal strings
	// of up to 40 bytes, so comparing two MACs is comparing two addresses, whatever bytes they
	// have; and nobody without the pepper can choose those bytes.
	verifyScript = redis.NewScript(common + `
local code = redis.call('HMGET', KEYS[1], 'mac', 'left', 'guessed', 'matched')
local mac, left = code[1] or '', tonumber(code[2])
if code[3] == ARGV[1] then return {1, tonumber(code[4]), left, 0, 0} end -- sent again
if mac == '' then return {0, 0, 0, 0, 0} end
local refused, after = admit(3)
if refused > 0 then return {1, 0, left, refused, after} end
local match = mac == ARGV[2] and 1 or 0
left = left - 1
redis.call('HSET', KEYS[1], 'left', left, 'guessed', ARGV[1], 'matched', match, 'mac', (match == 1 or left == 0) and '' or mac)
return {1, match, left, 0, 0}`)
)
