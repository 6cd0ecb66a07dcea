package users_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/users"
)

func TestAppearance(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob := d.NewUser(t, owner, "bob")
	const path = "/api/v2/users/me/appearance"
	assert.Equal(t, api.UserAppearanceSettings{}, coderdtest.Do[api.UserAppearanceSettings](t, bob, http.StatusOK, get, path, nil))
	mode := "sync"
	got := coderdtest.Do[api.UserAppearanceSettings](t, bob, http.StatusOK, put, path,
		api.UpdateUserAppearanceSettingsRequest{ThemePreference: "dark", TerminalFont: "fira-code", ThemeMode: &mode})
	want := api.UserAppearanceSettings{ThemePreference: "dark", TerminalFont: "fira-code", ThemeMode: "sync"}
	assert.Equal(t, want, got)
	// An older client does not know the mode; it stays.
	got = coderdtest.Do[api.UserAppearanceSettings](t, bob, http.StatusOK, put, path,
		api.UpdateUserAppearanceSettingsRequest{ThemePreference: "light"})
	want.ThemePreference, want.TerminalFont = "light", ""
	assert.Equal(t, want, got)
	assert.Equal(t, want, coderdtest.Do[api.UserAppearanceSettings](t, bob, http.StatusOK, get, path, nil))
	assert.Equal(t, "light", coderdtest.Do[api.User](t, bob, http.StatusOK, get, "/api/v2/users/me", nil).ThemePreference)

	for field, body := range map[string]map[string]any{
		"terminal_font":    {"theme_preference": "dark", "terminal_font": "comic-sans"},
		"theme_mode":       {"theme_preference": "dark", "terminal_font": "", "theme_mode": "blue"},
		"theme_preference": {"theme_preference": "<script>", "terminal_font": ""},
	} {
		e := coderdtest.Do[api.Error](t, bob, http.StatusBadRequest, put, path, body)
		require.NotEmpty(t, e.Validations, field)
		assert.Equal(t, field, e.Validations[0].Field)
	}
	coderdtest.Do[api.Error](t, bob, http.StatusNotFound, put, "/api/v2/users/admin/appearance", api.UpdateUserAppearanceSettingsRequest{})
	log := coderdtest.Do[api.AuditLogResponse](t, owner, http.StatusOK, get, "/api/v2/audit?q=resource_type:user+action:write", nil)
	assert.Equal(t, 2, log.Count, "one entry for each change")
}

func TestPreferences(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	bob := d.FirstUser(t)
	const path = "/api/v2/users/me/preferences"
	p := coderdtest.Do[api.UserPreferenceSettings](t, bob, http.StatusOK, get, path, nil)
	assert.False(t, *p.TaskNotificationAlertDismissed)
	assert.Equal(t, "auto", *p.ThinkingDisplayMode)
	yes, collapsed := true, "always_collapsed"
	coderdtest.Do[api.UserPreferenceSettings](t, bob, http.StatusOK, put, path, api.UserPreferenceSettings{TaskNotificationAlertDismissed: &yes})
	p = coderdtest.Do[api.UserPreferenceSettings](t, bob, http.StatusOK, put, path, api.UserPreferenceSettings{CodeDiffDisplayMode: &collapsed})
	assert.True(t, *p.TaskNotificationAlertDismissed, "what a request does not name stays")
	assert.Equal(t, "always_collapsed", *p.CodeDiffDisplayMode)
	coderdtest.Do[api.Error](t, bob, http.StatusBadRequest, put, path, map[string]any{"thinking_display_mode": "loud"})
}

