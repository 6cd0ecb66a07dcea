package users_test

import (
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/users"
	"coder.internal/internal/password"
)

const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	remove = http.MethodDelete
)

func TestFirstUser(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	anonymous := d.Client("")
	e := coderdtest.Do[api.Error](t, anonymous, http.StatusNotFound, get, "/api/v2/users/first", nil)
	assert.NotEmpty(t, e.Message)

	owner := d.FirstUser(t)
	coderdtest.Do[api.Response](t, anonymous, http.StatusOK, get, "/api/v2/users/first", nil)
	coderdtest.Do[api.Error](t, anonymous, http.StatusConflict, post, "/api/v2/users/first",
		api.CreateFirstUserRequest{Email: "b@example.com", Username: "b", Password: coderdtest.Password})

	assert.Equal(t, api.UserActive, owner.User.Status)
	require.Len(t, owner.User.Roles, 1)
	assert.Equal(t, "owner", owner.User.Roles[0].Name)
	orgs := coderdtest.Do[[]api.Organization](t, owner, http.StatusOK, get, "/api/v2/organizations", nil)
	require.Len(t, orgs, 1)
	assert.Equal(t, "coder", orgs[0].Name)
	assert.True(t, orgs[0].IsDefault)
	assert.Equal(t, []api.ID{orgs[0].ID}, owner.User.OrganizationIDs)
	for _, ref := range []string{"coder", "default", orgs[0].ID.String()} {
		got := coderdtest.Do[api.Organization](t, owner, http.StatusOK, get, "/api/v2/organizations/"+ref, nil)
		assert.Equal(t, orgs[0], got)
	}
	assert.Equal(t, orgs, coderdtest.Do[[]api.Organization](t, owner, http.StatusOK, get, "/api/v2/users/me/organizations", nil))
	coderdtest.Do[api.Organization](t, owner, http.StatusOK, get, "/api/v2/users/me/organizations/coder", nil)
	coderdtest.Do[api.Error](t, owner, http.StatusNotFound, get, "/api/v2/users/me/organizations/none", nil)
	members := coderdtest.Do[[]api.OrganizationMember](t, owner, http.StatusOK, get, "/api/v2/organizations/coder/members", nil)
	require.Len(t, members, 1)
	assert.Equal(t, "admin", members[0].Username)
}

// TestFirstUserRace: of many at once, on two replicas, one wins.
func TestFirstUserRace(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	other := coderdtest.Replica(t, d.DB)
	codes := make([]int, 8)
	var wg sync.WaitGroup
	for i := range codes {
		wg.Go(func() {
			c := []*coderdtest.Client{d.Client(""), other.Client("")}[i%2]
			name := "user" + string(rune('a'+i))
			res, _ := c.Raw(t, post, "/api/v2/users/first",
				api.CreateFirstUserRequest{Email: name + "@example.com", Username: name, Password: coderdtest.Password})
			codes[i] = res.StatusCode
		})
	}
	wg.Wait()
	count := map[int]int{}
	for _, c := range codes {
		count[c]++
	}
	assert.Equal(t, map[int]int{http.StatusCreated: 1, http.StatusConflict: 7}, count)
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	good := func() api.CreateUserRequest {
		return api.CreateUserRequest{Email: "bob@example.com", Username: "bob", Password: coderdtest.Password}
	}
	for _, tc := range []struct {
		name   string
		set    func(*api.CreateUserRequest)
		status int
		field  string
	}{
		{"no name", func(r *api.CreateUserRequest) { r.Username = "" }, 400, "username"},
		{"long name", func(r *api.CreateUserRequest) { r.Username = strings.Repeat("a", 33) }, 400, "username"},
		{"hyphen at the edge", func(r *api.CreateUserRequest) { r.Username = "-bob" }, 400, "username"},
		{"odd characters", func(r *api.CreateUserRequest) { r.Username = "bob/../x" }, 400, "username"},
		{"reserved", func(r *api.CreateUserRequest) { r.Username = "Me" }, 400, "username"},
		{"taken", func(r *api.CreateUserRequest) { r.Username = "ADMIN" }, 409, "username"},
		{"no address", func(r *api.CreateUserRequest) { r.Email = "" }, 400, "email"},
		{"bad address", func(r *api.CreateUserRequest) { r.Email = "Bob <bob@example.com>" }, 400, "email"},
		{"taken address", func(r *api.CreateUserRequest) { r.Email = "Admin@Example.com" }, 409, "email"},
		{"short password", func(r *api.CreateUserRequest) { r.Password = "aB3$" }, 400, "password"},
		{"known password", func(r *api.CreateUserRequest) { r.Password = "Password123" }, 400, "password"},
		{"password without need", func(r *api.CreateUserRequest) { r.LoginType = api.LoginNone }, 400, "password"},
		{"login type", func(r *api.CreateUserRequest) { r.LoginType = "magic" }, 400, "login_type"},
		{"full name", func(r *api.CreateUserRequest) { r.Name = "a\x1b[31mb" }, 400, "name"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req := good()
			tc.set(&req)
			e := coderdtest.Do[api.Error](t, owner, tc.status, post, "/api/v2/users", req)
			require.NotEmpty(t, e.Validations, "%+v", e)
			assert.Equal(t, tc.field, e.Validations[0].Field)
		})
	}
	req := good()
	req.OrganizationIDs = []api.ID{api.NewID()}
	coderdtest.Do[api.Error](t, owner, http.StatusNotFound, post, "/api/v2/users", req)
	all := coderdtest.Do[api.UsersResponse](t, owner, http.StatusOK, get, "/api/v2/users", nil)
	assert.Equal(t, 1, all.Count, "nothing was made")

	req = api.CreateUserRequest{Username: "robot", LoginType: api.LoginNone}
	u := coderdtest.Do[api.User](t, owner, http.StatusCreated, post, "/api/v2/users", req)
	assert.Equal(t, api.UserDormant, u.Status)
}

