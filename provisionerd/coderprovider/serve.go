// Package coderprovider serves the public Terraform provider coder/coder from
// this program.
//
// It owns the plugin hand-over and nothing else: resources and data sources are
// those of terraform-provider-coder v2, unchanged. Terraform finds this program
// through a symlink in a filesystem mirror (see provisionerd/terraform) and
// starts it with a cookie in the environment. The program must branch to Serve
// before any other work, because Terraform starts it several times per build.
package coderprovider

import (
	"os"

	"github.com/coder/terraform-provider-coder/v2/provider"
	"github.com/hashicorp/terraform-plugin-sdk/v2/plugin"
)

// Address is the registry name under which templates know the provider.
const Address = "registry.terraform.io/coder/coder"

// Version is the release of terraform-provider-coder that is linked in; the
// mirror is laid out under it.
const Version = "2.19.0"

// cookie is set by Terraform for plugins and by nobody else.
const cookie = "TF_PLUGIN_MAGIC_COOKIE"

// Wanted reports whether Terraform started this process as a provider.
func Wanted() bool { return os.Getenv(cookie) != "" }

// Serve speaks the plugin protocol on standard output until Terraform ends the
// connection. The process asks to die with its parent first, so that a killed
// Terraform leaves no provider behind.
func Serve() {
	dieWithParent()
	plugin.Serve(&plugin.ServeOpts{ProviderAddr: Address, ProviderFunc: provider.New})
}
