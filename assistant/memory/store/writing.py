"""What is written to Redis in one step, as Lua. Each is one round trip.

As in :mod:`.reading`, KEYS[1] is the user's ``control``. A write to a key that holds another kind
of value fails before anything is written. A script that adds begins with a write that a full Redis
refuses; one that forgets begins with one that it takes, after which it takes the rest.
"""

from __future__ import annotations

from assistant.memory.store.reading import BEGIN

_WRITE = """
local kinds = {[control] = 'hash', [key('items')] = 'hash', [key('facts')] = 'hash',
  [key('choices')] = 'hash', [key('changed')] = 'zset', [key('order')] = 'zset',
  [key('conversations')] = 'zset', [key('gone')] = 'zset', [key('pinned')] = 'zset',
  [key('deleting')] = 'zset', [key('begun')] = 'hash', [key('shared')] = 'hash'}
if conversation ~= '' then
  kinds[key('c', conversation)] = 'hash'
  kinds[key('t', conversation)] = 'hash'
end
for name, kind in pairs(kinds) do
  local found = redis.call('TYPE', name).ok
  if found ~= 'none' and found ~= kind then
    return redis.error_reply('WRONGTYPE ' .. name)
  end
end
local function change(id, item)
  redis.call('HSETNX', control, 'born', token)
  if item then redis.call('HSET', key('items'), id, item)
  else redis.call('HDEL', key('items'), id) end
  redis.call('ZADD', key('changed'), redis.call('HINCRBY', control, 'seq', 1), id)
end
local function close_if_empty(conversation)
  if redis.call('EXISTS', key('t', conversation)) == 0 then
    redis.call('DEL', key('c', conversation))
    for _, name in ipairs({'conversations', 'pinned', 'deleting'}) do
      redis.call('ZREM', key(name), conversation)
    end
    redis.call('HDEL', key('choices'), conversation)
    redis.call('HDEL', key('shared'), conversation)
  end
end
local function drop_turns(names)
  local gone = {}
  for _, name in ipairs(names) do
    local conversation, turn = string.match(name, '^(.*)/(.*)$')
    redis.call('ZREM', key('order'), name)
    redis.call('HDEL', key('t', conversation), turn)
    gone[#gone + 1] = 't/' .. name
    change(gone[#gone], false)
    close_if_empty(conversation)
  end
  return gone
end
"""

#: token, born that is expected or "" or "*" (any: not held), conversation, turn, JSON, time,
#: title, item's id, item, most turns -> born or "", seq, ids that went
ADD = (
    BEGIN
    + "local token, conversation = ARGV[1], ARGV[3]\n"
    + _WRITE
    + """
local held, turn, time = ARGV[2], ARGV[4], ARGV[6]
local info, turns, name = key('c', conversation), key('t', conversation), ARGV[3] .. '/' .. ARGV[4]
if held ~= '*' then
  local born = redis.call('HGET', control, 'born') or ''
  local forgotten = held ~= '' and held ~= born
  if forgotten or redis.call('ZSCORE', key('gone'), conversation) then return {'', 0, {}} end
end
if redis.call('HEXISTS', turns, turn) == 1 then
  return {redis.call('HGET', control, 'born') or '', number('seq'), {}}
end
change(ARGV[8], ARGV[9])
redis.call('ZREM', key('gone'), conversation)
redis.call('ZREM', key('deleting'), conversation)
redis.call('HDEL', key('begun'), conversation)
redis.call('HSET', turns, turn, ARGV[5])
local head = held ~= '*' and redis.call('HGET', info, 'head')
local newest = head and redis.call('ZSCORE', key('order'), conversation .. '/' .. head)
if not newest or tonumber(newest) <= tonumber(time) then redis.call('HSET', info, 'head', turn) end
redis.call('HSETNX', info, 'title', ARGV[7])
redis.call('HSETNX', info, 'created', time)
redis.call('ZADD', key('conversations'), 'GT', time, conversation)
redis.call('ZADD', key('order'), time, name)
local over = math.min(redis.call('ZCARD', key('order')) - tonumber(ARGV[10]), 20)
local gone = {}
if over > 0 then gone = drop_turns(redis.call('ZRANGE', key('order'), 0, over - 1)) end
return {redis.call('HGET', control, 'born'), number('seq'), gone}
"""
)

