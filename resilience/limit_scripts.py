"""Limits that several processes keep together, in Redis (`resilience.limits`): each step is one atomic script.

What runs is a sorted set of slots by the end of their leases, so that a process that died gives its own back.
"""

from __future__ import annotations

from omniroute.shared_state import Script

_NOW = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
"""
"""By Redis' clock: those of several machines differ."""
TAKE = Script(
    _NOW
    + """
local rpm, gap, most, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 60)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if most > 0 and redis.call('ZCARD', KEYS[2]) >= most then
  redis.call('SET', KEYS[3], 1, 'EX', 1)
  return '-1'
end
local wait = 0
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
if last then wait = math.max(wait, tonumber(last) + gap - now) end
if rpm > 0 and redis.call('ZCARD', KEYS[1]) >= rpm then
  wait = math.max(wait, tonumber(redis.call('ZRANGE', KEYS[1], -rpm, -rpm, 'WITHSCORES')[2]) + 60 - now)
end
if wait > 0.0005 then return tostring(wait) end
if rpm > 0 or gap > 0 then
  redis.call('ZADD', KEYS[1], now, ARGV[4])
  redis.call('EXPIRE', KEYS[1], 61)
end
redis.call('ZADD', KEYS[2], now + lease, ARGV[4])
redis.call('EXPIRE', KEYS[2], math.ceil(lease))
return '0'
"""
)
"""KEYS: starts, what runs, somebody waits. ARGV: requests a minute, gap, how many at a time, slot, lease.
`0`: taken. Else the seconds to wait, or `-1` while all of the slots are held."""
GIVE_BACK = Script("""
redis.call('ZREM', KEYS[1], ARGV[1])
if redis.call('DEL', KEYS[2]) == 1 then redis.call('PUBLISH', KEYS[3], cjson.encode({ARGV[2], false})) end
""")
"""KEYS: what runs, somebody waits, the channel. ARGV: slot, the limiter's key."""
RENEW = Script(
    _NOW
    + """
local lease = tonumber(ARGV[1])
for at = 2, #ARGV do redis.call('ZADD', KEYS[1], 'XX', now + lease, ARGV[at]) end
redis.call('EXPIRE', KEYS[1], math.ceil(lease))
"""
)
"""KEYS: what runs. ARGV: lease, slots."""
