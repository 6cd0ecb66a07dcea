import { readSearch } from "../src/lib/search";
import { newBuild } from "./builds";
import { type Call, type Handlers, invalid, notFound, Refusal, type Sockets } from "./handler";
import { type Store, touch } from "./store";

const filters = ["owner", "name", "template", "organization", "status"];

export function find(store: Store, id: string) {
  const w = store.workspaces.find((x) => x.id === id);
  if (!w) throw notFound("Workspace");
  return w;
}

function list({ store, query, user }: Call<"GET /api/v2/workspaces"> | Call<"GET /api/v2/workspaces/watch-ws">) {
  const { words, terms } = readSearch(query.q ?? "");
  const unknown = Object.keys(terms).find((k) => !filters.includes(k));
  if (unknown) throw invalid("q", `"${unknown}" is not a filter; use owner, name, template, organization or status`);
  const owner = terms.owner === "me" ? user.username : terms.owner;
  const all = store.workspaces.filter(
    (w) =>
      w.latest_build.status !== "deleted" &&
      (!owner || w.owner_name === owner) &&
      (!terms.template || w.template_name === terms.template) &&
      (!terms.status || w.latest_build.status === terms.status) &&
      (!terms.name || w.name.includes(terms.name)) &&
      w.name.includes(words),
  );
  return { workspaces: all.slice(0, Number(query.limit ?? 0) || all.length), count: all.length };
}

export const workspaces: Handlers = {
  "GET /api/v2/workspaces": list,
  "GET /api/v2/users/{user}/workspace/{workspacename}": ({ store, path, user }) => {
    const owner = path.user === "me" ? user.username : path.user;
    const w = store.workspaces.find((x) => x.owner_name === owner && x.name === path.workspacename);
    if (!w) throw notFound("Workspace");
    return w;
  },
  "GET /api/v2/workspaces/{workspace}": ({ store, path }) => find(store, path.workspace),
  "PATCH /api/v2/workspaces/{workspace}": ({ store, path, body }) => {
    const w = find(store, path.workspace);
    const name = body.name ?? "";
    if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name))
      throw invalid("name", "use lower-case letters, digits and hyphens.");
    w.name = name;
    touch(store);
    return undefined;
  },
  "GET /api/v2/workspaces/{workspace}/builds": ({ store, path }) =>
    store.builds.filter((b) => b.workspace_id === path.workspace).sort((a, b) => b.build_number - a.build_number),
  "POST /api/v2/workspaces/{workspace}/builds": ({ store, path, body, user }) => {
    const w = find(store, path.workspace);
    if (store.creation.loses && body.rich_parameter_values && !body.allow_destroy_persistent)
      throw new Refusal(409, { code: "conflict", message: "The build would destroy docker_volume.home." });
    const build = newBuild(store, w, body.transition, user.username);
    store.creation.built.push(body);
    const given = Object.fromEntries((body.rich_parameter_values ?? []).map((v) => [v.name, v.value]));
    store.creation.values.set(w.id, {
      region: "us-east",
      zone: "a",
      cpus: "4",
      team: "core",
      ...store.creation.values.get(w.id),
      ...given,
    });
    if (body.template_version_id === w.template_active_version_id) w.outdated = false;
    return build;
  },
};

export const workspaceSockets: Sockets = {
  "GET /api/v2/workspaces/watch-ws": (call) => {
    let before: Map<string, string> | undefined;
    const say = () => {
      const { workspaces, count } = list(call);
      const changed = before ? workspaces.filter((w) => before?.get(w.id) !== JSON.stringify(w)) : [];
      const ids = workspaces.map((w) => w.id);
      if (!before || changed.length > 0 || ids.join() !== [...before.keys()].join())
        call.send({ type: "data", data: { count, ids, workspaces: changed } });
      before = new Map(workspaces.map((w) => [w.id, JSON.stringify(w)]));
    };
    const ping = setInterval(() => call.send({ type: "ping" }), 15_000);
    call.store.changed.add(say);
    say();
    return () => {
      clearInterval(ping);
      call.store.changed.delete(say);
    };
  },
  "GET /api/v2/workspaces/{workspace}/watch-ws": ({ store, path, send }) => {
    const say = () => send({ type: "data", data: find(store, path.workspace) });
    const ping = setInterval(() => send({ type: "ping", data: null }), 15_000);
    store.changed.add(say);
    say();
    return () => {
      clearInterval(ping);
      store.changed.delete(say);
    };
  },
};
