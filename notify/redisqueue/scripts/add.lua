-- Stores jobs that are due, of one level, and not unique.
-- KEYS[13] is the slot of this call. ARGV: the number of the call, the level, then the bodies.
if redis.call('SET', KEYS[13], ARGV[1], 'PX', 60000, 'GET') == ARGV[1] then return 0 end -- sent again after a lost answer
local key, call = stream(tonumber(ARGV[2])), redis.call
for i = 3, #ARGV do call('XADD', key, '*', 'b', ARGV[i]) end
ring()
return 1
