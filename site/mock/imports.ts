import { randomUUID } from "node:crypto";
import type {
  DynamicParametersResponse,
  ProvisionerJob,
  Template,
  TemplateVersion,
  WorkspaceResource,
} from "../src/api/generated";
import { readFiles } from "../src/lib/archive";
import { type TarInput, writeTar } from "../src/lib/tar";
import { starters } from "./examples";
import { type Handlers, invalid, notFound, Refusal, type Sockets } from "./handler";
import type { Imported } from "./importstore";
import { type Store, touch } from "./store";

// Archives, and versions that are made of them: as much of Terraform as the pages need.

export const organization = "11111111-1111-4111-8111-111111111111";

function find(store: Store, id: string): Imported {
  const found = store.imports.versions.get(id);
  if (!found) throw notFound("Template version");
  return found;
}

function update(store: Store, one: Imported, job: Partial<ProvisionerJob>) {
  one.version = { ...one.version, job: { ...one.version.job, ...job } };
  touch(store);
}

function say(store: Store, one: Imported, level: "info" | "warn" | "error", ...texts: string[]) {
  for (const output of texts) {
    one.log.push({
      id: one.log.length + 1,
      created_at: new Date().toISOString(),
      log_source: "provisioner",
      stage: "Planning",
      log_level: level,
      output,
    });
  }
  touch(store);
}

/** run imports: variables without a value and the argument "oss" make it fail, as Terraform would. */
async function run(store: Store, one: Imported) {
  const files = await readFiles(new Uint8Array(await store.imports.files.get(one.version.job.file_id)!.arrayBuffer()));
  const code = files.filter((f) => f.name.endsWith(".tf"));
  const names = (pattern: RegExp) => code.flatMap((f) => [...(f.text ?? "").matchAll(pattern)].map((m) => m.slice(1)));
  const declared = names(/variable "(\w+)" \{([^}]*)\}/g) as [string, string][];
  const missing = declared.filter(([n, body]) => !body.includes("default") && !one.values[n]).map(([n]) => n);
  one.variables = declared.map(([name, body]) => ({
    name,
    description: "",
    type: "string",
    default_value: "",
    required: !body.includes("default"),
    sensitive: body.includes("sensitive"),
    value: body.includes("sensitive") ? "" : (one.values[name] ?? ""),
  }));
  one.resources = names(/resource "(\w+)" "(\w+)"/g).map((m) => m.join("."));
  one.parameters = names(/data "coder_parameter" "(\w+)"/g).map((m) => m[0]!);
  if (missing.length > 0) {
    one.variables = [];
    const error = `The template needs values for these variables: ${missing.sort().join(", ")}.`;
    return update(store, one, { status: "failed", error, error_code: "REQUIRED_TEMPLATE_VARIABLES" });
  }
  for (const file of code) {
    const line = (file.text ?? "").split("\n").findIndex((l) => /\boss\b/.test(l));
    if (line < 0) continue;
    const detail = 'An argument named "oss" is not expected here. Did you mean "os"?';
    say(store, one, "error", "Error: Unsupported argument", `  on ${file.name} line ${line + 1}, in resource "x" "y":`);
    say(store, one, "error", `    ${line + 1}:   oss = "linux"`, "", detail);
    return update(store, one, {
      status: "failed",
      error: `${file.name} line ${line + 1}: Unsupported argument: ${detail}`,
    });
  }
  say(store, one, "info", `Plan: ${one.resources.length} to add, 0 to change, 0 to destroy.`);
  update(store, one, { status: "succeeded" });
}

/** importVersion puts a version into the store; later its import runs by itself. */
export function importVersion(store: Store, file: Blob, given: Partial<TemplateVersion>, by = "alice"): Imported {
  const at = new Date().toISOString();
  const fileID = randomUUID();
  const id = randomUUID();
  store.imports.files.set(fileID, file);
  const job: ProvisionerJob = {
    id: randomUUID(),
    created_at: at,
    file_id: fileID,
    initiator_id: randomUUID(),
    organization_id: organization,
    input: { template_version_id: id },
    logs_overflowed: false,
    queue_position: 1,
    queue_size: 1,
    status: "pending",
    tags: { scope: "organization", owner: "" },
    type: "template_version_import",
  };
  const version: TemplateVersion = {
    id,
    name: `brave_otter${store.imports.versions.size}`,
    message: "",
    readme: "",
    archived: false,
    created_at: at,
    updated_at: at,
    created_by: { id: randomUUID(), username: by, avatar_url: "" },
    has_external_agent: false,
    organization_id: organization,
    matched_provisioners: { count: 1, available: 1 },
    job,
    ...given,
  };
  const one: Imported = { version, values: {}, log: [], variables: [], resources: [], parameters: [] };
  store.imports.versions.set(id, one);
  return one;
}

