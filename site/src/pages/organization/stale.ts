/** What a change of members makes old. */
export const memberEndpoints = [
  "GET /api/v2/organizations/{organization}/paginated-members",
  "GET /api/v2/organizations/{organization}/groups",
  "GET /api/v2/organizations/{organization}/groups/{groupName}",
  "GET /api/v2/organizations/{organization}/groups/{groupName}/members",
  "GET /api/v2/users",
  "GET /api/v2/users/{user}/organizations",
] as const;

/** What a change of a group makes old. */
export const groupEndpoints = [
  "GET /api/v2/organizations/{organization}/groups",
  "GET /api/v2/organizations/{organization}/groups/{groupName}",
  "GET /api/v2/organizations/{organization}/groups/{groupName}/members",
] as const;

/** What a change of an organization makes old. */
export const organizationEndpoints = [
  "GET /api/v2/organizations",
  "GET /api/v2/organizations/{organization}",
  "GET /api/v2/users/{user}/organizations",
] as const;

/** What a change of a role makes old. */
export const roleEndpoints = [
  "GET /api/v2/organizations/{organization}/members/roles",
  "GET /api/v2/organizations/{organization}/paginated-members",
  "GET /api/v2/organizations/{organization}",
] as const;
