import { read } from "./queries";

// The lists of people, for the pages that show them and for the routes that ask early.

/** How many people stand on a page of a list. */
export const perPage = 50;

interface Listed {
  q?: string;
  page?: number;
}

const place = ({ q = "", page = 1 }: Listed) => ({ q, limit: perPage, offset: (page - 1) * perPage });

export const usersPage = (listed: Listed) => read("GET /api/v2/users", { query: place(listed) });

export const membersPage = (organization: string, listed: Listed) =>
  read("GET /api/v2/organizations/{organization}/paginated-members", { path: { organization }, query: place(listed) });

export const organizationGroups = (organization: string) =>
  read("GET /api/v2/organizations/{organization}/groups", { path: { organization } });

export const organizationRoles = (organization: string) =>
  read("GET /api/v2/organizations/{organization}/members/roles", { path: { organization } });