function start(store: Store, one: Imported) {
  const step = () => {
    if (one.version.job.status === "canceled") return;
    if (one.version.job.status === "pending") {
      update(store, one, { status: "running", started_at: new Date().toISOString(), queue_position: 0, queue_size: 0 });
      say(store, one, "info", "Initializing the backend...", "Terraform has been successfully initialized!");
    } else if (!store.imports.held) {
      void run(store, one).then(() => update(store, one, { completed_at: new Date().toISOString() }));
      return;
    }
    setTimeout(step, store.imports.held ? 20 : store.imports.time / 2);
  };
  setTimeout(step, store.imports.time / 2);
}

/** addEditable puts a template with files into the store, as one that was pushed before. */
export async function addEditable(store: Store, name: string, files: readonly TarInput[]): Promise<Template> {
  const id = randomUUID();
  const tar = new Blob([writeTar(files)], { type: "application/x-tar" });
  const one = importVersion(store, tar, { name: "calm_heron1", template_id: id });
  await run(store, one);
  update(store, one, { completed_at: new Date().toISOString() });
  const template = {
    id,
    name,
    display_name: "",
    description: "",
    icon: "",
    organization_id: organization,
    organization_name: "default",
    active_version_id: one.version.id,
    created_at: one.version.created_at,
    updated_at: one.version.created_at,
  } as Template;
  store.templates.push(template);
  return template;
}

const byName = (store: Store, name: string) => {
  // Only those that were made here: others may have rules of their own.
  const made = new Set([...store.imports.versions.values()].map((v) => v.version.template_id));
  const found = store.templates.find((t) => t.name === name && made.has(t.id));
  if (!found) throw notFound("Template");
  return found;
};

function evaluated(one: Imported): DynamicParametersResponse {
  return {
    id: 0,
    diagnostics: [],
    parameters: one.parameters.map((name, order) => ({
      name,
      display_name: "",
      description: `What ${name} is for.`,
      type: "string",
      form_type: "dropdown",
      mutable: false,
      ephemeral: false,
      required: false,
      icon: "",
      order,
      default_value: { valid: true, value: "a" },
      value: { valid: true, value: "a" },
      diagnostics: [],
      validations: [],
      styling: {},
      options: ["a", "b"].map((v) => ({
        name: `Choice ${v}`,
        description: "",
        icon: "",
        value: { valid: true, value: v },
      })),
    })),
  };
}

function resources(one: Imported): WorkspaceResource[] {
  return one.resources.map((address) => ({
    id: randomUUID(),
    address,
    type: address.split(".")[0]!,
    name: address.split(".")[1]!,
    persistent: address.includes("volume"),
    agents: [],
    metadata: [],
    created_at: one.version.created_at,
    daily_cost: 0,
    hide: false,
    icon: "",
    job_id: one.version.job.id,
    workspace_transition: "start",
  }));
}

