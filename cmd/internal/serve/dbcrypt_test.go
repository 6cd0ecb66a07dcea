//go:build linux

package serve_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/serve/servetest"
	"coder.internal/coderd/keys"
)

// console is a command at the console of the deployment.
func (w slow) console(args ...string) *exec.Cmd {
	cmd := w.c.Command(append([]string{"server", "dbcrypt"}, args...)...)
	cmd.Env = append(cmd.Env, "CODER_CONFIG_DIR="+filepath.Join(w.s.Dir, "config"), "CODER_PG_CONNECTION_URL="+w.s.DSN,
		"CODER_EXTERNAL_TOKEN_ENCRYPTION_POSTGRES_URL="+w.s.DSN)
	return cmd
}

// secretCount is how many rows of secrets a test adds: many batches.
const secretCount = 3000

// seed adds secrets to a deployment with one template.
func (w slow) seed(t *testing.T) {
	t.Helper()
	ring, err := keys.LoadRing(w.keyFile())
	require.NoError(t, err)
	var names, values []string
	for i := range secretCount {
		sealed, err := ring.Seal(fmt.Appendf(nil, "value %d", i))
		require.NoError(t, err)
		names, values = append(names, fmt.Sprintf("secret-%05d", i)), append(values, base64.StdEncoding.EncodeToString(sealed))
	}
	_, err = connect(t, w.s).Exec(t.Context(), `insert into template_version_variables (template_version_id, ordinal, name, type, value, sensitive)
		select (select id from template_versions limit 1), 100, s.name, 'string', s.value, true from unnest($1::text[], $2::text[]) as s (name, value)`, names, values)
	require.NoError(t, err)
}

func (w slow) keyFile() string { return filepath.Join(w.s.Dir, "config", "encryption.keys") }

// secrets counts the secrets that carry the key's id in front, and wants all to be
// readable with the keys of the file.
func (w slow) secrets(t *testing.T, id []byte) (n int) {
	t.Helper()
	ring, err := keys.LoadRing(w.keyFile())
	require.NoError(t, err)
	rows, err := connect(t, w.s).Query(t.Context(), `select value from template_version_variables where name like 'secret-%' order by name`)
	require.NoError(t, err)
	defer rows.Close()
	all := 0
	for ; rows.Next(); all++ {
		var value string
		require.NoError(t, rows.Scan(&value))
		raw, err := base64.StdEncoding.DecodeString(value)
		require.NoError(t, err)
		plain, err := ring.Open(raw)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("value %d", all), string(plain))
		if bytes.Equal(raw[1:5], id) {
			n++
		}
	}
	require.NoError(t, rows.Err())
	require.Equal(t, secretCount, all)
	return n
}

// killWithin starts a command and kills it once it has changed a random number of
// secrets. It returns how many it had changed when it was dead.
func (w slow) killWithin(t *testing.T, args ...string) int {
	t.Helper()
	at := 1 + rand.IntN(secretCount/2)
	t.Log("kill", args[0], "after", at)
	db := connect(t, w.s)
	const marks = `select count(*) from template_version_variables where name like 'secret-%' and substring(decode(value, 'base64') from 1 for 5) <> $1`
	var before []byte
	require.NoError(t, db.QueryRow(t.Context(), `select substring(decode(value, 'base64') from 1 for 5) from template_version_variables
		where name = 'secret-00000'`).Scan(&before))
	// The last row is held by another, so that the command cannot end by itself.
	held, err := connect(t, w.s).Begin(t.Context())
	require.NoError(t, err)
	_, err = held.Exec(t.Context(), "select 1 from template_version_variables where name = $1 for update", fmt.Sprintf("secret-%05d", secretCount-1))
	require.NoError(t, err)
	cmd := w.console(args...)
	require.NoError(t, cmd.Start())
	n := 0
	for deadline := time.Now().Add(time.Minute); n < at && time.Now().Before(deadline); {
		require.NoError(t, db.QueryRow(t.Context(), marks, before).Scan(&n))
	}
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait(), "killed before its end")
	require.NoError(t, held.Rollback(t.Context()))
	require.NoError(t, db.QueryRow(t.Context(), marks, before).Scan(&n))
	return n
}