func TestQuietHours(t *testing.T) {
	t.Parallel()
	clk := quartz.NewMock(t).WithLogger(quartz.NoOpLogger)
	clk.Set(time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC))
	d := coderdtest.New(t, func(c *coderdtest.Config) { c.Clock = clk })
	bob := d.FirstUser(t)
	const path = "/api/v2/users/me/quiet-hours"
	q := coderdtest.Do[api.UserQuietHours](t, bob, http.StatusOK, get, path, nil)
	assert.Equal(t, api.UserQuietHours{RawSchedule: "CRON_TZ=UTC 0 0 * * *", UserCanSet: true, Time: "00:00", Timezone: "UTC",
		Next: time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)}, q)
	// On the 29th the clocks of Berlin jump from 2 to 3.
	q = coderdtest.Do[api.UserQuietHours](t, bob, http.StatusOK, put, path, api.UpdateUserQuietHoursRequest{Schedule: " CRON_TZ=Europe/Berlin  30 2 * * * "})
	assert.Equal(t, "CRON_TZ=Europe/Berlin 30 2 * * *", q.RawSchedule)
	assert.True(t, q.UserSet)
	assert.Equal(t, "02:30", q.Time)
	assert.Equal(t, "Europe/Berlin", q.Timezone)
	assert.True(t, q.Next.Equal(time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC)), q.Next)
	for _, bad := range []string{"0 0 * * 1", "0 0 1 * *", "*/5 0 * * *", "60 0 * * *", "0 24 * * *", "CRON_TZ=Mars/Base 0 0 * * *",
		"CRON_TZ=../../etc/passwd 0 0 * * *", "CRON_TZ=Local 0 0 * * *", "0 0", "@daily", "-1 0 * * *"} {
		e := coderdtest.Do[api.Error](t, bob, http.StatusBadRequest, put, path, api.UpdateUserQuietHoursRequest{Schedule: bad})
		require.NotEmpty(t, e.Validations, bad)
		assert.Equal(t, "schedule", e.Validations[0].Field, bad)
	}
	q = coderdtest.Do[api.UserQuietHours](t, bob, http.StatusOK, put, path, api.UpdateUserQuietHoursRequest{})
	assert.False(t, q.UserSet)
}

func TestQuietHoursOfTheDeployment(t *testing.T) {
	t.Parallel()
	require.Error(t, users.QuietHours{Default: "hourly"}.Validate())
	require.NoError(t, users.QuietHours{Default: "CRON_TZ=America/New_York 15 3 * * *"}.Validate())
	d := coderdtest.New(t, func(c *coderdtest.Config) {
		c.QuietHours = users.QuietHours{Default: "CRON_TZ=America/New_York 15 3 * * *", Locked: true}
	})
	bob := d.FirstUser(t)
	q := coderdtest.Do[api.UserQuietHours](t, bob, http.StatusOK, get, "/api/v2/users/me/quiet-hours", nil)
	assert.False(t, q.UserCanSet)
	assert.Equal(t, "America/New_York", q.Timezone)
	coderdtest.Do[api.Error](t, bob, http.StatusForbidden, put, "/api/v2/users/me/quiet-hours", api.UpdateUserQuietHoursRequest{Schedule: "0 0 * * *"})
}

func TestServiceAccounts(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bot := coderdtest.Do[api.User](t, owner, http.StatusCreated, post, "/api/v2/users", api.CreateUserRequest{Username: "bot", ServiceAccount: true})
	assert.True(t, bot.IsServiceAccount)
	assert.Equal(t, api.LoginNone, bot.LoginType)
	assert.Equal(t, api.UserActive, bot.Status)
	assert.Empty(t, bot.Email)
	coderdtest.Do[api.User](t, owner, http.StatusCreated, post, "/api/v2/users", api.CreateUserRequest{Username: "bot2", ServiceAccount: true})
	key := coderdtest.Do[api.GenerateKeyResponse](t, owner, http.StatusCreated, post, "/api/v2/users/bot/keys/tokens", api.CreateTokenRequest{TokenName: "ci"})
	assert.Equal(t, "bot", coderdtest.Do[api.User](t, d.Client(key.Key), http.StatusOK, get, "/api/v2/users/me", nil).Username)
	coderdtest.Do[api.Error](t, owner, http.StatusBadRequest, put, "/api/v2/users/bot/password", api.UpdateUserPasswordRequest{Password: coderdtest.Password})
	lt := coderdtest.Do[api.UserLoginType](t, owner, http.StatusOK, get, "/api/v2/users/bot/login-type", nil)
	assert.Equal(t, api.LoginNone, lt.LoginType)
	for field, r := range map[string]api.CreateUserRequest{
		"email":       {Username: "x", ServiceAccount: true, Email: "x@example.com"},
		"password":    {Username: "x", ServiceAccount: true, Password: coderdtest.Password},
		"login_type":  {Username: "x", ServiceAccount: true, LoginType: api.LoginPassword},
		"user_status": {Username: "x", Email: "x@example.com", Password: coderdtest.Password, UserStatus: api.UserSuspended},
		"roles":       {Username: "x", Email: "x@example.com", Password: coderdtest.Password, Roles: []string{"emperor"}},
	} {
		e := coderdtest.Do[api.Error](t, owner, http.StatusBadRequest, post, "/api/v2/users", r)
		require.NotEmpty(t, e.Validations)
		assert.Equal(t, field, e.Validations[0].Field)
	}
}

