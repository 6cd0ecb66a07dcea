terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_parameter" "key" {
  name      = "key"
  default   = ""
  ephemeral = true
  mutable   = false
}
