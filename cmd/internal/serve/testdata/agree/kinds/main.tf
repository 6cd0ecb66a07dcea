terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
variable "image" {
  type    = string
  default = "base"
}
data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}
data "coder_parameter" "name" {
  name         = "name"
  display_name = "The name"
  description  = "With **marks** and a [link](https://example.com)."
  icon         = "/icon/a.svg"
  default      = lower(data.coder_workspace_owner.me.name)
  mutable      = true
}
data "coder_parameter" "size" {
  name    = "size"
  type    = "number"
  default = 2
  option {
    name        = "Small"
    value       = 2
    description = "the small one"
    icon        = "/icon/s.svg"
  }
  option {
    name  = "Large"
    value = 8
  }
}
data "coder_parameter" "gpu" {
  name      = "gpu"
  type      = "bool"
  form_type = "switch"
  default   = false
  order     = 1
}
data "coder_parameter" "ports" {
  name      = "ports"
  type      = "list(string)"
  form_type = "tag-select"
  default   = jsonencode(["80"])
}
data "coder_parameter" "image" {
  name      = "image"
  form_type = "dropdown"
  default   = var.image
  option {
    name  = "Base"
    value = "base"
  }
  option {
    name  = "Own"
    value = "own"
  }
}
data "coder_workspace_preset" "large" {
  name        = "Large"
  description = "much of all"
  icon        = "/icon/l.svg"
  default     = true
  parameters = {
    (data.coder_parameter.size.name) = 8
    gpu                              = true
    name                             = data.coder_parameter.name.default
  }
  prebuilds { instances = 2 }
}
data "coder_workspace_preset" "none" { name = "None" }
resource "terraform_data" "machine" {
  count = data.coder_workspace.me.start_count
}
