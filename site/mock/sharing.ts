import { type Handlers, invalid, notFound, Refusal } from "./handler";
import type { Store } from "./store";
import { find } from "./workspaces";

const organization = "11111111-1111-4111-8111-111111111111";

function aclOf(store: Store, id: string) {
  const acl = store.creation.acl.get(id) ?? { users: [], group: [] };
  store.creation.acl.set(id, acl);
  return acl;
}

const groups = [
  {
    id: organization,
    name: "Everyone",
    display_name: "",
    avatar_url: "",
    members: [],
    organization_id: organization,
    organization_name: "default",
    organization_display_name: "Default",
    quota_allowance: 0,
    source: "user",
    total_member_count: 3,
  },
];

export const sharing: Handlers = {
  "GET /api/v2/organizations/{organization}/groups": () => groups,
  "GET /api/v2/workspaces/{workspace}/acl": ({ store, path }) => aclOf(store, path.workspace),
  "PATCH /api/v2/workspaces/{workspace}/acl": ({ store, path, body }) => {
    const acl = aclOf(store, find(store, path.workspace).id);
    for (const [id, role] of Object.entries(body.user_roles ?? {})) {
      const user = store.users.find((u) => u.id === id);
      if (!user) throw notFound("User");
      acl.users = (acl.users ?? []).filter((u) => u.id !== id);
      if (role) acl.users.push({ id, role, username: user.username });
    }
    for (const [id, role] of Object.entries(body.group_roles ?? {})) {
      const group = groups.find((g) => g.id === id);
      if (!group) throw notFound("Group");
      acl.group = (acl.group ?? []).filter((g) => g.id !== id);
      if (role) acl.group.push({ ...group, role });
    }
    return undefined;
  },
  "GET /api/v2/workspaces/{workspace}/port-share": ({ store, path }) => ({
    shares: store.creation.shares.get(path.workspace) ?? [],
  }),
  "POST /api/v2/workspaces/{workspace}/port-share": ({ store, path, body }) => {
    if (body.port < 9 || body.port > 65_535) throw invalid("port", "use 9 to 65535.");
    if (body.share_level === "public")
      throw new Refusal(403, { code: "forbidden", message: "The template allows sharing up to authenticated." });
    const share = { ...body, protocol: body.protocol || "http", workspace_id: path.workspace };
    const others = (store.creation.shares.get(path.workspace) ?? []).filter(
      (s) => s.port !== share.port || s.agent_name !== share.agent_name,
    );
    store.creation.shares.set(path.workspace, [...others, share]);
    return share;
  },
  "DELETE /api/v2/workspaces/{workspace}/port-share": ({ store, path, body }) => {
    const left = (store.creation.shares.get(path.workspace) ?? []).filter(
      (s) => s.port !== body.port || s.agent_name !== body.agent_name,
    );
    store.creation.shares.set(path.workspace, left);
    return { message: "The port is not shared any more." };
  },
};
