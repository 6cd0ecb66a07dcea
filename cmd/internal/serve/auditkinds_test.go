//go:build linux

package serve_test

import (
	"encoding/json"
	"net/http"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/serve/servetest"
)

// change is one request that changes something which can be found again.
type change struct {
	kind   *changeKind
	token  string // of the caller
	method string
	path   string
	body   any
	// mark is in the entry of this change and in no other of its action and type: the
	// id or name of the resource, or a value in the diff.
	mark string
}

// changeKind makes changes of one kind. done is SQL that says whether the change
// with the mark $1 was made; entry is "action resource_type".
type changeKind struct {
	name, entry, done string
	make              func(w *killed, name string) change
}

const inDefault = "/api/v2/organizations/default"

// changeKinds are what the storm asks for. Each call of make prepares what its
// change needs, under a name that was never used before.
func changeKinds() []*changeKind {
	var all []*changeKind
	for _, list := range [][]*changeKind{userKinds(), keyKinds(), rightsKinds(), organizationKinds(), templateKinds(), workspaceKinds()} {
		all = append(all, list...)
	}
	return all
}

func named(path string, body func(w *killed, name string) any) func(*killed, string) change {
	return func(w *killed, name string) change {
		return change{method: "POST", path: path, body: body(w, name), mark: name}
	}
}

// onUser changes a user that was made for it.
func onUser(method, rest string, body any) func(*killed, string) change {
	return func(w *killed, name string) change {
		u := w.user(name, false)
		return change{method: method, path: "/api/v2/users/" + u + rest, body: body, mark: u}
	}
}

func userKinds() []*changeKind {
	return []*changeKind{
		{"create user", "create user", `select exists (select 1 from users where username = $1)`,
			named("/api/v2/users", func(_ *killed, name string) any { return newUser(name, false) })},
		{"profile", "write user", `select exists (select 1 from users where name = $1)`, func(w *killed, name string) change {
			return change{method: "PUT", path: "/api/v2/users/" + w.somebody + "/profile",
				body: api.UpdateUserProfileRequest{Username: "somebody", Name: name}, mark: name}
		}},
		{"password", "write user", `select exists (select 1 from users where id = $1::uuid and updated_at > created_at)`,
			func(w *killed, name string) change {
				u := w.user(name, true)
				return change{method: "PUT", path: "/api/v2/users/" + u + "/password",
					body: api.UpdateUserPasswordRequest{Password: servetest.Password + "2"}, mark: u}
			}},
		{"site roles", "write user", `select exists (select 1 from users where id = $1::uuid and roles = '{auditor}')`,
			onUser("PUT", "/roles", api.UpdateRolesRequest{Roles: []string{"auditor"}})},
		{"suspend", "write user", `select exists (select 1 from users where id = $1::uuid and status = 'suspended')`,
			onUser("PUT", "/status/suspend", nil)},
		{"delete user", "delete user", `select exists (select 1 from users where id = $1::uuid and deleted)`, onUser("DELETE", "", nil)},
	}
}

func keyKinds() []*changeKind {
	key := func(method, rest string) func(*killed, string) change {
		return func(w *killed, name string) change {
			id, _ := w.key("/api/v2/users/me/keys/tokens", api.CreateTokenRequest{TokenName: name})
			return change{method: method, path: "/api/v2/users/me/keys/" + id + rest, mark: id}
		}
	}
	const gone = `select not exists (select 1 from api_keys where id = $1)`
	return []*changeKind{
		{"create token", "create api_key", `select exists (select 1 from api_keys where token_name = $1)`,
			named("/api/v2/users/me/keys/tokens", func(_ *killed, name string) any { return api.CreateTokenRequest{TokenName: name} })},
		{"expire token", "write api_key", `select exists (select 1 from api_keys where id = $1 and expires_at <= now())`, key("PUT", "/expire")},
		{"delete token", "delete api_key", gone, key("DELETE", "")},
		{"sign in", "login user", `select exists (select 1 from api_keys where user_id = $1::uuid)`, func(w *killed, name string) change {
			u := w.user(name, true)
			return change{method: "POST", path: "/api/v2/users/login", mark: u,
				body: api.LoginRequest{Email: name + "@example.com", Password: servetest.Password}}
		}},
		{"sign out", "logout user", gone, func(w *killed, _ string) change {
			id, secret := w.key("/api/v2/users/me/keys", nil)
			return change{token: secret, method: "POST", path: "/api/v2/users/logout", mark: id}
		}},
	}
}

func rightsKinds() []*changeKind {
	return []*changeKind{
		{"create group", "create group", `select exists (select 1 from groups where name = $1)`,
			named(inDefault+"/groups", func(_ *killed, name string) any { return api.CreateGroupRequest{Name: name} })},
		{"change group", "write group", `select exists (select 1 from groups where display_name = $1)`, func(w *killed, name string) change {
			return change{method: "PATCH", path: "/api/v2/groups/" + w.group, body: api.PatchGroupRequest{DisplayName: &name}, mark: name}
		}},
		{"delete group", "delete group", `select not exists (select 1 from groups where id = $1::uuid)`, func(w *killed, name string) change {
			id := w.made(inDefault+"/groups", api.CreateGroupRequest{Name: name})
			return change{method: "DELETE", path: "/api/v2/groups/" + id, mark: id}
		}},
		{"create role", "create custom_role", `select exists (select 1 from custom_roles where name = $1)`,
			named(inDefault+"/members/roles", func(_ *killed, name string) any { return api.CustomRoleRequest{Name: name} })},
		{"delete role", "delete custom_role", `select not exists (select 1 from custom_roles where name = $1)`,
			func(w *killed, name string) change {
				w.call("POST", inDefault+"/members/roles", api.CustomRoleRequest{Name: name})
				return change{method: "DELETE", path: inDefault + "/members/roles/" + name, mark: name}
			}},
		{"create provisioner key", "create provisioner_key", `select exists (select 1 from provisioner_keys where name = $1)`,
			named(inDefault+"/provisionerkeys", func(_ *killed, name string) any { return api.CreateProvisionerKeyRequest{Name: name} })},
	}
}

