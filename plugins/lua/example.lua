-- Rules in Lua: each function below is a method of the UMA filters, and all of them are optional.
-- Whatever the script does at its top level happens once a state; a function that returns nothing agrees.

-- A resource without a name is named after its type.
function beforeResourceRegistration(resource)
  if not resource.name then
    resource.name = resource.type or "Untitled"
  end
end

-- Nobody shares with the whole family what may be deleted.
function beforeResourceShared(policy)
  for _, permission in ipairs(policy.permissions) do
    for _, scope in ipairs(permission.scopes) do
      if permission.subject == "group:family" and scope == "delete" then
        return veto { status = 403, message = "Not with the whole family", detail = { scope = scope } }
      end
    end
  end
end

-- Who asks must belong here.
function beforeAuthorization(ticket, requestingParty, resourceOwner, scopes)
  local email = requestingParty.claims.email
  if config.domain and not (email and email:sub(-#config.domain) == config.domain) then
    return veto { error = "request_denied", message = "This is for people of " .. config.domain }
  end
end

function afterSuccessfulAuthorization(ticket, requestingParty, resourceOwner, requested, granted)
  log.info(requestingParty.name .. " got " .. table.concat(granted, " ") .. " of " .. ticket.resource_id)
end

-- What is hidden is listed only for those who ask for it by name.
function beforeQueryResourceSets(userId, filter)
  return filter_and(filter, '!(name sw ".")')
end
