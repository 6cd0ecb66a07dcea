import { randomUUID } from "node:crypto";
import type {
  ProvisionerJobLog,
  Template,
  TemplateACL,
  TemplateVersion,
  TemplateVersionVariable,
} from "../src/api/generated";
import { writeTar } from "../src/lib/tar";
import { mockMay } from "./authcheck";
import { type Call, type Handlers, invalid, notFound, Refusal, type Sockets } from "./handler";
import { type Store, touch } from "./store";

/** What the mock knows of templates beside the templates themselves. */
export interface TemplatingStore {
  versions: TemplateVersion[];
  archives: Map<string, Blob>;
  importLogs: Map<string, ProvisionerJobLog[]>;
  variables: Map<string, TemplateVersionVariable[]>;
  acl: Map<string, TemplateACL>;
  /** How long an import takes, in milliseconds. */
  importTime: number;
}

export const newTemplating = (): TemplatingStore => ({
  versions: [],
  archives: new Map(),
  importLogs: new Map(),
  variables: new Map(),
  acl: new Map(),
  importTime: 300,
});

/** keepFiles stores an archive and returns its id. */
export function keepFiles(store: Store, files: Record<string, string | Uint8Array>): string {
  const id = randomUUID();
  const bytes = writeTar(Object.entries(files).map(([name, content]) => ({ name, content })));
  store.templating.archives.set(id, new Blob([bytes], { type: "application/x-tar" }));
  return id;
}

interface NewVersion {
  template: Template;
  file: string;
  name: string;
  by: { id: string; username: string };
  message?: string;
  readme?: string;
  id?: string;
  age?: number;
  status?: TemplateVersion["job"]["status"];
}

/** addVersion puts a version into the store; it is imported already unless status says otherwise. */
export function addVersion(store: Store, v: NewVersion): TemplateVersion {
  const at = new Date(Date.now() - (v.age ?? 0)).toISOString();
  const status = v.status ?? "succeeded";
  const done = status === "succeeded" || status === "failed";
  const version: TemplateVersion = {
    id: v.id ?? randomUUID(),
    template_id: v.template.id,
    organization_id: v.template.organization_id,
    name: v.name,
    message: v.message ?? "",
    readme: v.readme ?? "",
    archived: false,
    has_external_agent: false,
    created_at: at,
    updated_at: at,
    created_by: { id: v.by.id, username: v.by.username },
    job: {
      id: randomUUID(),
      created_at: at,
      ...(done ? { started_at: at, completed_at: at } : {}),
      file_id: v.file,
      initiator_id: v.by.id,
      organization_id: v.template.organization_id,
      input: {},
      logs_overflowed: false,
      queue_position: 0,
      queue_size: 0,
      status,
      tags: { scope: "organization", owner: "" },
      type: "template_version_import",
    },
  };
  store.templating.versions.push(version);
  store.templating.importLogs.set(version.id, []);
  return version;
}

export function importLine(
  store: Store,
  version: string,
  stage: string,
  text: string,
  level: ProvisionerJobLog["log_level"] = "info",
) {
  const log = store.templating.importLogs.get(version)!;
  log.push({
    id: log.length + 1,
    created_at: new Date().toISOString(),
    log_source: "provisioner",
    stage,
    log_level: level,
    output: text,
  });
}

/** runImport plays the import of a version that was just made. */
function runImport(store: Store, version: TemplateVersion) {
  const later = (part: number, run: () => void) =>
    setTimeout(() => {
      run();
      touch(store);
    }, store.templating.importTime * part);
  later(0.2, () => {
    version.job = { ...version.job, status: "running", started_at: new Date().toISOString() };
    importLine(store, version.id, "Initializing Terraform Directory", "Initializing provider plugins...");
  });
  later(1, () => {
    importLine(store, version.id, "Detecting resources", "Plan: 3 to add, 0 to change, 0 to destroy.");
    version.job = { ...version.job, status: "succeeded", completed_at: new Date().toISOString() };
  });
}

const nameOK = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

function templateOf(store: Store, id: string) {
  const found = store.templates.find((t) => t.id === id);
  if (!found) throw notFound("Template");
  return found;
}

function versionOf(store: Store, id: string) {
  const found = store.templating.versions.find((v) => v.id === id);
  if (!found) throw notFound("Template version");
  return found;
}