func organizationKinds() []*changeKind {
	return []*changeKind{
		{"create organization", "create organization", `select exists (select 1 from organizations where name = $1)`,
			named("/api/v2/organizations", func(_ *killed, name string) any { return api.CreateOrganizationRequest{Name: name} })},
		{"change organization", "write organization", `select exists (select 1 from organizations where description = $1)`,
			func(_ *killed, name string) change {
				return change{method: "PATCH", path: inDefault, body: api.UpdateOrganizationRequest{Description: &name}, mark: name}
			}},
		{"add member", "create organization_member", `select exists (select 1 from organization_members m join organizations o on o.id = m.organization_id
			where m.user_id = $1::uuid and o.name = 'lab')`, func(w *killed, name string) change {
			u := w.user(name, false)
			return change{method: "POST", path: "/api/v2/organizations/lab/members/" + u, mark: u}
		}},
		{"roles of a member", "write organization_member", `select exists (select 1 from organization_members
			where user_id = $1::uuid and roles = '{organization-auditor}')`, func(w *killed, name string) change {
			u := w.user(name, false)
			return change{method: "PUT", path: inDefault + "/members/" + u + "/roles",
				body: api.UpdateRolesRequest{Roles: []string{"organization-auditor"}}, mark: u}
		}},
	}
}

func templateKinds() []*changeKind {
	return []*changeKind{
		{"change template", "write template", `select exists (select 1 from templates where description = $1)`,
			func(w *killed, name string) change {
				return change{method: "PATCH", path: "/api/v2/templates/" + w.template, body: api.UpdateTemplateRequest{Description: &name}, mark: name}
			}},
		{"access to a template", "write template", `select exists (select 1 from templates where acl::text like '%' || $1 || '%')`,
			func(w *killed, name string) change {
				u := w.user(name, false)
				return change{method: "PATCH", path: "/api/v2/templates/" + w.template + "/acl",
					body: map[string]any{"user_perms": map[string]string{u: "use"}}, mark: u}
			}},
		{"push", "create template_version", `select exists (select 1 from template_versions where name = $1)`,
			func(w *killed, name string) change {
				return change{method: "POST", path: inDefault + "/templateversions", mark: name, body: w.versionRequest(name)}
			}},
	}
}

func workspaceKinds() []*changeKind {
	return []*changeKind{
		{"create workspace", "create workspace", `select exists (select 1 from workspaces where name = $1)`,
			named("/api/v2/users/me/workspaces", func(w *killed, name string) any { return w.workspaceRequest(name) })},
		{"rename workspace", "write workspace", `select exists (select 1 from workspaces where name = $1)`,
			func(w *killed, name string) change {
				return change{method: "PATCH", path: "/api/v2/workspaces/" + w.workspace, body: api.UpdateWorkspaceRequest{Name: name}, mark: name}
			}},
		{"share workspace", "write workspace", `select exists (select 1 from workspaces where acl::text like '%' || $1 || '%')`,
			func(w *killed, name string) change {
				u := w.user(name, false)
				return change{method: "PATCH", path: "/api/v2/workspaces/" + w.workspace + "/acl",
					body: map[string]any{"user_roles": map[string]string{u: "use"}}, mark: u}
			}},
		{"cancel build", "write workspace_build", `select exists (select 1 from workspace_builds b join provisioner_jobs j on j.id = b.job_id
			where b.id = $1::uuid and j.status = 'canceled')`, func(w *killed, name string) change {
			var made api.Workspace
			require.NoError(w, json.Unmarshal(w.call("POST", "/api/v2/users/me/workspaces", w.workspaceRequest(name)), &made))
			id := made.LatestBuild.ID.String()
			return change{method: "PATCH", path: "/api/v2/workspacebuilds/" + id + "/cancel", mark: id}
		}},
	}
}

func newUser(name string, password bool) api.CreateUserRequest {
	r := api.CreateUserRequest{Username: name, Email: name + "@example.com", LoginType: api.LoginNone}
	if password {
		r.LoginType, r.Password = api.LoginPassword, servetest.Password
	}
	return r
}

// user makes a user and returns the id.
func (w *killed) user(name string, password bool) string {
	w.Helper()
	return w.made("/api/v2/users", newUser(name, password))
}

// made makes something and returns its id.
func (w *killed) made(path string, body any) string {
	w.Helper()
	var out struct {
		ID api.ID `json:"id"`
	}
	require.NoError(w, json.Unmarshal(w.call(http.MethodPost, path, body), &out))
	return out.ID.String()
}
