import { randomUUID } from "node:crypto";
import type {
  ExternalAuthLink,
  ExternalAuthLinkProvider,
  GitSSHKey,
  Key,
  UserAppearanceSettings,
} from "../src/api/generated";
import { type Handlers, invalid, notFound, Refusal } from "./handler";
import type { Store } from "./store";

/** What the mock knows of the accounts of people: their keys, looks and sign-ins elsewhere. */
export interface AccountStore {
  /** Sessions by their token, and tokens: what they are, not the secret. */
  sessionKeys: Map<string, Key>;
  tokens: Key[];
  longest: number;
  sshKeys: Map<string, GitSSHKey>;
  appearance: Map<string, UserAppearanceSettings>;
  providers: ExternalAuthLinkProvider[];
  links: (ExternalAuthLink & { user_id: string; login: string })[];
  /** entered says that the code of a device was typed at the service. */
  entered: boolean;
}

const day = 86_400_000;

export const newAccounts = (): AccountStore => ({
  sessionKeys: new Map(),
  tokens: [],
  longest: 30 * day * 1e6,
  sshKeys: new Map(),
  appearance: new Map(),
  providers: [],
  links: [],
  entered: false,
});

function key(user: { id: string; username: string }, more: Partial<Key>): Key {
  const at = Date.now();
  return {
    id: randomUUID().replaceAll("-", "").slice(0, 10),
    user_id: user.id,
    username: user.username,
    login_type: "password",
    token_name: "",
    scope: "all",
    scopes: ["all"],
    allow_list: [{ type: "*", id: "*" }],
    last_used: new Date(at).toISOString(),
    expires_at: new Date(at + day).toISOString(),
    created_at: new Date(at - day).toISOString(),
    updated_at: new Date(at - day).toISOString(),
    lifetime_seconds: 86_400,
    ...more,
  };
}

