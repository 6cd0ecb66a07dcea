import type { Template } from "../src/api/generated";
import type { Store } from "./store";
import { addVersion, groups, importLine, keepFiles } from "./templating";

const organization = "11111111-1111-4111-8111-111111111111";
const day = 86_400_000;

const readme = `---
display_name: Docker container
tags: [docker, container]
---
# Docker container

A workspace in a **container** on the Docker host of this server. The home directory is a volume and
stays when the workspace is stopped. <!-- nobody reads this -->

## What you get

- Ubuntu 24.04 with \`git\`, \`curl\` and *build-essential*
- [code-server](https://coder.example/code-server) in the browser
- ~~Python 2~~ Python 3.12

| Part | Kept on stop | Size |
|:-----|:------------:|-----:|
| \`/home/coder\` | yes | 20 GiB |
| The rest | no | – |

1. Pick a region.
2. Press **Create**.

\`\`\`sh
docker ps --filter label=coder.workspace
docker volume ls
\`\`\`

> The image is built anew every night.

- [x] works offline
- [ ] has a GPU

![Picture of elsewhere](https://pictures.example/a.png) <img src=x onerror="alert(1)">
<script>alert("README")</script>
[do not](javascript:alert(1)) follow.
`;

const main = (image: string, more = "") => `terraform {
  required_providers {
    coder  = { source = "coder/coder" }
    docker = { source = "kreuzwerker/docker" }
  }
}

variable "registry" {
  type    = string
  default = "docker.io"
}

data "coder_parameter" "region" {
  name    = "region"
  default = "eu-central"
}

resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}

resource "docker_container" "workspace" {
  image = "\${var.registry}/${image}"
  name  = "coder-\${data.coder_workspace.me.id}"
}
${more}`;

const volume = `
resource "docker_volume" "home" {
  name = "home-\${data.coder_workspace.me.id}"
}
`;

/** complete gives a template of the seed what every template of the server has. */
function complete(store: Store, template: Template, fields: Partial<Template>) {
  const defaults: Partial<Template> = {
    active_user_count: 0,
    allow_user_autostart: true,
    allow_user_autostop: true,
    allow_user_cancel_workspace_jobs: true,
    activity_bump_ms: 3_600_000,
    cors_behavior: "simple",
    created_by_id: store.users[0]!.id,
    created_by_name: store.users[0]!.username,
    default_ttl_ms: 0,
    deleted: false,
    deprecated: false,
    deprecation_message: "",
    description: "",
    icon: "",
    max_port_share_level: "public",
    organization_name: "default",
    organization_display_name: "Default",
    organization_icon: "",
    provisioner: "terraform",
    require_active_version: false,
    use_classic_parameter_flow: false,
  };
  Object.assign(template, defaults, fields);
}

/** seedTemplating fills in versions, files and rights of the templates of the seed. */
export function seedTemplating(store: Store, add: (name: string, title: string) => Template) {
  const [alice, bob] = store.users as [(typeof store.users)[0], (typeof store.users)[0]];
  const docker = store.templates[0]!;
  const vm = store.templates[1]!;
  complete(store, docker, { description: "Ubuntu in a container on the server's Docker host.", active_user_count: 2 });
  complete(store, vm, {
    description: "A virtual machine in eu-central-1, with a disk that stays.",
    active_user_count: 1,
  });
  const old = add("kubernetes-old", "Kubernetes (old)");
  complete(store, old, {
    description: "A pod in the old cluster.",
    deprecated: true,
    deprecation_message: "The old cluster goes away in December. Use “Docker container”.",
  });
  const odd = add("odd", "<b>Odd</b>\u202e name\u001b[31m");
  complete(store, odd, {
    description: '<script>alert("description")</script> '.repeat(5),
    icon: "javascript:alert(1)",
  });

  const first = keepFiles(store, {
    "main.tf": main("ubuntu:22.04"),
    "README.md": "# Docker container\n",
    "scripts/setup.sh": "#!/bin/sh\napt-get install -y git\n",
    "old.tf": "# to be removed\n",
  });
  const second = keepFiles(store, {
    "main.tf": main("ubuntu:24.04", volume),
    "README.md": readme,
    "scripts/setup.sh": "#!/bin/sh\nset -eu\napt-get install -y git curl\n",
    "scripts/nested/deep/check.sh": "#!/bin/sh\ntrue\n",
    "logo.png": new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 3]),
  });
  const third = keepFiles(store, {
    "main.tf": main("ubuntu:24.04", 'resource "docker_image" {\n'),
    "README.md": readme,
  });
  addVersion(store, {
    template: docker,
    file: first,
    name: "brave_noether1",
    by: alice,
    message: "First try",
    age: 9 * day,
  });
  const active = addVersion(store, {
    template: docker,
    file: second,
    id: docker.active_version_id,
    name: "bold_ferris4",
    by: alice,
    message: "Ubuntu 24.04, and a volume for the home directory\n\nPeople asked for it.",
    readme,
    age: 2 * day,
  });
  for (const line of ["Initializing provider plugins...", "Plan: 3 to add, 0 to change, 0 to destroy."]) {
    importLine(store, active.id, "Planning Infrastructure", line);
  }
  const failed = addVersion(store, {
    template: docker,
    file: third,
    name: "calm_euler7",
    by: bob,
    message: "Pull the image first",
    age: day,
    status: "failed",
  });
  failed.job.error =
    "terraform plan: exit status 1: main.tf line 34: Missing name for resource: All resource blocks must have 2 labels (type, name).";
  importLine(store, failed.id, "Parsing template parameters", "Error: Missing name for resource", "error");
  importLine(store, failed.id, "Parsing template parameters", "\u001b[31m<b>main.tf line 34</b>\u001b[0m", "error");
  const ready = addVersion(store, {
    template: docker,
    file: second,
    name: "swift_hopper2",
    by: bob,
    age: 3_600_000,
    readme,
  });
  addVersion(store, { template: docker, file: first, name: "shelved_gauss3", by: bob, age: 5 * day }).archived = true;
  for (const template of [vm, old, odd]) {
    const version = addVersion(store, { template, file: first, name: "first_kepler1", by: bob, age: 30 * day });
    template.active_version_id = version.id;
  }
  const variable = (name: string, type: string, value: string, more: object = {}) => ({
    name,
    type,
    value,
    default_value: "",
    description: "",
    required: false,
    sensitive: false,
    ...more,
  });
  for (const version of [active, ready]) {
    store.templating.variables.set(version.id, [
      variable("registry", "string", "docker.io", {
        default_value: "docker.io",
        description: "Where images come from.",
      }),
      variable("registry_password", "string", "", { sensitive: true, required: true }),
      variable("gpu", "bool", "false", { default_value: "false" }),
      variable("labels", "map(string)", '{"team":"platform"}', { default_value: "{}" }),
    ]);
  }
  store.templating.acl.set(docker.id, {
    group: [{ ...groups()[0]!, id: organization, role: "use" }],
    users: [{ ...bob, role: "admin" }],
  });
}
