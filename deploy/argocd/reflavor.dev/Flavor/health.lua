-- The health of a Flavor for Argo CD. Healthy: its FlavorProfile is there and makes sense, whether or not the flavor is enabled.
if obj.metadata.deletionTimestamp ~= nil then
  return { status = "Progressing", message = "Being deleted" }
end
local status = obj.status or {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Ready" and status.observedGeneration == obj.metadata.generation then
    return { status = condition.status == "True" and "Healthy" or "Degraded", message = condition.message }
  end
end
return { status = "Progressing", message = "Waiting for the operator to look its profile up" }
