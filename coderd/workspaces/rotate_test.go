package workspaces_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/keys"
	"coder.internal/database"
)

// plainBytes are the binary columns that hold nothing sealed; all others are
// sealed and must be part of a rotation.
var plainBytes = map[string]bool{"api_keys.hashed_secret": true, "files.data": true, "template_modules.data": true,
	"provisioner_job_agent_tokens.token_hash": true,
	"workspace_agents.auth_token_hash":        true, "workspace_agent_log_sources.last_batch": true, "provisioner_keys.hashed_secret": true,
	"external_auth_flows.state_hash": true}

var sealedBytes = map[string]bool{"signing_keys.secret": true, "workspace_build_states.state": true, "provisioner_job_strays.payload": true, "template_version_inputs.variables": true,
	"git_ssh_keys.private_key": true, "provisioner_plans.variables": true, "external_auth_links.token": true}

// TestRotate changes the key of a deployment that is in use, is interrupted, and
// goes on.
func TestRotate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	pool := r.d.DB.Pool()
	for i := range 9 {
		r.create(r.member, r.template(fmt.Sprintf("tpl-%d", i)), fmt.Sprintf("dev-%d", i))
		r.complete(r.acquire(), jobrpc.BuildResult{State: stateOf(i, "a")})
	}
	seal := func(text string) []byte {
		b, err := r.d.Ring.Seal([]byte(text))
		require.NoError(t, err)
		return b
	}
	exec := func(sql string, args ...any) {
		_, err := pool.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	exec(`insert into template_version_inputs select id, $1 from template_versions limit 3 on conflict do nothing`, seal("[]"))
	exec(`insert into template_version_variables (template_version_id, ordinal, name, type, value, sensitive)
		select id, 0, 'secret', 'string', $1, true from template_versions limit 4`, base64.StdEncoding.EncodeToString(seal("value")))
	exec(`insert into template_version_variables (template_version_id, ordinal, name, type, value, sensitive)
		select id, 1, 'plain', 'string', 'not base64!', false from template_versions limit 4`)
	exec(`insert into provisioner_job_strays (id, job_id, attempt, kind, payload) select gen_random_uuid(), id, 1, 'fail', $1 from provisioner_jobs limit 5`, seal("{}"))
	exec(`insert into git_ssh_keys (user_id, public_key, private_key) select id, '', $1 from users limit 1 on conflict do nothing`, seal("key"))
	exec(`insert into external_auth_links (provider_id, user_id, token, has_refresh) select 'git', id, $1, false from users`, seal("{}"))
	exec(`insert into site_configs (key, value) values ($1, $2)`, keys.CheckConfig, base64.StdEncoding.EncodeToString(seal("coder")))

	fresh := bytes.Repeat([]byte{7}, keys.KeySize)
	ring, err := keys.NewRing(fresh, make([]byte, keys.KeySize))
	require.NoError(t, err)
	only, err := keys.NewRing(fresh)
	require.NoError(t, err)
	require.ErrorContains(t, keys.Rotate(t.Context(), r.d.DB, only, func(int) {}), "add it to the old keys")

	ctx, cancel := context.WithCancel(t.Context())
	first := 0
	err = keys.Rotate(ctx, r.d.DB, ring, func(n int) { first = n; cancel() })
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 4, first, "one batch of states was done")
	sealed := func() (out [][]byte) {
		rows, err := pool.Query(t.Context(), `select state from workspace_build_states union all select payload from provisioner_job_strays
			union all select variables from template_version_inputs union all select private_key from git_ssh_keys
			union all select token from external_auth_links
			union all select decode(value, 'base64') from template_version_variables where sensitive
			union all select decode(value, 'base64') from site_configs where key = $1`, keys.CheckConfig)
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			var b []byte
			require.NoError(t, rows.Scan(&b))
			out = append(out, b)
		}
		return out
	}
	count := func(with *keys.Ring) (n int) {
		for _, b := range sealed() {
			if _, err := with.Open(b); err == nil {
				n++
			}
		}
		return n
	}
	all := len(sealed())
	require.Equal(t, first, count(only))
	require.Equal(t, all, count(ring), "servers that have both keys can read everything at any time")

	total := 0
	require.NoError(t, keys.Rotate(t.Context(), r.d.DB, ring, func(n int) { total = n }))
	require.Equal(t, all, first+total)
	require.Equal(t, all, count(only), "the old key is not needed any more")
	require.NoError(t, keys.Rotate(t.Context(), r.d.DB, only, func(int) { t.Error("there is nothing left to do") }))

	// Without encryption any key will do; half done, the right key still does.
	other, err := keys.NewRing(bytes.Repeat([]byte{9}, keys.KeySize))
	require.NoError(t, err)
	plain, err := only.Clear()
	require.NoError(t, err)
	ctx, cancel = context.WithCancel(t.Context())
	require.ErrorIs(t, keys.Rotate(ctx, r.d.DB, plain, func(int) { cancel() }), context.Canceled)
	require.Equal(t, first, count(other))
	require.Equal(t, all, count(only))
	wrong, err := other.Clear()
	require.NoError(t, err)
	require.ErrorContains(t, keys.Rotate(t.Context(), r.d.DB, wrong, func(int) {}), "not among those given")
	require.NoError(t, keys.Rotate(t.Context(), r.d.DB, plain, func(int) {}))
	require.Equal(t, all, count(other))
	sealedOnes, err := keys.Count(t.Context(), r.d.DB.Queries)
	require.NoError(t, err)
	require.Zero(t, sealedOnes)

	// Encrypted again, for keys that are then lost.
	require.NoError(t, keys.Rotate(t.Context(), r.d.DB, other, func(int) {}))
	sealedOnes, err = keys.Count(t.Context(), r.d.DB.Queries)
	require.NoError(t, err)
	require.EqualValues(t, 9, sealedOnes.States)
	require.EqualValues(t, 9, sealedOnes.Workspaces)
	require.EqualValues(t, all-1, sealedOnes.States+sealedOnes.Strays+sealedOnes.Variables+sealedOnes.SSHKeys+sealedOnes.ExternalAuths)
	require.NoError(t, r.d.DB.InTx(t.Context(), func(q *database.Queries) error { return keys.Discard(t.Context(), q) }))
	require.Zero(t, count(other))
	left := ""
	require.NoError(t, pool.QueryRow(t.Context(), `select string_agg(distinct name || '=' || value, ' ' order by name || '=' || value)
		from template_version_variables`).Scan(&left))
	require.Equal(t, "plain=not base64! secret=", left)
}

