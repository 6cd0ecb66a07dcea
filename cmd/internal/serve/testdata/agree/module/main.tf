variable "ports" {
  type    = number
  default = 1
}
module "part" {
  source = "./part"
  most   = var.ports
}
resource "terraform_data" "open" {
  input = module.part.ports
}