const newSSHKey = (user: string): GitSSHKey => ({
  user_id: user,
  public_key: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${randomUUID().replaceAll("-", "")}${randomUUID().slice(0, 11).replaceAll("-", "")}`,
  created_at: new Date().toISOString(),
  updated_at: new Date().toISOString(),
});

export function seedAccounts(store: Store) {
  const [alice, bob] = store.users as [Store["users"][0], Store["users"][0]];
  const before = (ms: number) => new Date(Date.now() - ms).toISOString();
  const { accounts } = store;
  store.creation.quota = { budget: 40, credits_consumed: 25 };
  accounts.sessionKeys.set(
    "alices-laptop",
    key(alice, { id: "Xw3kP0aLq1", last_used: before(7 * 3_600_000), created_at: before(9 * day) }),
  );
  accounts.sessionKeys.set(
    "alices-desk",
    key(alice, { id: "mM91xTbr7Z", last_used: before(300_000), created_at: before(2 * day) }),
  );
  store.sessions.set("alices-laptop", alice.id).set("alices-desk", alice.id);
  accounts.tokens.push(
    key(alice, {
      id: "tk0000ci01",
      login_type: "token",
      token_name: "ci",
      scopes: ["workspace:read", "template:read"],
      allow_list: [
        { type: "workspace", id: "6b0f5a0e-2b1f-4c8e-9f0a-111111111111" },
        { type: "template", id: "*" },
      ],
      expires_at: new Date(Date.now() + 12 * day).toISOString(),
      last_used: before(1_800_000),
    }),
    key(alice, {
      id: "tk0000old1",
      login_type: "token",
      token_name: "laptop-backup",
      expires_at: before(2 * day),
      last_used: "0001-01-01T00:00:00Z",
    }),
    key(bob, {
      id: "tk0000bob1",
      login_type: "token",
      token_name: "<b>bobs</b>",
      scopes: ["coder:workspaces.operate"],
    }),
  );
  const provider = (id: string, name: string, more: Partial<ExternalAuthLinkProvider>): ExternalAuthLinkProvider => ({
    id,
    type: id,
    display_name: name,
    display_icon: "",
    device: false,
    allow_refresh: true,
    allow_validate: true,
    supports_revocation: false,
    code_challenge_methods_supported: ["S256"],
    ...more,
  });
  accounts.providers.push(
    provider("github", "GitHub", { device: true, supports_revocation: true }),
    provider("gitlab", "GitLab", {}),
    provider("forge", "<img src=x onerror=alert(1)>", { device: true }),
  );
  const link = (id: string, login: string, more: Partial<ExternalAuthLink>) => ({
    provider_id: id,
    user_id: alice.id,
    login,
    authenticated: true,
    has_refresh_token: true,
    validate_error: "",
    created_at: before(20 * day),
    updated_at: before(day),
    expires: new Date(Date.now() + 6 * 3_600_000).toISOString(),
    ...more,
  });
  accounts.links.push(
    link("github", "alice-codes", {}),
    link("gitlab", "", {
      authenticated: false,
      validate_error: "the service refused to refresh the token: invalid_grant",
    }),
  );
}

const whose = (store: Store, ref: string, me: { id: string }) => {
  const found = store.users.find((u) => u.id === (ref === "me" ? me.id : ref) || u.username === ref);
  if (!found) throw notFound("User");
  return found;
};

/** sessionsOf makes the key of a session that has none yet. */
function sessionsOf(store: Store, user: { id: string; username: string }): [token: string, key: Key][] {
  const { sessionKeys } = store.accounts;
  for (const [token, id] of store.sessions) {
    if (id === user.id && !sessionKeys.has(token)) sessionKeys.set(token, key(user, {}));
  }
  return [...sessionKeys].filter(([token, k]) => k.user_id === user.id && store.sessions.has(token));
}

const appearanceOf = (store: Store, user: { id: string; theme_preference: string }): UserAppearanceSettings =>
  store.accounts.appearance.get(user.id) ?? {
    theme_preference: user.theme_preference,
    theme_mode: "",
    theme_light: "",
    theme_dark: "",
    terminal_font: "",
  };

const secret = () => `${randomUUID().slice(0, 8)}xY-${randomUUID().replaceAll("-", "").slice(0, 22)}`;

const keys: Handlers = {
  "GET /api/v2/users/{user}/keys": ({ store, path, user, session }) =>
    sessionsOf(store, whose(store, path.user, user)).map(([token, k]) =>
      token === session ? { ...k, current: true } : k,
    ),
  "POST /api/v2/users/{user}/keys": ({ store, path, user }) => {
    const token = secret();
    store.sessions.set(token, whose(store, path.user, user).id);
    return { key: token };
  },
  "DELETE /api/v2/users/{user}/keys/{keyid}": ({ store, path, user }) => {
    const owner = whose(store, path.user, user);
    const session = sessionsOf(store, owner).find(([, k]) => k.id === path.keyid);
    if (session) store.sessions.delete(session[0]);
    const before = store.accounts.tokens.length;
    store.accounts.tokens = store.accounts.tokens.filter((k) => k.id !== path.keyid);
    if (!session && before === store.accounts.tokens.length) throw notFound("Key");
    return undefined;
  },
  "PUT /api/v2/users/{user}/keys/{keyid}/expire": ({ store, path }) => {
    const token = store.accounts.tokens.find((k) => k.id === path.keyid);
    if (!token) throw notFound("Key");
    token.expires_at = new Date(Date.now() - 1000).toISOString();
    return undefined;
  },
  "GET /api/v2/users/{user}/keys/tokens": ({ store, path, query, user }) => {
    const owner = whose(store, path.user, user);
    return store.accounts.tokens.filter(
      (k) =>
        (k.user_id === owner.id || query.include_all === "true") &&
        (query.include_expired === "true" || Date.parse(k.expires_at) > Date.now()),
    );
  },
  "POST /api/v2/users/{user}/keys/tokens": ({ store, path, body, user }) => {
    const owner = whose(store, path.user, user);
    const name = body.token_name || `token-${store.accounts.tokens.length}`;
    if (!/^[a-zA-Z0-9][\w-]*$/.test(name))
      throw invalid(
        "token_name",
        "use 1 to 64 letters, digits, hyphens and underscores, starting with a letter or digit.",
      );
    if (store.accounts.tokens.some((k) => k.user_id === owner.id && k.token_name === name))
      throw new Refusal(409, {
        code: "conflict",
        message: "A token with this name exists.",
        validations: [{ field: "token_name", detail: "choose another name, or remove the old token." }],
      });
    if ((body.lifetime ?? 0) > store.accounts.longest)
      throw invalid("lifetime", "it is longer than this user's tokens may live.");
    const lifetime = (body.lifetime || 7 * day * 1e6) / 1e6;
    store.accounts.tokens.push(
      key(owner, {
        login_type: "token",
        token_name: name,
        scopes: body.scopes ?? ["all"],
        allow_list: body.allow_list ?? [{ type: "*", id: "*" }],
        last_used: "0001-01-01T00:00:00Z",
        created_at: new Date().toISOString(),
        expires_at: new Date(Date.now() + lifetime).toISOString(),
      }),
    );
    return { key: secret() };
  },
  "GET /api/v2/users/{user}/keys/tokens/tokenconfig": ({ store }) => ({ max_token_lifetime: store.accounts.longest }),
  "GET /api/v2/auth/scopes": () => ({
    external: [
      "all",
      "application_connect",
      "coder:all",
      "coder:apikeys.manage_self",
      "coder:templates.author",
      "coder:workspaces.access",
      "coder:workspaces.operate",
      ...["api_key", "template", "user", "workspace"].flatMap((t) =>
        ["*", "create", "delete", "read", "update"].map((a) => `${t}:${a}`),
      ),
      "workspace:ssh",
    ],
  }),
};

const person: Handlers = {
  "GET /api/v2/users/{user}/appearance": ({ store, path, user }) => appearanceOf(store, whose(store, path.user, user)),
  "PUT /api/v2/users/{user}/appearance": ({ store, path, body, user }) => {
    const owner = whose(store, path.user, user);
    const next = { ...appearanceOf(store, owner), ...body };
    owner.theme_preference = next.theme_preference;
    store.accounts.appearance.set(owner.id, next);
    return next;
  },
  "GET /api/v2/users/{user}/gitsshkey": ({ store, path, user }) => {
    const { id } = whose(store, path.user, user);
    const found = store.accounts.sshKeys.get(id) ?? newSSHKey(id);
    store.accounts.sshKeys.set(id, found);
    return found;
  },
  "PUT /api/v2/users/{user}/gitsshkey": ({ store, path, user }) => {
    const { id } = whose(store, path.user, user);
    const made = newSSHKey(id);
    store.accounts.sshKeys.set(id, made);
    return made;
  },
};

const findProvider = (store: Store, id: string) => {
  const found = store.accounts.providers.find((p) => p.id === id);
  if (!found) throw notFound("External authentication provider");
  return found;
};

const elsewhere: Handlers = {
  "GET /api/v2/external-auth": ({ store, user }) => ({
    providers: store.accounts.providers,
    links: store.accounts.links.filter((l) => l.user_id === user.id),
  }),
  "GET /api/v2/external-auth/{externalauth}": ({ store, path, user }) => {
    const provider = findProvider(store, path.externalauth);
    const link = store.accounts.links.find((l) => l.user_id === user.id && l.provider_id === provider.id);
    const account = {
      id: 7,
      login: link?.login ?? "",
      name: "",
      avatar_url: "",
      profile_url: "https://example.test/u",
    };
    return {
      authenticated: Boolean(link?.authenticated),
      device: provider.device,
      display_name: provider.display_name,
      supports_revocation: provider.supports_revocation,
      user: account,
      app_installable: provider.id === "github",
      installations: [],
      app_install_url: provider.id === "github" ? "https://example.test/install" : "",
    };
  },
  "DELETE /api/v2/external-auth/{externalauth}": ({ store, path, user }) => {
    const { supports_revocation } = findProvider(store, path.externalauth);
    const { links } = store.accounts;
    store.accounts.links = links.filter((l) => l.user_id !== user.id || l.provider_id !== path.externalauth);
    return { token_revoked: supports_revocation };
  },
  "GET /api/v2/external-auth/{externalauth}/device": ({ store, path }) => {
    findProvider(store, path.externalauth);
    return {
      device_code: "device-secret",
      user_code: "ABCD-1234",
      verification_uri: "https://example.test/device",
      expires_in: 900,
      interval: 1,
    };
  },
  "POST /api/v2/external-auth/{externalauth}/device": ({ store, path, user }) => {
    if (!store.accounts.entered)
      throw new Refusal(400, {
        code: "invalid",
        message: "The code has not been entered yet.",
        detail: "authorization_pending",
      });
    store.accounts.links.push({
      provider_id: path.externalauth,
      user_id: user.id,
      login: "alice-elsewhere",
      authenticated: true,
      has_refresh_token: true,
      validate_error: "",
      created_at: new Date().toISOString(),
      updated_at: new Date().toISOString(),
      expires: "0001-01-01T00:00:00Z",
    });
    return undefined;
  },
  "POST /external-auth/{externalauth}/start": ({ store, path }) => {
    findProvider(store, path.externalauth);
    return { url: "/settings/external-auth#there" };
  },
};

export const accounts: Handlers = { ...keys, ...person, ...elsewhere };
