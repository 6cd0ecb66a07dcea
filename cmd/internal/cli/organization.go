package cli

import (
	"context"

	"coder.internal/api"
	"coder.internal/api/client"
)

// InOrganization returns the client and the organization to work in: that of the
// flag, else the chosen one (`coder organizations set`), else the default one.
func (e *Env) InOrganization(ctx context.Context, flag string) (*client.Client, api.Organization, error) {
	c, err := e.Client(ctx)
	if err != nil {
		return nil, api.Organization{}, err
	}
	ref, err := e.OrgRef(flag)
	if err != nil {
		return nil, api.Organization{}, err
	}
	o, err := c.Organization(ctx, ref)
	if flag == "" && ref != "default" && api.CodeOf(err) == api.CodeNotFound {
		err = &api.Error{Code: api.CodeNotFound, Message: "The organization that you chose is gone, or you are no longer in it. Choose another: coder organizations set <name>"}
	}
	return c, o, err
}
