# Every resource writes a line into a ledger when it is made and when it goes.
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}

variable "ledger" {
  type        = string
  description = "Absolute path of the ledger; entry.sh lies beside it."
}

data "coder_workspace" "me" {}

# Kept by a stop.
resource "terraform_data" "kept" {
  count = 3
  input = {
    key    = "${data.coder_workspace.me.name}/kept-${count.index}"
    ledger = var.ledger
  }
  provisioner "local-exec" {
    command = "$LEDGER.entry.sh create"
    environment = {
      LEDGER = self.input.ledger
      KEY    = self.input.key
      ID     = self.id
    }
  }
  provisioner "local-exec" {
    when    = destroy
    command = "$LEDGER.entry.sh destroy"
    environment = {
      LEDGER = self.input.ledger
      KEY    = self.input.key
      ID     = self.id
    }
  }
}

# Gone while the workspace is stopped.
resource "terraform_data" "running" {
  count = 3 * data.coder_workspace.me.start_count
  input = {
    key    = "${data.coder_workspace.me.name}/running-${count.index}"
    ledger = var.ledger
    kept   = terraform_data.kept[count.index].id
  }
  provisioner "local-exec" {
    command = "$LEDGER.entry.sh create"
    environment = {
      LEDGER = self.input.ledger
      KEY    = self.input.key
      ID     = self.id
    }
  }
  provisioner "local-exec" {
    when    = destroy
    command = "$LEDGER.entry.sh destroy"
    environment = {
      LEDGER = self.input.ledger
      KEY    = self.input.key
      ID     = self.id
    }
  }
}