func TestList(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	for _, name := range []string{"dave", "Bob", "carol"} {
		coderdtest.Do[api.User](t, owner, http.StatusCreated, post, "/api/v2/users",
			api.CreateUserRequest{Email: name + "@example.com", Username: name, LoginType: api.LoginOIDC})
	}
	bob := coderdtest.Do[api.User](t, owner, http.StatusOK, get, "/api/v2/users/bob", nil)
	list := func(query string) ([]string, int) {
		res := coderdtest.Do[api.UsersResponse](t, owner, http.StatusOK, get, "/api/v2/users?"+query, nil)
		names := []string{}
		for _, u := range res.Users {
			names = append(names, u.Username)
			assert.Len(t, u.OrganizationIDs, 1)
		}
		return names, res.Count
	}
	for _, tc := range []struct {
		query string
		names []string
		count int
	}{
		{"", []string{"admin", "Bob", "carol", "dave"}, 4},
		{"limit=2", []string{"admin", "Bob"}, 4},
		{"limit=2&offset=3", []string{"dave"}, 4},
		{"offset=9", []string{}, 4},
		{"limit=1&after_id=" + bob.ID.String(), []string{"carol"}, 4},
		{"q=AROL", []string{"carol"}, 1},
		{"q=bob@example", []string{"Bob"}, 1},
		{"q=%25", []string{}, 0},
		{"q=status:active", []string{"admin"}, 1},
		{"q=status:dormant,suspended", []string{"Bob", "carol", "dave"}, 3},
		{"q=role:owner", []string{"admin"}, 1},
		{"q=login_type:oidc+name:da", []string{"dave"}, 1},
	} {
		names, count := list(tc.query)
		assert.Equal(t, tc.names, names, tc.query)
		assert.Equal(t, tc.count, count, tc.query)
	}
	for _, bad := range []string{"q=status:asleep", "q=shoe:43", "after_id=x", "limit=-1", "limit=100000"} {
		res, text := owner.Raw(t, get, "/api/v2/users?"+bad, nil)
		assert.Equal(t, http.StatusBadRequest, res.StatusCode, "%s: %s", bad, text)
	}
	member := d.NewUser(t, owner, "eve")
	own := coderdtest.Do[api.UsersResponse](t, member, http.StatusOK, get, "/api/v2/users", nil)
	require.Len(t, own.Users, 1)
	assert.Equal(t, 1, own.Count)
	assert.Equal(t, "eve", own.Users[0].Username)
}

