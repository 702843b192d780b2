-- The health of an Amphora for Argo CD. Healthy: its HAProxy runs with the present configuration. Progressing: it starts or loads.
-- Degraded: it is lost, or can't do so; the reason says why.
local function health(condition, status)
  return { status = status, message = condition.message }
end

if obj.metadata.deletionTimestamp ~= nil then
  return { status = "Progressing", message = "Being destroyed" }
end
local conditions = {}
for _, condition in ipairs((obj.status or {}).conditions or {}) do
  conditions[condition.type] = condition
end
local lost, ready, configured = conditions.Lost, conditions.Ready, conditions.Configured
if ready == nil or configured == nil then
  return { status = "Progressing", message = "Waiting for the operator to make it" }
end
if lost ~= nil and lost.status == "True" then
  return health(lost, "Degraded")
end
if ready.status ~= "True" then
  return health(ready, ready.reason == "Starting" and "Progressing" or "Degraded")
end
if configured.status ~= "True" then
  return health(configured, configured.reason == "Loading" and "Progressing" or "Degraded")
end
return health(ready, "Healthy")