export const imports: Handlers = {
  "GET /api/v2/templates/examples": () => starters,
  "POST /api/v2/files": ({ store, body }) => {
    if (!["application/x-tar", "application/zip"].includes(body.type)) {
      throw new Refusal(415, {
        code: "unsupported_type",
        message: "Archives must have the content type application/x-tar or application/zip.",
      });
    }
    if (body.size === 0) throw invalid("file", "the archive is empty.");
    const hash = randomUUID();
    store.imports.files.set(hash, body);
    return { hash };
  },
  "GET /api/v2/files/{fileID}": ({ store, path }) => {
    const file = store.imports.files.get(path.fileID);
    if (!file) throw notFound("File");
    return file;
  },
  "POST /api/v2/organizations/{organization}/templateversions": ({ store, body, user }) => {
    const starter = starters.find((s) => s.id === body.example_id);
    const file = starter
      ? new Blob([writeTar([{ name: "main.tf", content: `resource "${starter.id}" "workspace" {}\n` }])], {
          type: "application/x-tar",
        })
      : store.imports.files.get(body.file_id ?? "");
    if (!file) throw notFound("File");
    const given: Partial<TemplateVersion> = { message: body.message ?? "", template_id: body.template_id };
    const one = importVersion(store, file, given, user.username);
    one.values = Object.fromEntries((body.user_variable_values ?? []).map((v) => [v.name, v.value]));
    one.version.job.tags = { ...one.version.job.tags, ...body.tags };
    if (body.tags?.site === "moon") {
      one.version.matched_provisioners = { count: 0, available: 0 };
      one.version.job.queue_note = "No provisioner of the organization has the tags site=moon.";
    } else start(store, one);
    return one.version;
  },
  "POST /api/v2/organizations/{organization}/templates": ({ store, body }) => {
    const name = body.name;
    if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name))
      throw invalid("name", "use lower-case letters, digits and hyphens.");
    if (store.templates.some((t) => t.name === name)) {
      const detail = `the organization has a template ${name} already.`;
      throw new Refusal(409, { code: "conflict", message: detail, validations: [{ field: "name", detail }] });
    }
    const one = find(store, body.template_version_id);
    const at = new Date().toISOString();
    const template = {
      id: randomUUID(),
      name,
      display_name: body.display_name ?? "",
      description: body.description ?? "",
      icon: body.icon ?? "",
      organization_id: organization,
      organization_name: "default",
      active_version_id: one.version.id,
      created_at: at,
      updated_at: at,
    } as Template;
    one.version.template_id = template.id;
    store.templates.push(template);
    return template;
  },
  "GET /api/v2/organizations/{organization}/templates/{templatename}": ({ store, path }) =>
    byName(store, path.templatename),
  "GET /api/v2/organizations/{organization}/templates/{templatename}/versions/{templateversionname}": ({
    store,
    path,
  }) => {
    const template = byName(store, path.templatename);
    const found = [...store.imports.versions.values()].find(
      ({ version: v }) => v.template_id === template.id && v.name === path.templateversionname,
    );
    if (!found) throw notFound("Template version");
    return found.version;
  },
  "GET /api/v2/templateversions/{templateversion}": ({ store, path }) => find(store, path.templateversion).version,
  "PATCH /api/v2/templateversions/{templateversion}": ({ store, path, body }) => {
    const one = find(store, path.templateversion);
    if (body.name === "taken") throw invalid("name", "another version has it.");
    one.version = { ...one.version, name: body.name || one.version.name, message: body.message ?? one.version.message };
    return one.version;
  },
  "PATCH /api/v2/templateversions/{templateversion}/cancel": ({ store, path }) => {
    const one = find(store, path.templateversion);
    update(store, one, { status: "canceled", completed_at: new Date().toISOString() });
    return { message: "Cancelled." };
  },
  "GET /api/v2/templateversions/{templateversion}/variables": ({ store, path }) =>
    find(store, path.templateversion).variables,
  "GET /api/v2/templateversions/{templateversion}/resources": ({ store, path }) =>
    resources(find(store, path.templateversion)),
  "POST /api/v2/templateversions/{templateversion}/dynamic-parameters/evaluate": ({ store, path }) =>
    evaluated(find(store, path.templateversion)),
  "PATCH /api/v2/templates/{template}/versions": ({ store, path, body }) => {
    find(store, body.id);
    const template = store.templates.find((t) => t.id === path.template);
    if (!template) throw notFound("Template");
    template.active_version_id = body.id;
    return { message: "The version is active." };
  },
};

export const importSockets: Sockets = {
  "GET /api/v2/templateversions/{templateversion}/logs": ({ store, path, query, send, end }) => {
    const one = find(store, path.templateversion);
    let last = Number(query.after ?? 0);
    const tell = () => {
      for (const line of one.log) {
        if (line.id <= last) continue;
        last = line.id;
        send(line);
      }
      if (one.version.job.completed_at) end();
    };
    store.changed.add(tell);
    tell();
    return () => void store.changed.delete(tell);
  },
};
