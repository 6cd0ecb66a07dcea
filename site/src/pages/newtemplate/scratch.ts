import type { TarInput } from "@/lib/tar";

const main = `terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}

resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}

# What the agent runs in. Put a container or a machine here: it has to run
# coder_agent.main.init_script with CODER_AGENT_TOKEN = coder_agent.main.token.
resource "terraform_data" "workspace" {
  count = data.coder_workspace.me.start_count
  input = coder_agent.main.id
}
`;

const readme = `# My template

Say here what a workspace of this template is for, and what it needs.
`;

/** scratch is the least that a template is made of. */
export const scratch: readonly TarInput[] = [
  { name: "main.tf", content: main },
  { name: "README.md", content: readme },
];