func (w slow) dbcrypt(t *testing.T, args ...string) string {
	t.Helper()
	out, err := w.console(args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// startSecret is a deployment with a workspace and many secrets, whose server does
// not run.
func startSecret(t *testing.T) slow {
	t.Helper()
	w := startSlow(t, servetest.Options{})
	w.open(t)
	w.c.OK("create", "demo", "--template", "slow", "-y")
	w.seed(t)
	w.s.Stop()
	return w
}

// A change of keys that is killed at any row leaves everything readable, and goes
// on where it was; so does the way out of encryption, and back.
func TestKilledRotation(t *testing.T) {
	t.Parallel()
	w := startSecret(t)
	done := w.killWithin(t, "rotate", "-y")
	require.Positive(t, done)
	require.Less(t, done, secretCount)
	ring, err := keys.LoadRing(w.keyFile())
	require.NoError(t, err)
	require.Equal(t, done, w.secrets(t, ring.KeyID()))
	require.Contains(t, w.dbcrypt(t, "rotate", "--resume", "-y"), "Everything is encrypted with the new key")
	require.Equal(t, secretCount, w.secrets(t, ring.KeyID()))
	text, err := os.ReadFile(w.keyFile())
	require.NoError(t, err)
	fresh, _, _ := strings.Cut(string(text), "\n")
	require.NoError(t, os.WriteFile(w.keyFile(), []byte(fresh+"\n"), 0o600)) // without the old one
	w.s.Start()
	w.usable(t)
	w.c.OK("create", "demo", "--template", "slow", "-y")
	w.s.Stop()

	clear := make([]byte, 4)
	done = w.killWithin(t, "decrypt", "-y")
	require.Less(t, done, secretCount)
	require.Equal(t, done, w.secrets(t, clear))
	require.Contains(t, w.dbcrypt(t, "decrypt", "-y"), "Nothing in the database is encrypted any more")
	require.Equal(t, secretCount, w.secrets(t, clear))
	require.NoError(t, os.Remove(w.keyFile())) // the next server makes another
	w.s.Start()
	require.NoError(t, os.Truncate(filepath.Join(w.gate, "kept"), 0))
	w.c.OK("stop", "demo", "-y")
	w.c.OK("start", "demo", "-y")
	made, err := os.ReadFile(filepath.Join(w.gate, "kept"))
	require.NoError(t, err)
	require.Empty(t, made, "its state was read")
	w.s.Stop()
	w.dbcrypt(t, "rotate", "--resume", "-y")
	ring, err = keys.LoadRing(w.keyFile())
	require.NoError(t, err)
	require.Equal(t, secretCount, w.secrets(t, ring.KeyID()))
}

// With its keys lost a deployment starts again without what they had sealed.
func TestDeleteEncrypted(t *testing.T) {
	t.Parallel()
	w := startSecret(t)
	require.NoError(t, os.Remove(w.keyFile()))
	out, err := w.console("decrypt", "-y").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "there is no key file")
	out, err = w.console("delete").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "Remove 1 Terraform state of 1 workspace and 3001 secret variables for good?")
	require.Contains(t, w.dbcrypt(t, "delete", "-y"), "Removed: 1 Terraform state of 1 workspace and 3001 secret variables.")
	require.Contains(t, w.dbcrypt(t, "rm", "-y"), "The next server to start may have any key.")
	w.s.Start()
	require.Equal(t, api.WorkspaceRunning, workspace(t, w.c, "demo").LatestBuild.Status)
	require.Contains(t, w.c.OK("delete", "demo", "--orphan", "-y"), "terraform_data.kept")
	w.c.OK("create", "demo", "--template", "slow", "-y")
	w.c.OK("delete", "demo", "-y")
}