// A binary column that is added later must be sealed and rotated, or be known as
// one that needs no key.
func TestEveryBinaryColumnIsKnown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rows, err := r.d.DB.Pool().Query(t.Context(), `select table_name || '.' || column_name from information_schema.columns
		where data_type = 'bytea' and table_schema = current_schema()`)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		require.True(t, plainBytes[name] != sealedBytes[name], "%s: add it to coderd/keys.Rotate if it is sealed, and to one of the lists here", name)
	}
	require.NoError(t, rows.Err())
}

// Where the states went with lost keys, an orphan delete announces what the last
// build made.
func TestLostStatesLeaveTheirResources(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.create(r.member, r.template("plain"), "dev")
	r.complete(r.acquire(), jobrpc.BuildResult{State: stateOf(1, "a"),
		Resources: []jobrpc.Resource{{Address: "docker_volume.home", Type: "docker_volume", Name: "home"}}})
	require.NoError(t, r.d.DB.InTx(t.Context(), func(q *database.Queries) error { return keys.Discard(t.Context(), q) }))
	got := coderdtest.Do[[]api.WorkspaceStateResource](t, r.owner, http.StatusOK, http.MethodGet,
		"/api/v2/workspacebuilds/"+w.LatestBuild.ID.String()+"/state/resources", nil)
	require.Equal(t, []api.WorkspaceStateResource{{Address: "docker_volume.home", Type: "docker_volume", Name: "home"}}, got)
}
