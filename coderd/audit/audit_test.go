package audit_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/coderdtest"
	"coder.internal/database"
	"coder.internal/database/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func list(t *testing.T, c *coderdtest.Client, q string) api.AuditLogResponse {
	t.Helper()
	return coderdtest.Do[api.AuditLogResponse](t, c, http.StatusOK, http.MethodGet, "/api/v2/audit?limit=100&q="+url.QueryEscape(q), nil)
}

// record writes an entry as a person in an organization would leave it.
func record(t *testing.T, d *coderdtest.Deployment, e audit.Entry) {
	t.Helper()
	require.NoError(t, d.DB.InTx(t.Context(), func(q *database.Queries) error { return audit.Record(t.Context(), q, e) }))
}

func TestSearch(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob := d.NewUser(t, owner, "bob")
	org, err := d.DB.GetDefaultOrganization(t.Context())
	require.NoError(t, err)
	record(t, d, audit.Entry{Action: audit.Start, ResourceType: "workspace_build", ResourceID: api.NewID(), Target: "two words", OrganizationID: org.ID,
		UserID: bob.User.ID, Username: "bob", StatusCode: 201, Fields: map[string]any{"build_reason": "autostart"}})
	e := list(t, owner, `resource_target:"two words"`).AuditLogs[0]
	require.Equal(t, "bob", e.User.Username)
	require.Equal(t, "bob@example.com", e.User.Email)
	require.Equal(t, "coder", e.Organization.Name)
	require.Equal(t, "bob started workspace two words", e.Description)
	require.JSONEq(t, `{"build_reason":"autostart"}`, string(e.AdditionalFields))
	made := list(t, owner, "resource_type:user action:create resource_target:bob").AuditLogs[0]
	require.Equal(t, "/users?filter=bob", made.ResourceLink)
	require.False(t, made.IsDeleted)
	require.Equal(t, "127.0.0.1", made.IP)
	require.NotEmpty(t, made.UserAgent)
	today := time.Now().UTC().Format(time.DateOnly)
	all := list(t, owner, "").Count
	for q, want := range map[string]int{
		"build_reason:autostart": 1, "build_reason:autostop": 0, "email:bob@example.com action:start": 1, "username:BOB action:start": 1,
		"organization:coder action:start": 1, "organization:" + org.ID.String() + " action:start": 1, "organization:other": 0,
		"request_id:" + made.RequestID.String() + " resource_type:user": 1, "request_id:" + api.NewID().String(): 0,
		"date_from:" + today + " date_to:" + today: all, "date_to:2020-01-01": 0, "resource_id:" + made.ResourceID.String() + " action:create": 1,
	} {
		got := list(t, owner, q)
		require.Equal(t, want, got.Count, q)
		require.Len(t, got.AuditLogs, want, q)
		require.Equal(t, 10_000, got.CountCap)
	}
	for _, q := range []string{"action:explode", "date_from:soon", "resource_id:1", "colour:red", "bob"} {
		e := coderdtest.Do[api.Error](t, owner, http.StatusBadRequest, http.MethodGet, "/api/v2/audit?q="+url.QueryEscape(q), nil)
		require.Equal(t, "q", e.Validations[0].Field, q)
	}

	coderdtest.Do[any](t, owner, http.StatusOK, http.MethodDelete, "/api/v2/users/bob", nil)
	made = list(t, owner, "resource_type:user action:create resource_target:bob").AuditLogs[0]
	require.True(t, made.IsDeleted)
	require.Empty(t, made.ResourceLink)
	failed, _ := d.Client("").Raw(t, http.MethodPost, "/api/v2/users/login", api.LoginRequest{Email: "admin@example.com", Password: "wrong"})
	require.Equal(t, http.StatusUnauthorized, failed.StatusCode)
	require.Equal(t, "admin failed to sign in", list(t, owner, "action:login").AuditLogs[0].Description)
}

// TestNobodyChangesEntries: the table refuses it of everybody, the server included.
func TestNobodyChangesEntries(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	for _, sql := range []string{`update audit_logs set username = 'eve'`, `delete from audit_logs`, `truncate audit_logs`} {
		_, err := d.DB.Pool().Exec(t.Context(), sql)
		require.ErrorContains(t, err, "never changed", sql)
	}
	for _, r := range d.Server.Routes() {
		if r.Tag == "Audit" {
			require.Equal(t, http.MethodGet, r.Method, r.Path)
		}
	}
	require.Positive(t, list(t, owner, "").Count)
}

func TestRetention(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	s, err := audit.NewService(d.DB)
	require.NoError(t, err)
	fresh := list(t, owner, "").Count
	_, err = d.DB.Pool().Exec(t.Context(), `insert into audit_logs (id, "time", resource_type, resource_id, action)
		select gen_random_uuid(), now() - interval '31 days', 'user', gen_random_uuid(), 'write' from generate_series(1, 25)`)
	require.NoError(t, err)
	for _, want := range []int64{10, 10, 5, 0} {
		n, err := s.DeleteOld(t.Context(), 30*24*time.Hour, 10)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	require.Equal(t, fresh, list(t, owner, "").Count)
	_, err = d.DB.Pool().Exec(t.Context(), `delete from audit_logs`)
	require.Error(t, err, "the right to delete ended with its transaction")
}

func TestExport(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	org, err := d.DB.InsertOrganization(t.Context(), database.InsertOrganizationParams{ID: api.NewID(), Name: "elsewhere"})
	require.NoError(t, err)
	const many = 1203 // more than two reads
	_, err = d.DB.Pool().Exec(t.Context(), `insert into audit_logs (id, "time", organization_id, resource_type, resource_id, resource_target, action)
		select gen_random_uuid(), now() - interval '1 hour' + (n / 7) * interval '1 second', $1, 'template', gen_random_uuid(), n::text, 'write' from generate_series(1, $2::int) n`, org.ID, many)
	require.NoError(t, err)
	res, text := owner.Raw(t, http.MethodGet, "/api/v2/audit/export?q="+url.QueryEscape("resource_type:template organization:elsewhere"), nil)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "application/x-ndjson", res.Header.Get("Content-Type"))
	require.Equal(t, "true", res.Trailer.Get("Coder-Export-Complete"))
	seen, last := map[string]bool{}, time.Now().Add(time.Hour)
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var e api.AuditLog
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e))
		require.False(t, e.Time.After(last), "newest first")
		seen[e.ResourceTarget], last = true, e.Time
	}
	require.Len(t, seen, many, "each once")
	require.Equal(t, many, bytes.Count(text, []byte("\n")))

	member := d.NewUser(t, owner, "bob")
	res, _ = member.Raw(t, http.MethodGet, "/api/v2/audit/export", nil)
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	res, text = owner.Raw(t, http.MethodGet, "/api/v2/audit/export?q=colour:red", nil)
	require.Equal(t, http.StatusBadRequest, res.StatusCode, fmt.Sprintf("%s", text))
}
