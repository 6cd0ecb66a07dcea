import { readSearch } from "../src/lib/search";
import { mockMay } from "./authcheck";
import { type Handlers, invalid, notFound, Refusal } from "./handler";
import { without } from "./people";
import { siteRoles } from "./roles";
import type { Store } from "./store";
import { addUser } from "./users";

const filters = [
  "status",
  "role",
  "login_type",
  "name",
  "search",
  "last_seen_before",
  "last_seen_after",
  "created_before",
  "created_after",
  "github_com_user_id",
  "service_account",
];

export const conflict = (message: string) => new Refusal(409, { code: "conflict", message });

export const forbidden = (action: string, what: string) =>
  new Refusal(403, {
    code: "forbidden",
    message: `You may not ${action} this ${what}. Ask an administrator for a role that allows it.`,
  });

export function userOf(store: Store, ref: string, me: { id: string }) {
  const user = store.users.find((u) => u.id === (ref === "me" ? me.id : ref) || u.username === ref);
  if (!user) throw notFound("User");
  return user;
}

export const checkName = (field: string, name: string, pattern = /^[a-z0-9]+(-[a-z0-9]+)*$/i) => {
  if (!pattern.test(name))
    throw invalid(field, "use letters, digits and single hyphens, starting and ending with a letter or digit.");
};

const weakness = (password: string) =>
  password.length < 8
    ? "use at least 8 characters."
    : new Set(password).size < 5
      ? "use at least 5 different characters."
      : "";

function onlyOwner(store: Store, id: string) {
  const owners = store.users.filter((u) => u.status === "active" && u.roles?.some((r) => r.name === "owner"));
  if (owners.length === 1 && owners[0]!.id === id)
    throw conflict("This is the last active owner. Make somebody else an owner first.");
}

const slim = (names: readonly string[] | null | undefined) =>
  siteRoles.filter((r) => names?.includes(r.name)).map(({ name, display_name }) => ({ name, display_name }));

export const useradmin: Handlers = {
  "GET /api/v2/users": ({ store, query, user }) => {
    const { words, terms } = readSearch(query.q ?? "");
    const unknown = Object.keys(terms).find((k) => !filters.includes(k));
    if (unknown) throw invalid("q", `filter "${unknown}" is unknown; use ${filters.join(", ")}.`);
    const all = store.users.filter((u) => {
      const text = `${u.username} ${u.name} ${u.email}`.toLowerCase();
      return (
        (u.id === user.id || mockMay(user, { action: "read", object: { resource_type: "user" } })) &&
        text.includes(words.toLowerCase()) &&
        (!terms.status || terms.status.split(",").includes(u.status)) &&
        (!terms.role || u.roles?.some((r) => r.name === terms.role)) &&
        (!terms.login_type || u.login_type === terms.login_type) &&
        (!terms.last_seen_before || u.last_seen_at < terms.last_seen_before) &&
        (!terms.last_seen_after || u.last_seen_at >= terms.last_seen_after) &&
        (!terms.service_account || String(u.is_service_account ?? false) === terms.service_account)
      );
    });
    all.sort((a, b) => a.username.localeCompare(b.username));
    const at = Number(query.offset ?? 0);
    return { users: all.slice(at, at + Number(query.limit ?? 50)).map(without), count: all.length };
  },
  "POST /api/v2/users": ({ store, body, user }) => {
    if (!mockMay(user, { action: "create", object: { resource_type: "user" } })) throw forbidden("create", "user");
    checkName("username", body.username);
    if (!body.service_account && body.login_type !== "none" && !/^\S+@\S+$/.test(body.email ?? ""))
      throw invalid("email", "this is not an e-mail address; use the form name@example.com.");
    const weak = body.login_type === "password" && !body.service_account ? weakness(body.password ?? "") : "";
    if (weak) throw invalid("password", weak);
    if (store.users.some((u) => u.username === body.username))
      throw new Refusal(409, {
        code: "conflict",
        message: "This username is taken.",
        validations: [{ field: "username", detail: "this username is taken; choose another." }],
      });
    const made = addUser(store, body.username, body.email ?? "", body.password ?? "");
    return without(
      Object.assign(made, {
        name: body.name ?? "",
        roles: slim(body.roles),
        status: body.service_account ? "active" : "dormant",
        login_type: body.service_account ? "none" : (body.login_type ?? "password"),
        is_service_account: body.service_account,
        organization_ids: body.organization_ids?.length ? body.organization_ids : made.organization_ids,
      }),
    );
  },
  "GET /api/v2/users/roles": ({ user }) => {
    const owner = user.roles?.some((r) => r.name === "owner");
    return siteRoles.map((r) => ({ ...r, assignable: Boolean(owner) }));
  },
  "POST /api/v2/users/validate-password": ({ body }) => {
    const details = weakness(body.password);
    return { valid: !details, details };
  },
  "DELETE /api/v2/users/{user}": ({ store, path, user }) => {
    const target = userOf(store, path.user, user);
    if (target.id === user.id) throw conflict("You cannot delete yourself. Ask another administrator.");
    onlyOwner(store, target.id);
    if (store.workspaces.some((w) => w.owner_id === target.id && w.latest_build.status !== "deleted"))
      throw conflict("This user has workspaces. Delete those first.");
    store.users.splice(store.users.indexOf(target), 1);
    return undefined;
  },
  "PUT /api/v2/users/{user}/profile": ({ store, path, body, user }) => {
    const target = userOf(store, path.user, user);
    checkName("username", body.username);
    if (store.users.some((u) => u !== target && u.username === body.username))
      throw new Refusal(409, {
        code: "conflict",
        message: "A user with this name exists already.",
        validations: [{ field: "username", detail: "is in use" }],
      });
    return without(
      Object.assign(target, {
        username: body.username,
        name: body.name ?? "",
        avatar_url: body.avatar_url ?? target.avatar_url,
      }),
    );
  },
  "PUT /api/v2/users/{user}/password": ({ store, path, body, user, session }) => {
    const target = userOf(store, path.user, user);
    if (target.id === user.id && body.old_password !== store.users.find((u) => u.id === user.id)?.password)
      throw invalid("old_password", "this is not your present password.");
    const weak = weakness(body.password);
    if (weak) throw invalid("password", weak);
    target.password = body.password;
    for (const [token, id] of store.sessions) if (id === target.id && token !== session) store.sessions.delete(token);
    return undefined;
  },
  "PUT /api/v2/users/{user}/roles": ({ store, path, body, user }) => {
    const target = userOf(store, path.user, user);
    if (!body.roles?.includes("owner")) onlyOwner(store, target.id);
    return without(Object.assign(target, { roles: slim(body.roles) }));
  },
  "PUT /api/v2/users/{user}/status/activate": ({ store, path, user }) =>
    without(Object.assign(userOf(store, path.user, user), { status: "active" as const })),
  "PUT /api/v2/users/{user}/status/suspend": ({ store, path, user }) => {
    const target = userOf(store, path.user, user);
    if (target.id === user.id) throw conflict("You cannot suspend yourself. Ask another administrator.");
    onlyOwner(store, target.id);
    return without(Object.assign(target, { status: "suspended" as const }));
  },
  "GET /api/v2/users/{user}/organizations": ({ store, path, user }) => {
    const target = userOf(store, path.user, user);
    return store.people.organizations.filter((o) => target.organization_ids?.includes(o.id));
  },
};
