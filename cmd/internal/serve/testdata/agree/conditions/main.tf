terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
data "coder_parameter" "team" {
  name        = "team"
  description = "Decides the rest."
  option {
    name  = "Web"
    value = "web"
  }
  option {
    name  = "Data"
    value = "data"
  }
}
locals {
  sizes = { web = 1, data = 4, "" = 2 }
  size  = lookup(local.sizes, data.coder_parameter.team.value, 2)
}
data "coder_parameter" "size" {
  name      = "size"
  type      = "number"
  form_type = "slider"
  mutable   = true
  order     = 2
  default   = local.size
  validation {
    min       = local.size
    max       = 8
    monotonic = "increasing"
  }
}
data "coder_parameter" "tools" {
  name      = "tools"
  type      = "list(string)"
  form_type = "multi-select"
  default   = jsonencode([])
  order     = 3
  dynamic "option" {
    for_each = toset(["go", "node", local.size > 3 ? "spark" : "vite"])
    content {
      name  = upper(option.value)
      value = option.value
    }
  }
}
data "coder_parameter" "version" {
  for_each = toset(jsondecode(data.coder_parameter.tools.value))
  name     = "${each.key} version"
  order    = 4
  default  = "latest"
  styling  = jsonencode({ placeholder = "like 1.2" })
  validation {
    regex = "^(latest|[0-9.]+)$"
    error = "a version"
  }
}
data "coder_parameter" "note" {
  count     = length(data.coder_parameter.version) > 1 ? 1 : 0
  name      = "note"
  form_type = "textarea"
  ephemeral = true
  mutable   = true
  default   = join(",", [for v in data.coder_parameter.version : "${v.name}=${v.value}"])
  order     = 9
}
resource "terraform_data" "machine" {
  count = data.coder_workspace.me.start_count
  input = data.coder_parameter.size.value
}