// TestCreateWithRoles: whoever makes a user gives no role that they could not give
// afterwards.
func TestCreateWithRoles(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	u := coderdtest.Do[api.User](t, owner, http.StatusCreated, post, "/api/v2/users", api.CreateUserRequest{Username: "a", Email: "a@example.com",
		Password: coderdtest.Password, Roles: []string{"auditor", "auditor"}, UserStatus: api.UserActive})
	require.Len(t, u.Roles, 1)
	assert.Equal(t, api.UserActive, u.Status)
	admin := d.NewUser(t, owner, "useradmin", "user-admin")
	res, _ := admin.Raw(t, post, "/api/v2/users", api.CreateUserRequest{Username: "b", Email: "b@example.com",
		Password: coderdtest.Password, Roles: []string{"owner"}})
	assert.Equal(t, http.StatusForbidden, res.StatusCode)
	coderdtest.Do[api.Error](t, owner, http.StatusNotFound, get, "/api/v2/users/b", nil)
}

func TestSearch(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	d.NewUser(t, owner, "seen")
	add := func(name, full string) {
		coderdtest.Do[api.User](t, owner, http.StatusCreated, post, "/api/v2/users", api.CreateUserRequest{Username: name, Name: full,
			Email: name + "@example.com", Password: coderdtest.Password})
	}
	add("dan", "Dan van Dyke")
	add("eve", "Eve")
	coderdtest.Do[api.User](t, owner, http.StatusCreated, post, "/api/v2/users", api.CreateUserRequest{Username: "bot", ServiceAccount: true})
	_, err := d.DB.Pool().Exec(t.Context(), "update users set github_com_user_id = 42 where username = 'eve'")
	require.NoError(t, err)
	_, err = d.DB.Pool().Exec(t.Context(), "update users set created_at = '2020-02-02T10:00:00Z' where username = 'dan'")
	require.NoError(t, err)
	find := func(q string) []string {
		r := coderdtest.Do[api.UsersResponse](t, owner, http.StatusOK, get, "/api/v2/users?q="+url.QueryEscape(q), nil)
		names := []string{}
		for _, u := range r.Users {
			names = append(names, u.Username)
		}
		assert.Equal(t, len(names), r.Count, q)
		return names
	}
	for q, want := range map[string][]string{
		`name:"van dyke"`:  {"dan"},
		`search:"Dan van"`: {"dan"},
		`"van Dyke"`:       {"dan"},
		`status:active`:    {"admin", "bot", "seen"},
		`status:dormant last_seen_before:2001-01-01`: {"dan", "eve"},
		`last_seen_after:2001-01-01`:                 {"admin", "seen"},
		`created_before:"2020-02-02T10:00:00Z"`:      {"dan"},
		`created_after:2020-02-03 role:owner`:        {"admin"},
		`github_com_user_id:42`:                      {"eve"},
		`service_account:true`:                       {"bot"},
		`login_type:none`:                            {"bot"},
		`role:member service_account:false`:          {"admin", "dan", "eve", "seen"},
		`LOGIN_TYPE:password e:`:                     nil,
	} {
		if want == nil {
			coderdtest.Do[api.Error](t, owner, http.StatusBadRequest, get, "/api/v2/users?q="+url.QueryEscape(q), nil)
			continue
		}
		assert.Equal(t, want, find(q), q)
	}
	for _, bad := range []string{`status:asleep`, `last_seen_before:yesterday`, `github_com_user_id:-1`, `name:"open`, `colour:red`, `service_account:maybe`} {
		e := coderdtest.Do[api.Error](t, owner, http.StatusBadRequest, get, "/api/v2/users?q="+url.QueryEscape(bad), nil)
		require.NotEmpty(t, e.Validations, bad)
		assert.Equal(t, "q", e.Validations[0].Field)
	}
	first := coderdtest.Do[api.UsersResponse](t, owner, http.StatusOK, get, "/api/v2/users?limit=2", nil)
	rest := coderdtest.Do[api.UsersResponse](t, owner, http.StatusOK, get, "/api/v2/users?limit=10&after_id="+first.Users[1].ID.String(), nil)
	assert.Len(t, rest.Users, 3)
	assert.Equal(t, 5, rest.Count)
}
