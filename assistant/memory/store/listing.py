"""What the list of conversations needs of Redis in one step, as Lua: as in :mod:`.reading` and
:mod:`.writing`, KEYS[1] is the user's ``control``."""

from __future__ import annotations

from assistant.memory.store.reading import BEGIN

#: most conversations -> rows (conversation, time, title, turns, "1" or "" for pinned), and what
#: was begun and has not ended (conversation, JSON, ...). Those held back for deletion are left
#: out; pinned ones are there beyond the most.
LIST = (
    BEGIN
    + """
local names, most = key('conversations'), tonumber(ARGV[1])
local held, pinned, seen, out, begun = {}, {}, {}, {}, {}
local waiting = read('ZRANGE', key('deleting'), 0, -1) or {}
for _, id in ipairs(waiting) do held[id] = true end
local pins = read('ZRANGE', key('pinned'), 0, -1) or {}
for _, id in ipairs(pins) do pinned[id] = true end
local function add(id, when)
  if held[id] or seen[id] then return end
  seen[id] = true
  out[#out + 1] = id
  out[#out + 1] = when
  out[#out + 1] = read('HGET', key('c', id), 'title') or ''
  out[#out + 1] = read('HLEN', key('t', id)) or 0
  out[#out + 1] = pinned[id] and '1' or ''
end
local found = read('ZREVRANGE', names, 0, most + #waiting - 1, 'WITHSCORES') or {}
for i = 1, #found, 2 do
  if #out < most * 5 then add(found[i], found[i + 1]) end
end
for _, id in ipairs(pins) do
  local when = read('ZSCORE', names, id)
  if when then add(id, when) end
end
local last = read('HGETALL', key('begun')) or {}
for i = 1, #last, 2 do
  if not held[last[i]] then
    begun[#begun + 1] = last[i]
    begun[#begun + 1] = last[i + 1]
  end
end
return {out, begun}
"""
)

#: conversation, time or "" to unpin -> whether there is such a conversation
PIN = (
    BEGIN
    + """
if redis.call('EXISTS', key('c', ARGV[1])) == 0 then return 0 end
if ARGV[2] == '' then redis.call('ZREM', key('pinned'), ARGV[1])
else redis.call('ZADD', key('pinned'), ARGV[2], ARGV[1]) end
return 1
"""
)

#: conversation, time or "" to let it live -> whether there is such a conversation, or one was held
HOLD = (
    BEGIN
    + """
if ARGV[2] == '' then return redis.call('ZREM', key('deleting'), ARGV[1]) end
if redis.call('EXISTS', key('c', ARGV[1])) == 0
  and redis.call('HEXISTS', key('begun'), ARGV[1]) == 0 then return 0 end
redis.call('ZADD', key('deleting'), ARGV[2], ARGV[1])
return 1
"""
)

#: -> conversation, time since when it is held back, title, ...
HELD = (
    BEGIN
    + """
local out = {}
local found = read('ZRANGE', key('deleting'), 0, -1, 'WITHSCORES') or {}
for i = 1, #found, 2 do
  out[#out + 1] = found[i]
  out[#out + 1] = found[i + 1]
  out[#out + 1] = read('HGET', key('c', found[i]), 'title') or ''
end
return out
"""
)

#: conversation, secret of its link or "" for none -> whether there is such a conversation
SHARE = (
    BEGIN
    + """
if ARGV[2] == '' then
  redis.call('HDEL', key('shared'), ARGV[1])
  return redis.call('EXISTS', key('c', ARGV[1]))
end
if redis.call('EXISTS', key('c', ARGV[1])) == 0 then return 0 end
redis.call('HSETNX', key('shared'), ARGV[1], ARGV[2])
return 1
"""
)

#: -> conversation, secret of its link, ... ; those held back for deletion are left out
SHARED = (
    BEGIN
    + """
local out = {}
local all = read('HGETALL', key('shared')) or {}
for i = 1, #all, 2 do
  if not read('ZSCORE', key('deleting'), all[i]) then
    out[#out + 1] = all[i]
    out[#out + 1] = all[i + 1]
  end
end
return out
"""
)

#: conversation, JSON of the question, time below which others go where there are many -> 1
BEGAN = (
    BEGIN
    + """
local begun = key('begun')
if redis.call('HLEN', begun) >= 100 then
  local all = redis.call('HGETALL', begun)
  for i = 1, #all, 2 do
    local sound, value = pcall(cjson.decode, all[i + 1])
    if not sound or (tonumber(value.time) or 0) < tonumber(ARGV[3]) then
      redis.call('HDEL', begun, all[i])
    end
  end
end
redis.call('HSET', begun, ARGV[1], ARGV[2])
return 1
"""
)

#: conversation -> JSON of the question that was begun last and has not ended, or nothing
BEGUN = (
    BEGIN
    + """
return read('HGET', key('begun'), ARGV[1])
"""
)

#: count of words, words, the same as JSON has them, conversations -> conversation, question,
#: answer, ... : of each conversation the newest turn that holds every word, in its question or its
#: answer. Letters of other scripts than Latin are compared as they are.
FIND = (
    BEGIN
    + """
local out, count = {}, tonumber(ARGV[1])
local function holds(text, from)
  local lower = string.lower(text)
  for i = from, from + count - 1 do
    if not string.find(lower, ARGV[i], 1, true) then return false end
  end
  return true
end
for i = 2 + 2 * count, #ARGV do
  local best, question = nil, ''
  for _, value in ipairs(read('HVALS', key('t', ARGV[i])) or {}) do
    local sound, turn = false, nil
    if holds(value, 2 + count) then sound, turn = pcall(cjson.decode, value) end
    if sound and (not best or (tonumber(turn.time) or 0) > (tonumber(best.time) or 0)) then
      local asked = {}
      for _, part in ipairs(turn.question or {}) do
        asked[#asked + 1] = tostring(part.text or '')
      end
      local said = table.concat(asked, '\\n')
      if holds(said .. '\\n' .. tostring(turn.answer or ''), 2) then best, question = turn, said end
    end
  end
  if best then
    out[#out + 1] = ARGV[i]
    out[#out + 1] = question
    out[#out + 1] = tostring(best.answer or '')
  end
end
return out
"""
)