func TestProfile(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob := d.NewUser(t, owner, "bob")
	u := coderdtest.Do[api.User](t, bob, http.StatusOK, put, "/api/v2/users/me/profile", api.UpdateUserProfileRequest{Username: "robert", Name: " Robert B "})
	assert.Equal(t, "robert", u.Username)
	assert.Equal(t, "Robert B", u.Name)
	e := coderdtest.Do[api.Error](t, bob, http.StatusConflict, put, "/api/v2/users/me/profile", api.UpdateUserProfileRequest{Username: "admin"})
	assert.Equal(t, "username", e.Validations[0].Field)
	coderdtest.Do[api.Error](t, bob, http.StatusBadRequest, put, "/api/v2/users/me/profile", api.UpdateUserProfileRequest{Username: "a b"})
}

// TestSuspend: keys end at once, on every replica, and stay dead.
func TestSuspend(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	other := coderdtest.Replica(t, d.DB)
	owner := d.FirstUser(t)
	bob := d.NewUser(t, owner, "bob")
	elsewhere := other.Client(bob.Token)
	coderdtest.Do[api.User](t, elsewhere, http.StatusOK, get, "/api/v2/users/me", nil)

	u := coderdtest.Do[api.User](t, owner, http.StatusOK, put, "/api/v2/users/bob/status/suspend", nil)
	assert.Equal(t, api.UserSuspended, u.Status)
	coderdtest.Do[api.Error](t, bob, http.StatusUnauthorized, get, "/api/v2/users/me", nil)
	coderdtest.Do[api.Error](t, elsewhere, http.StatusUnauthorized, get, "/api/v2/users/me", nil)
	login := api.LoginRequest{Email: "bob@example.com", Password: coderdtest.Password}
	e := coderdtest.Do[api.Error](t, d.Client(""), http.StatusUnauthorized, post, "/api/v2/users/login", login)
	assert.Contains(t, e.Message, "suspended")
	coderdtest.Do[api.Error](t, owner, http.StatusConflict, post, "/api/v2/users/bob/keys/tokens", api.CreateTokenRequest{})

	u = coderdtest.Do[api.User](t, owner, http.StatusOK, put, "/api/v2/users/bob/status/activate", nil)
	assert.Equal(t, api.UserActive, u.Status)
	coderdtest.Do[api.Error](t, bob, http.StatusUnauthorized, get, "/api/v2/users/me", nil)
	d.Login(t, "bob@example.com")
}

func TestDelete(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob := d.NewUser(t, owner, "bob")
	coderdtest.Do[api.Error](t, owner, http.StatusConflict, remove, "/api/v2/users/me", nil)
	res, text := owner.Raw(t, remove, "/api/v2/users/bob", nil)
	require.Equal(t, http.StatusOK, res.StatusCode, "%s", text)
	coderdtest.Do[api.Error](t, bob, http.StatusUnauthorized, get, "/api/v2/users/me", nil)
	coderdtest.Do[api.Error](t, owner, http.StatusNotFound, get, "/api/v2/users/bob", nil)
	coderdtest.Do[api.Error](t, owner, http.StatusNotFound, remove, "/api/v2/users/bob", nil)
	// The names are free, and the new user is another one.
	again := d.NewUser(t, owner, "bob")
	assert.NotEqual(t, bob.User.ID, again.User.ID)
}

// TestRanks: nobody acts above their own rights.
func TestRanks(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	admin := d.NewUser(t, owner, "useradmin", "user-admin")
	d.NewUser(t, owner, "auditor", "auditor")
	d.NewUser(t, owner, "bob")

	for _, victim := range []string{"admin", "auditor"} {
		for _, req := range []struct {
			method, path string
			body         any
		}{
			{put, "/status/suspend", nil},
			{remove, "", nil},
			{put, "/profile", api.UpdateUserProfileRequest{Username: "taken-over"}},
			{put, "/password", api.UpdateUserPasswordRequest{Password: "another-long-secret"}},
			{put, "/roles", api.UpdateRolesRequest{Roles: []string{}}},
		} {
			e := coderdtest.Do[api.Error](t, admin, http.StatusForbidden, req.method, "/api/v2/users/"+victim+req.path, req.body)
			assert.Equal(t, api.CodeForbidden, e.Code)
		}
	}
	coderdtest.Do[api.Error](t, admin, http.StatusForbidden, put, "/api/v2/users/me/roles", api.UpdateRolesRequest{Roles: []string{"owner"}})
	coderdtest.Do[api.User](t, admin, http.StatusOK, put, "/api/v2/users/bob/status/suspend", nil)
	e := coderdtest.Do[api.Error](t, owner, http.StatusBadRequest, put, "/api/v2/users/bob/roles", api.UpdateRolesRequest{Roles: []string{"emperor"}})
	assert.Equal(t, "roles", e.Validations[0].Field)
}

