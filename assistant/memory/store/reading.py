"""What is read from Redis in one step, as Lua. Each is one round trip.

KEYS[1] is the user's ``control``; the other keys are made from it. A read of a key that holds
another kind of value gives nothing and names the key in ``spoilt``.
"""

from __future__ import annotations

BEGIN = """
local control = KEYS[1]
local base = string.sub(control, 1, -8)
local function key(...) return base .. table.concat({...}, ':') end
local spoilt = {}
local function read(command, name, ...)
  local answer = redis.pcall(command, name, ...)
  if type(answer) == 'table' and answer.err then
    if not string.find(answer.err, 'WRONGTYPE') then return redis.call(command, name, ...) end
    spoilt[#spoilt + 1] = name
    return false
  end
  return answer
end
local function number(field) return tonumber(read('HGET', control, field) or 0) or 0 end
local function rows(found)
  local ids, out = {}, {}
  for i = 1, #found, 2 do ids[#ids + 1] = found[i] end
  if #ids == 0 then return out end
  local items = read('HMGET', key('items'), unpack(ids)) or {}
  for i, id in ipairs(ids) do
    local fact = false
    if string.sub(id, 1, 2) == 'f/' then fact = read('HGET', key('facts'), string.sub(id, 3)) end
    out[i] = {id, found[2 * i], items[i] or false, fact}
  end
  return out
end
"""

#: born, since, conversation or "", head known or "*", most rows -> born, seq, revision of facts,
#: paused, whether all begins anew, rows, whether there are more, head, choices, turns, spoilt
OPEN = (
    BEGIN
    + """
local born = read('HGET', control, 'born') or ''
local since, most = tonumber(ARGV[2]), tonumber(ARGV[5])
local fresh = ARGV[1] == '' or ARGV[1] ~= born or since < number('floor')
local found
if fresh then
  found = read('ZREVRANGEBYSCORE', key('changed'), '+inf', '-inf', 'WITHSCORES', 'LIMIT', 0, most)
else
  found = read('ZRANGEBYSCORE', key('changed'), '(' .. ARGV[2], '+inf', 'WITHSCORES',
    'LIMIT', 0, most)
end
local changed = rows(found or {})
local more = #changed == most
if fresh then
  for _, fact in ipairs(read('HKEYS', key('facts')) or {}) do
    for _, row in ipairs(rows({'f/' .. fact, 0})) do changed[#changed + 1] = row end
  end
end
local head, choices, turns = '', false, false
local conversation = ARGV[3]
if conversation ~= '' then
  head = read('HGET', key('c', conversation), 'head') or ''
  choices = read('HGET', key('choices'), conversation)
  if head ~= ARGV[4] then turns = read('HGETALL', key('t', conversation)) or {} end
end
return {born, number('seq'), number('facts'), read('HGET', control, 'paused') or '',
  fresh and 1 or 0, changed, more and 1 or 0, head, choices, turns, spoilt}
"""
)

#: below which change, most rows -> rows, newest first
PAGE = (
    BEGIN
    + """
return rows(read('ZREVRANGEBYSCORE', key('changed'), '(' .. ARGV[1], '-inf', 'WITHSCORES',
  'LIMIT', 0, tonumber(ARGV[2])) or {})
"""
)

#: conversation -> title, created, head, choices, turns, spoilt
TRANSCRIPT = (
    BEGIN
    + """
local info = read('HMGET', key('c', ARGV[1]), 'title', 'created', 'head') or {}
return {info[1] or '', info[2] or '0', info[3] or '', read('HGET', key('choices'), ARGV[1]),
  read('HGETALL', key('t', ARGV[1])) or {}, spoilt}
"""
)
