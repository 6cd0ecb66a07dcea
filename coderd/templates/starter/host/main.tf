terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

variable "directory" {
  description = "Where workspaces are kept on the provisioner's host: an absolute path that its user can write to. Empty means the data directory of the provisioner."
  type        = string
  default     = ""
}

data "coder_provisioner" "me" {}
data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}

data "coder_parameter" "shell" {
  name         = "shell"
  display_name = "Shell"
  description  = "The shell of terminals and ssh sessions."
  default      = "/bin/bash"
  mutable      = true

  option {
    name  = "bash"
    value = "/bin/bash"
  }
  option {
    name  = "sh"
    value = "/bin/sh"
  }
}

resource "coder_agent" "main" {
  os   = "linux"
  arch = data.coder_provisioner.me.arch == "arm" ? "armv7" : data.coder_provisioner.me.arch

  env = {
    GIT_AUTHOR_NAME     = coalesce(data.coder_workspace_owner.me.full_name, data.coder_workspace_owner.me.name)
    GIT_AUTHOR_EMAIL    = data.coder_workspace_owner.me.email
    GIT_COMMITTER_NAME  = coalesce(data.coder_workspace_owner.me.full_name, data.coder_workspace_owner.me.name)
    GIT_COMMITTER_EMAIL = data.coder_workspace_owner.me.email
  }

  metadata {
    key          = "load"
    display_name = "Load average of the host"
    script       = "cut -d' ' -f1-3 /proc/loadavg"
    interval     = 30
    timeout      = 5
  }
}

# The workspace's directory. It stays when the workspace stops and goes when the
# workspace is deleted.
resource "terraform_data" "home" {
  input = {
    id        = data.coder_workspace.me.id
    directory = var.directory
  }

  provisioner "local-exec" {
    environment = self.input
    command     = <<-EOT
      set -eu
      umask 077
      root="$${directory:-$${XDG_DATA_HOME:-$(eval echo "~$(id -un)")/.local/share}/coder-workspaces}"
      mkdir -p "$root/$id/home"
      chmod 700 "$root/$id"
    EOT
  }

  provisioner "local-exec" {
    when        = destroy
    environment = self.input
    command     = <<-EOT
      set -eu
      root="$${directory:-$${XDG_DATA_HOME:-$(eval echo "~$(id -un)")/.local/share}/coder-workspaces}"
      rm -rf "$root/$${id:?}"
    EOT
  }
}

# The agent's process. It is detached from Terraform: a session of its own, and no
# open descriptor of it. Whatever runs in the workspace inherits HOST_WORKSPACE,
# which is how all of it is found when the workspace stops.
resource "terraform_data" "agent" {
  count = data.coder_workspace.me.start_count

  input            = terraform_data.home.output
  triggers_replace = [coder_agent.main.token, data.coder_parameter.shell.value]

  provisioner "local-exec" {
    environment = {
      id          = self.input.id
      directory   = self.input.directory
      token       = coder_agent.main.token
      init_script = coder_agent.main.init_script
      user_shell  = data.coder_parameter.shell.value
    }
    command = <<-EOT
      set -eu
      umask 077
      root="$${directory:-$${XDG_DATA_HOME:-$(eval echo "~$(id -un)")/.local/share}/coder-workspaces}"
      dir="$root/$id"
      mkdir -p "$dir/home" "$dir/run" "$root/bin" "$dir/tmp"
      for old in $(grep -lsF "HOST_WORKSPACE=$id" /proc/[0-9]*/environ | cut -d/ -f3); do
        kill -KILL "$old" 2>/dev/null || true
      done
      printf '%s' "$init_script" >"$dir/run/init.sh"
      printf '%s' "$token" >"$dir/run/token"
      printf '%s\n' \
        'CODER_AGENT_TOKEN=$(cat "$RUN/token")' \
        'rm -f "$RUN/token"' \
        'export CODER_AGENT_TOKEN' \
        'cd "$HOME"' \
        'exec sh "$RUN/init.sh"' >"$dir/run/start.sh"
      [ -x "$user_shell" ] || user_shell=/bin/sh
      user=$(id -un 2>/dev/null) || user=$(id -u)
      cd "$dir"
      setsid env -i HOST_WORKSPACE="$id" RUN="$dir/run" BINARY_DIR="$root/bin" \
        HOME="$dir/home" TMPDIR="$dir/tmp" PATH="$PATH" USER="$user" LOGNAME="$user" \
        SHELL="$user_shell" LANG="$${LANG:-C.UTF-8}" \
        $${SSL_CERT_FILE:+"SSL_CERT_FILE=$SSL_CERT_FILE"} \
        sh "$dir/run/start.sh" </dev/null >"$dir/run/agent.log" 2>&1 &
      echo $! >"$dir/run/pid"
    EOT
  }

  provisioner "local-exec" {
    when        = destroy
    environment = self.input
    command     = <<-EOT
      set -u
      root="$${directory:-$${XDG_DATA_HOME:-$(eval echo "~$(id -un)")/.local/share}/coder-workspaces}"
      running() { grep -lsF "HOST_WORKSPACE=$${id:?}" /proc/[0-9]*/environ | cut -d/ -f3; }
      agent=$(cat "$root/$id/run/pid" 2>/dev/null || echo none)
      alive() { grep -qsF "HOST_WORKSPACE=$id" "/proc/$agent/environ"; }
      # The agent first, so that it can run its shutdown scripts; then the rest.
      # The number is trusted only if that process carries the workspace's mark.
      if alive; then
        kill -TERM "$agent"
        # Usually it is gone at once: 20 short looks, then longer ones, 10 s in all.
        i=0
        while [ $i -lt 115 ] && alive; do
          if [ $i -lt 20 ]; then sleep 0.03; else sleep 0.1; fi
          i=$((i + 1))
        done
      fi
      for left in $(running); do
        kill -KILL "$left" 2>/dev/null || true
      done
      rm -f "$root/$id/run/pid"
    EOT
  }
}

resource "coder_metadata" "home" {
  resource_id = terraform_data.home.id
  icon        = "/icon/folder.svg"

  item {
    key   = "directory"
    value = var.directory == "" ? "data directory of the provisioner" : var.directory
  }
}