// TestLastOwnerStays, also when two owners take each other's role at once.
func TestLastOwnerStays(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	none := api.UpdateRolesRequest{Roles: []string{}}
	coderdtest.Do[api.Error](t, owner, http.StatusConflict, put, "/api/v2/users/me/roles", none)

	second := d.NewUser(t, owner, "second", "owner")
	var wg sync.WaitGroup
	codes := make([]int, 2)
	for i, c := range []struct {
		by     *coderdtest.Client
		victim string
	}{{owner, "second"}, {second, "admin"}} {
		wg.Go(func() {
			res, _ := c.by.Raw(t, put, "/api/v2/users/"+c.victim+"/roles", none)
			codes[i] = res.StatusCode
		})
	}
	wg.Wait()
	assert.NotEqual(t, codes[0] == http.StatusOK, codes[1] == http.StatusOK, "%v", codes)
	owners, err := d.DB.LockOwners(t.Context())
	require.NoError(t, err)
	assert.Len(t, owners, 1)
}

// TestAudit: each change leaves one entry, a refused one leaves none.
func TestAudit(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	coderdtest.Do[api.User](t, owner, http.StatusCreated, post, "/api/v2/users",
		api.CreateUserRequest{Email: "bob@example.com", Username: "bob", Password: coderdtest.Password})
	coderdtest.Do[api.User](t, owner, http.StatusOK, put, "/api/v2/users/bob/status/suspend", nil)
	coderdtest.Do[api.User](t, owner, http.StatusOK, put, "/api/v2/users/bob/status/suspend", nil) // no change
	coderdtest.Do[api.Error](t, owner, http.StatusConflict, put, "/api/v2/users/bob/profile", api.UpdateUserProfileRequest{Username: "admin"})
	log := coderdtest.Do[api.AuditLogResponse](t, owner, http.StatusOK, get, "/api/v2/audit?limit=10&q=resource_type:user+resource_target:bob", nil)
	require.Equal(t, 2, log.Count, "%+v", log)
	newest := log.AuditLogs[0]
	assert.Equal(t, "write", newest.Action)
	assert.Equal(t, "admin", newest.Username)
	assert.Equal(t, "127.0.0.1", newest.IP)
	assert.False(t, newest.RequestID.IsZero())
	assert.JSONEq(t, `{"status":{"old":"dormant","new":"suspended","secret":false}}`, string(newest.Diff))
	assert.NotContains(t, string(log.AuditLogs[1].Diff), "argon2")
	next := coderdtest.Do[api.AuditLogResponse](t, owner, http.StatusOK, get, "/api/v2/audit?q=resource_target:bob&after_id="+newest.ID.String(), nil)
	require.Len(t, next.AuditLogs, 1)
	assert.Equal(t, log.AuditLogs[1].ID, next.AuditLogs[0].ID)
	coderdtest.Do[api.Error](t, owner, http.StatusBadRequest, get, "/api/v2/audit?q=shoe:43", nil)
}

func TestCreateOwner(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	req := api.CreateFirstUserRequest{Email: "root@example.com", Username: "root", Password: coderdtest.Password}
	u, err := users.CreateOwner(t.Context(), d.DB, password.New(runtime.GOMAXPROCS(0)), req)
	require.NoError(t, err)
	c := d.Login(t, "root@example.com")
	assert.Equal(t, u.ID, c.User.ID)
	members := coderdtest.Do[[]api.OrganizationMember](t, c, http.StatusOK, get, "/api/v2/organizations/coder/members", nil)
	require.Len(t, members, 1)
	assert.Equal(t, "organization-admin", members[0].Roles[0].Name)
	_, err = users.CreateOwner(t.Context(), d.DB, password.New(1), req)
	assert.Equal(t, api.CodeConflict, api.CodeOf(err))
}
