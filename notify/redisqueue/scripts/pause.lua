-- ARGV: 1 to pause, 0 to go on.
if ARGV[1] == '1' then redis.call('SET', paused, '1') else redis.call('DEL', paused) end
ring()
return 1
