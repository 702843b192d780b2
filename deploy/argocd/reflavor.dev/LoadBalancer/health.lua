-- The health of a LoadBalancer for Argo CD, by its conditions alone, so that a new step of a resize changes nothing here.
-- Healthy: as specified. Progressing: create, resize, failover or edit under way. Degraded: somebody must mend something, or nothing serves
-- though something did. Suspended: spec.suspend.
local function health(status, message)
  return { status = status, message = message }
end

if obj.metadata.deletionTimestamp ~= nil then
  return health("Progressing", "Being deleted")
end
local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local function is(kind, value)
  return conditions[kind] ~= nil and conditions[kind].status == value
end

local ready = conditions.Ready
if ready == nil or status.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "Waiting for the operator to take up the change")
end
if is("Stalled", "True") then
  return health("Degraded", conditions.Stalled.message)
end
if ready.reason == "Suspended" then
  return health("Suspended", ready.message)
end
-- Before the first flavor is in force, nothing can serve yet.
if is("Available", "False") and status.flavorId ~= nil then
  return health("Degraded", conditions.Available.message .. " " .. ready.message)
end
if is("Ready", "True") then
  return health("Healthy", ready.message)
end
return health("Progressing", ready.message)
