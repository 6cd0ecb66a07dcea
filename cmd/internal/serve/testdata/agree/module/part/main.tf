terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
variable "most" { type = number }
variable "names" {
  type    = object({ first = optional(string, "Web"), second = optional(string) })
  default = {}
}
data "coder_parameter" "count" {
  name    = "count"
  type    = "number"
  default = var.most
  dynamic "option" {
    for_each = range(3)
    content {
      name  = option.value
      value = option.value
    }
  }
}
data "coder_parameter" "port" {
  count   = data.coder_parameter.count.value
  name    = "port ${count.index}"
  type    = "number"
  default = 8000 + count.index
  order   = 10 + count.index
}
data "coder_parameter" "title" {
  count   = data.coder_parameter.count.value >= 1 ? 1 : 0
  name    = "title"
  default = coalesce(var.names.second, var.names.first)
}
output "ports" { value = data.coder_parameter.port[*].value }
