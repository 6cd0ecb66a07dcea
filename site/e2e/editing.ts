import { addEditable } from "../mock/imports";
import { seed } from "../mock/seed";
import type { Store } from "../mock/store";

export const mainTf = `terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}

# Where the machine stands.
data "coder_parameter" "region" {
  type    = "string"
  default = "eu-\${local.zone}"
}

resource "coder_agent" "main" {
  os             = "linux"
  startup_script = <<-EOT
    echo "hello \${data.coder_workspace.me.name}"
  EOT
}

resource "docker_volume" "home" {
  count = true ? 1 : 0
}
`;

/** editable is a deployment with the template "edited", whose files have everything in them. */
export async function editable(store: Store = seed()): Promise<Store> {
  await addEditable(store, "edited", [
    { name: "main.tf", content: mainTf },
    { name: "README.md", content: "# Edited\n\nA `template` to **edit**.\r\n" },
    { name: "build/Dockerfile", content: "FROM debian:13\nRUN apt-get update\n" },
    { name: "build/scripts/start.sh", content: "#!/bin/sh\necho hi\n", executable: true },
    { name: "img/logo.png", content: new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 255]) },
    { name: "data/large.txt", content: "0123456789abcdef".repeat(50_000) },
    { name: "odd/<img src=x onerror=alert(1)>.tf", content: "# \u001b[31m<script>\u202e\n" },
  ]);
  return store;
}

export const editor = "/templates/default/edited/versions/calm_heron1/edit";
