import { randomUUID } from "node:crypto";
import { type Handlers, invalid, notFound, Refusal } from "./handler";
import type { Store } from "./store";

export function addUser(store: Store, username: string, email: string, password: string) {
  const at = new Date().toISOString();
  const user = {
    id: randomUUID(),
    username,
    email,
    password,
    name: "",
    avatar_url: "",
    created_at: at,
    updated_at: at,
    last_seen_at: at,
    login_type: "password" as const,
    organization_ids: ["11111111-1111-4111-8111-111111111111"],
    roles: store.users.length === 0 ? [{ name: "owner", display_name: "Owner" }] : [],
    status: "active" as const,
    theme_preference: "",
  };
  store.users.push(user);
  return user;
}

const named = (store: Store, text: string, me: { id: string }) => {
  const user =
    text === "me"
      ? store.users.find((u) => u.id === me.id)
      : store.users.find((u) => u.id === text || u.username === text);
  if (!user) throw notFound("User");
  const { password: _, ...rest } = user;
  return rest;
};

export const users: Handlers = {
  "GET /api/v2/users/first": ({ store }) => {
    if (store.users.length === 0) throw notFound("First user");
    return { message: "The first user exists." };
  },
  "POST /api/v2/users/first": ({ store, body }) => {
    if (store.users.length > 0) throw new Refusal(409, { code: "conflict", message: "The first user exists already." });
    if (!/^[a-z0-9-]+$/i.test(body.username)) throw invalid("username", "use letters, digits and hyphens.");
    if (body.password.length < 8) throw invalid("password", "use at least 8 characters.");
    const user = addUser(store, body.username, body.email, body.password);
    return { user_id: user.id, organization_id: user.organization_ids[0]! };
  },
  "POST /api/v2/users/login": ({ store, body, setCookie }) => {
    const user = store.users.find((u) => u.email === body.email && u.password === body.password);
    if (!user)
      throw new Refusal(401, { code: "unauthenticated", message: "The e-mail address or the password is wrong." });
    const token = randomUUID();
    store.sessions.set(token, user.id);
    setCookie(`coder_session_token=${token}; Path=/; HttpOnly; SameSite=Lax`);
    return { session_token: token };
  },
  "POST /api/v2/users/logout": ({ store, session, setCookie }) => {
    store.sessions.delete(session);
    setCookie("coder_session_token=; Path=/; Max-Age=0");
    return { message: "Signed out." };
  },
  "GET /api/v2/users/authmethods": () => ({
    password: { enabled: true },
    github: { enabled: false },
    oidc: { enabled: false, iconUrl: "", signInText: "" },
  }),
  "GET /api/v2/users/{user}": ({ store, path, user }) => named(store, path.user, user),
};