/** mayEdit refuses as the server does whoever may not change the template. */
function mayEdit({ user }: Pick<Call<"GET /api/v2/templates/{template}">, "user">, id: string, action = "update") {
  if (!mockMay(user, { action, object: { resource_type: "template", resource_id: id } })) {
    throw new Refusal(403, { code: "forbidden", message: "You may not do this." });
  }
}

export const templating: Handlers = {
  "GET /api/v2/organizations/{organization}/templates/{templatename}": ({ store, path }) => {
    const found = store.templates.find(
      (t) =>
        t.name === path.templatename && [t.organization_id, t.organization_name, "default"].includes(path.organization),
    );
    if (!found) throw notFound("Template");
    return found;
  },
  "GET /api/v2/templates/{template}": ({ store, path }) => templateOf(store, path.template),
  "PATCH /api/v2/templates/{template}": (call) => {
    const { store, path, body } = call;
    const template = templateOf(store, path.template);
    mayEdit(call, template.id);
    if (body.name !== undefined && !nameOK.test(body.name))
      throw invalid("name", "use lower-case letters, digits and hyphens.");
    if (body.icon && !/^(\/[^/]|https?:\/\/)/.test(body.icon))
      throw invalid("icon", "must be a path that starts with / or an http or https URL.");
    const { disable_everyone_group_access: _, default_ttl_ms: __, ...fields } = body;
    Object.assign(template, fields, { updated_at: new Date().toISOString() });
    template.deprecated = template.deprecation_message !== "";
    return template;
  },
  "DELETE /api/v2/templates/{template}": (call) => {
    const { store, path } = call;
    const template = templateOf(store, path.template);
    mayEdit(call, template.id, "delete");
    const used = store.workspaces.filter((w) => w.template_id === template.id).length;
    if (used > 0) {
      const message = `Template "${template.name}" is used by ${used} workspace(s). Delete them first.`;
      throw new Refusal(409, { code: "conflict", message });
    }
    store.templates = store.templates.filter((t) => t !== template);
    return { message: "Template has been deleted!" };
  },
  "GET /api/v2/templates/{template}/versions": ({ store, path, query }) =>
    store.templating.versions
      .filter((v) => v.template_id === path.template && (query.include_archived === "true" || !v.archived))
      .sort((a, b) => (a.created_at < b.created_at ? 1 : -1))
      .slice(0, Number(query.limit ?? 100)),
  "PATCH /api/v2/templates/{template}/versions": (call) => {
    const { store, path, body } = call;
    const template = templateOf(store, path.template);
    mayEdit(call, template.id);
    const version = versionOf(store, body.id);
    if (version.job.status !== "succeeded") {
      throw invalid("id", `the import of version "${version.name}" is ${version.job.status}.`);
    }
    template.active_version_id = version.id;
    return { message: "Updated the active template version!" };
  },
  "GET /api/v2/templates/{template}/versions/{templateversionname}": ({ store, path }) => {
    const found = store.templating.versions.find(
      (v) => v.template_id === path.template && v.name === path.templateversionname,
    );
    if (!found) throw notFound("Template version");
    return found;
  },
  "GET /api/v2/templateversions/{templateversion}": ({ store, path }) => versionOf(store, path.templateversion),
  "PATCH /api/v2/templateversions/{templateversion}": (call) => {
    const { store, path, body } = call;
    const version = versionOf(store, path.templateversion);
    mayEdit(call, version.template_id ?? "");
    const twin = store.templating.versions.some(
      (v) => v.template_id === version.template_id && v.name === body.name && v !== version,
    );
    if (body.name !== undefined && !/^[\w.-]+$/.test(body.name)) throw invalid("name", "use letters, digits and . _ -");
    if (twin) {
      const message = `The template has a version "${body.name}" already. Choose another name.`;
      throw new Refusal(409, { code: "conflict", message, validations: [{ field: "name", detail: "is taken" }] });
    }
    return Object.assign(version, body);
  },
  "POST /api/v2/templateversions/{templateversion}/archive": (call) => {
    const version = versionOf(call.store, call.path.templateversion);
    mayEdit(call, version.template_id ?? "");
    version.archived = true;
    return { message: "Template version archived!" };
  },
  "POST /api/v2/templateversions/{templateversion}/unarchive": (call) => {
    const version = versionOf(call.store, call.path.templateversion);
    mayEdit(call, version.template_id ?? "");
    version.archived = false;
    return { message: "Template version unarchived!" };
  },
  "PATCH /api/v2/templateversions/{templateversion}/cancel": ({ store, path }) => {
    const version = versionOf(store, path.templateversion);
    version.job = { ...version.job, status: "canceled", completed_at: new Date().toISOString() };
    touch(store);
    return { message: "Job has been marked as canceled..." };
  },
  "POST /api/v2/organizations/{organization}/templateversions": (call) => {
    const { store, body, user } = call;
    const template = templateOf(store, body.template_id ?? "");
    mayEdit(call, template.id);
    const name = body.name || `quick_curie${store.templating.versions.length}`;
    const version = addVersion(store, {
      template,
      file: body.file_id ?? "",
      name,
      by: user,
      message: body.message,
      readme: versionOf(store, template.active_version_id).readme,
      status: "pending",
    });
    const given = new Map((body.user_variable_values ?? []).map((v) => [v.name, v.value]));
    const old = store.templating.variables.get(template.active_version_id) ?? [];
    const values = old.map((v) => ({ ...v, value: v.sensitive ? "" : (given.get(v.name) ?? v.value) }));
    store.templating.variables.set(version.id, values);
    runImport(store, version);
    return version;
  },
  "GET /api/v2/templateversions/{templateversion}/variables": ({ store, path }) =>
    store.templating.variables.get(path.templateversion) ?? [],
  "GET /api/v2/files/{fileID}": ({ store, path, user }) => {
    const found = store.templating.archives.get(path.fileID);
    if (!found || !mockMay(user, { action: "update", object: { resource_type: "template" } })) throw notFound("File");
    return found;
  },
  "GET /api/v2/templates/{template}/acl": (call) => {
    mayEdit(call, call.path.template);
    return call.store.templating.acl.get(call.path.template) ?? { users: [], group: [] };
  },
  "GET /api/v2/templates/{template}/acl/available": (call) => {
    mayEdit(call, call.path.template);
    return { users: call.store.users.map(({ password: _, ...user }) => user), groups: groups() };
  },
  "PATCH /api/v2/templates/{template}/acl": (call) => {
    const { store, path, body } = call;
    mayEdit(call, path.template);
    const acl = store.templating.acl.get(path.template) ?? { users: [], group: [] };
    for (const [id, role] of Object.entries(body.user_perms ?? {})) {
      const user = store.users.find((u) => u.id === id);
      if (!user) throw invalid("user_perms", `"${id}" is no user of the organization.`);
      acl.users = (acl.users ?? []).filter((u) => u.id !== id);
      if (role) acl.users.push({ ...user, role });
    }
    for (const [id, role] of Object.entries(body.group_perms ?? {})) {
      acl.group = (acl.group ?? []).filter((g) => g.id !== id);
      if (role) acl.group.push({ ...groups().find((g) => g.id === id)!, role });
    }
    store.templating.acl.set(path.template, acl);
    return { message: "Successfully updated template ACL list." };
  },
};

/** groups are those that can be given roles on templates. */
export const groups = () =>
  [
    ["11111111-1111-4111-8111-111111111111", "Everyone", "", 3],
    ["77777777-7777-4777-8777-777777777777", "data-science", "Data science", 2],
  ].map(([id, name, title, members]) => ({
    id: String(id),
    name: String(name),
    display_name: String(title),
    avatar_url: "",
    members: [],
    organization_id: "11111111-1111-4111-8111-111111111111",
    organization_name: "default",
    organization_display_name: "Default",
    quota_allowance: 0,
    source: "user",
    total_member_count: Number(members),
  }));

export const templatingSockets: Sockets = {
  "GET /api/v2/templateversions/{templateversion}/logs": ({ store, path, query, send, end }) => {
    const version = versionOf(store, path.templateversion);
    let last = Number(query.after ?? 0);
    const say = () => {
      for (const line of store.templating.importLogs.get(version.id) ?? []) {
        if (line.id <= last) continue;
        last = line.id;
        send(line);
      }
      if (version.job.completed_at) end();
    };
    store.changed.add(say);
    say();
    return () => void store.changed.delete(say);
  },
};
