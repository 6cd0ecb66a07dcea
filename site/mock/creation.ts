import { randomUUID } from "node:crypto";
import type { DynamicParametersResponse, ParameterValue, TemplateVersion, User } from "../src/api/generated";
import { newBuild } from "./builds";
import { type Handlers, invalid, notFound, Refusal, type Sockets } from "./handler";
import { addWorkspace } from "./seed";
import type { Store } from "./store";

/** evaluated are the parameters with inputs, and what is wrong with them. */
export function evaluated(store: Store, inputs: Record<string, string>, id: number): DynamicParametersResponse {
  const parameters = store.creation.parameters(inputs).map((p) => {
    const given = inputs[p.name];
    const value = given === undefined ? p.value : { value: given, valid: true };
    const wrong = (detail: string, code = "") => [
      { severity: "error", summary: "The value is not allowed.", detail, extra: { code } },
    ];
    const limit = p.validations?.[0];
    let diagnostics = p.diagnostics ?? [];
    if (!value.valid) diagnostics = wrong(`Parameter "${p.name}" has no default.`, "required");
    else if (p.type === "number" && !/^-?\d+$/.test(value.value)) diagnostics = wrong("it is no number");
    else if (limit?.validation_max != null && Number(value.value) > limit.validation_max)
      diagnostics = wrong(`${value.value} is above the maximum of ${limit.validation_max}`);
    else if (p.form_type === "radio" && !p.options?.some((o) => o.value.value === value.value))
      diagnostics = wrong(`"${value.value}" is not one of the options`);
    return { ...p, value, diagnostics };
  });
  return { id, diagnostics: [], parameters };
}

/** Only who may make workspaces for others may ask in their name. */
const mayAskFor = (user: User, owner: string | undefined) =>
  !owner || owner === user.id || Boolean(user.roles?.some((r) => r.name === "owner"));

function check(store: Store, given: ParameterValue[], before: Record<string, string> = {}) {
  const inputs = { ...before, ...Object.fromEntries(given.map((v) => [v.name, v.value])) };
  for (const p of evaluated(store, inputs, 0).parameters ?? []) {
    const error = p.diagnostics?.[0];
    if (error) throw invalid("rich_parameter_values", `parameter "${p.name}": ${error.detail}`);
  }
  return inputs;
}

const versionOf = (name: string, days: number, id: string): TemplateVersion => ({
  id,
  name,
  message: "",
  readme: "",
  archived: false,
  has_external_agent: false,
  organization_id: "11111111-1111-4111-8111-111111111111",
  created_at: new Date(Date.now() - days * 86_400_000).toISOString(),
  updated_at: new Date(Date.now() - days * 86_400_000).toISOString(),
  created_by: { id: randomUUID(), username: "alice" },
  job: { status: "succeeded" } as TemplateVersion["job"],
});

export const creation: Handlers = {
  "GET /api/v2/organizations/{organization}/templates/{templatename}": ({ store, path }) => {
    const found = store.templates.find((t) => t.name === path.templatename);
    if (!found) throw notFound("Template");
    return found;
  },
  "GET /api/v2/templates/{template}/versions": () => [
    versionOf("bold_ferris4", 1, "33333333-3333-4333-8333-333333333333"),
    versionOf("old_tesla9", 30, "33333333-3333-4333-8333-333333333330"),
  ],
  "GET /api/v2/templateversions/{templateversion}": () =>
    versionOf("bold_ferris4", 1, "33333333-3333-4333-8333-333333333333"),
  "GET /api/v2/templateversions/{templateversion}/presets": ({ store }) => store.creation.presets,
  "GET /api/v2/templateversions/{templateversion}/external-auth": ({ store }) => {
    if (!store.creation.auth) throw notFound("Version");
    return store.creation.auth;
  },
  "GET /api/v2/templateversions/{templateversion}/resources": ({ store }) => {
    if (!store.creation.cost) throw notFound("Version");
    return [
      {
        id: randomUUID(),
        address: "docker_container.workspace",
        agents: [],
        created_at: new Date().toISOString(),
        daily_cost: store.creation.cost,
        hide: false,
        icon: "",
        job_id: randomUUID(),
        metadata: [],
        name: "workspace",
        persistent: false,
        type: "docker_container",
        workspace_transition: "start",
      },
    ];
  },
  "GET /api/v2/organizations/{organization}/members/{user}/workspace-quota": ({ store }) => store.creation.quota,
  "GET /api/v2/organizations/{organization}/members": ({ store }) =>
    store.users.map(({ id, roles: _, ...u }) => ({
      ...u,
      avatar_url: u.avatar_url ?? "",
      user_id: id,
      name: u.name ?? "",
      organization_id: "11111111-1111-4111-8111-111111111111",
      roles: [],
      global_roles: [],
      user_created_at: u.created_at,
      user_updated_at: u.updated_at,
    })),
  "POST /api/v2/templateversions/{templateversion}/dynamic-parameters/evaluate": ({ store, body, user }) => {
    if (!mayAskFor(user, body.owner_id)) throw notFound("User");
    store.creation.asked.request++;
    return evaluated(store, body.inputs ?? {}, body.id ?? 0);
  },
  "POST /api/v2/organizations/{organization}/members/{user}/workspaces": ({ store, path, body, user }) => {
    const owner = store.users.find((u) => u.id === path.user || u.username === path.user);
    if (!owner) throw notFound("User");
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/i.test(body.name)) throw invalid("name", "use letters, digits and single hyphens.");
    if (store.workspaces.some((w) => w.owner_id === owner.id && w.name === body.name)) {
      const message = `${owner.username} has a workspace ${body.name} already.`;
      throw new Refusal(409, { code: "conflict", message, validations: [{ field: "name", detail: message }] });
    }
    const values = check(store, body.rich_parameter_values ?? []);
    const template = store.templates.find((t) => t.active_version_id === body.template_version_id);
    const made = addWorkspace(store, owner, template ?? store.templates[0]!, body.name, "stopped", 0);
    store.builds = store.builds.filter((b) => b.workspace_id !== made.id);
    store.creation.values.set(made.id, values);
    newBuild(store, made, "start", user.username);
    return made;
  },
};

export const creationSockets: Sockets = {
  "GET /api/v2/templateversions/{templateversion}/dynamic-parameters": ({ store, send, raw, query, user }) => {
    if (store.creation.silent || !mayAskFor(user, query.user_id)) {
      raw.close(1011, "no");
      return () => {};
    }
    send(evaluated(store, {}, -1));
    raw.on("message", (data) => {
      const { id, inputs } = JSON.parse(String(data)) as { id: number; inputs?: Record<string, string> };
      store.creation.asked.socket++;
      send(evaluated(store, inputs ?? {}, id));
    });
    return () => {};
  },
};

export { check as checkValues };