#: token, born that is expected or "*", revision of facts or "*", conversation to forget or "",
#: time, count and facts (id, JSON, item or "" to leave it), count and facts to delete, count and
#: items that go, count and turns ("CONVERSATION/TURN") that facts are newly said in
#: -> "done", born, seq, revision, ids that went | "conflict", born, revision, facts
#: | "gone", those of the turns that were forgotten or are asked again
CHANGE = (
    BEGIN
    + "local token, conversation = ARGV[1], ARGV[4]\n"
    + _WRITE
    + """
local at = 5
local function several(width)
  local out, count = {}, tonumber(ARGV[at + 1])
  at = at + 1
  for i = 1, count do
    out[i] = {}
    for j = 1, width do out[i][j] = ARGV[at + j] end
    at = at + width
  end
  return out
end
local put, delete, items, said = several(3), several(1), several(1), several(1)
local born = redis.call('HGET', control, 'born') or ''
local revision = number('facts')
if (ARGV[2] ~= '*' and ARGV[2] ~= born) or (ARGV[3] ~= '*' and tonumber(ARGV[3]) ~= revision) then
  return {'conflict', born, revision, redis.call('HGETALL', key('facts'))}
end
local forgotten = {}
for _, row in ipairs(said) do
  local id = 't/' .. row[1]
  local left = redis.call('ZSCORE', key('changed'), id)
    and redis.call('HEXISTS', key('items'), id) == 0
  if left or redis.call('ZSCORE', key('gone'), string.match(row[1], '^(.*)/')) then
    forgotten[#forgotten + 1] = row[1]
  end
end
if #forgotten > 0 then return {'gone', forgotten} end
local went = {}
local function take_out(id)
  went[#went + 1] = id
  change(id, false)
end
if conversation ~= '' then
  local names = {}
  for _, turn in ipairs(read('HKEYS', key('t', conversation)) or {}) do
    names[#names + 1] = conversation .. '/' .. turn
  end
  for _, id in ipairs(drop_turns(names)) do went[#went + 1] = id end
  redis.call('DEL', key('t', conversation))
  close_if_empty(conversation)
  redis.call('HDEL', key('begun'), conversation)
  redis.call('ZADD', key('gone'), ARGV[5], conversation)
  redis.call('ZREMRANGEBYSCORE', key('gone'), '-inf', tonumber(ARGV[5]) - 2592000)
end
for _, row in ipairs(items) do take_out(row[1]) end
for _, row in ipairs(delete) do
  redis.call('HDEL', key('facts'), row[1])
  take_out('f/' .. row[1])
end
for _, row in ipairs(put) do
  local id = 'f/' .. row[1]
  change(id, row[3] ~= '' and row[3] or redis.call('HGET', key('items'), id))
  redis.call('HSET', key('facts'), row[1], row[2])
end
if #put + #delete > 0 then revision = redis.call('HINCRBY', control, 'facts', 1) end
return {'done', redis.call('HGET', control, 'born') or '', number('seq'), revision, went}
"""
)

#: conversation, turn, JSON or "" to make it the head -> whether there is such a turn
TURN = (
    BEGIN
    + """
if redis.call('HEXISTS', key('t', ARGV[1]), ARGV[2]) == 0 then return 0 end
if ARGV[3] == '' then redis.call('HSET', key('c', ARGV[1]), 'head', ARGV[2])
else redis.call('HSET', key('t', ARGV[1]), ARGV[2], ARGV[3]) end
return 1
"""
)

#: conversation, title -> whether there is such a conversation
RENAME = (
    BEGIN
    + """
if redis.call('EXISTS', key('c', ARGV[1])) == 0 then return 0 end
redis.call('HSET', key('c', ARGV[1]), 'title', ARGV[2])
return 1
"""
)

#: born that is expected or "" or "*" (any: not held), conversation, JSON -> 1
CHOICES = (
    BEGIN
    + """
if ARGV[1] ~= '*' then
  local born = redis.call('HGET', control, 'born') or ''
  if ARGV[1] ~= '' and ARGV[1] ~= born then return 0 end
  if redis.call('ZSCORE', key('gone'), ARGV[2]) then return 0 end
end
redis.call('HSET', key('choices'), ARGV[2], ARGV[3])
return 1
"""
)

#: token, "1" or "" -> 1
PAUSE = (
    BEGIN
    + """
redis.call('HSETNX', control, 'born', ARGV[1])
if ARGV[2] == '' then redis.call('HDEL', control, 'paused')
else redis.call('HSET', control, 'paused', ARGV[2]) end
return 1
"""
)

#: -> 1
FORGET_ALL = (
    BEGIN
    + """
local conversations = {}
for _, id in ipairs(read('ZRANGE', key('conversations'), 0, -1) or {}) do conversations[id] = 1 end
for _, name in ipairs(read('ZRANGE', key('order'), 0, -1) or {}) do
  conversations[string.match(name, '^(.*)/') or name] = 1
end
for id in pairs(conversations) do redis.call('DEL', key('c', id), key('t', id)) end
redis.call('DEL', control, key('conversations'), key('choices'), key('order'), key('facts'),
  key('items'), key('changed'), key('gone'), key('pinned'), key('deleting'), key('begun'),
  key('shared'))
return 1
"""
)

#: token, time before which turns go, most turns -> born, seq, ids that went, whether there is more
SWEEP = (
    BEGIN
    + "local token, conversation = ARGV[1], ''\n"
    + _WRITE
    + """
local names = redis.call('ZRANGEBYSCORE', key('order'), '-inf', '(' .. ARGV[2], 'LIMIT', 0, 200)
if #names == 0 then
  local over = math.min(redis.call('ZCARD', key('order')) - tonumber(ARGV[3]), 200)
  if over > 0 then names = redis.call('ZRANGE', key('order'), 0, over - 1) end
end
local gone = drop_turns(names)
local tombs = redis.call('ZCARD', key('changed')) - redis.call('HLEN', key('items'))
if #names == 0 and tombs > 2000 then
  -- The newest stay: a process that is not far behind need not begin anew.
  local known, from = number('floor'), number('pruned')
  local oldest = redis.call('ZRANGEBYSCORE', key('changed'), '(' .. from, number('seq') - 2000,
    'WITHSCORES', 'LIMIT', 0, 5000)
  for i = 1, #oldest, 2 do
    if redis.call('HEXISTS', key('items'), oldest[i]) == 0 then
      redis.call('ZREM', key('changed'), oldest[i])
      known = math.max(known, tonumber(oldest[i + 1]))
    end
  end
  redis.call('HSET', control, 'floor', known, 'pruned', #oldest == 10000 and oldest[10000] or 0)
end
return {redis.call('HGET', control, 'born') or '', number('seq'), gone, #names > 0 and 1 or 0}
"""
)
