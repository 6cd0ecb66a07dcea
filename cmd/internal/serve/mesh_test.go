//go:build linux

package serve_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/serve/servetest"
	"coder.internal/database"
	"coder.internal/database/dbtest"
)

const ringEnv = "CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// spot is an address of this machine at which nobody listens.
func spot(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+rand.N(250), rand.N(250), 1+rand.N(250)))
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// replicaAt is a server at address whose relay URL is there, too, if not given.
func replicaAt(t *testing.T, dsn, address, access string, env ...string) *servetest.Server {
	t.Helper()
	return servetest.New(t, servetest.Options{PostgresURL: dsn, Args: []string{"--http-address", address},
		Env: append([]string{ringEnv, "CODER_ACCESS_URL=http://" + access, "CODER_DERP_SERVER_RELAY_URL=http://" + address}, env...)})
}

// pair are two servers on one database behind a balancer that prefers the first, with
// a workspace whose agent came by it, and a person who goes to the second one.
func pair(t *testing.T, env ...string) (first, second *servetest.Server, person *servetest.CLI, db *database.DB) {
	t.Helper()
	dsn := dbtest.URL(t)
	a, b := spot(t), spot(t)
	front := balance(t, a, b)
	first, second = replicaAt(t, dsn, a, front, env...), replicaAt(t, dsn, b, front, env...)
	first.Start()
	second.Start()
	person = first.Admin(t)
	person.PushStarter("host")
	person.OK("create", "demo", "--template", "host", "--use-parameter-defaults", "-y")
	person.Setenv("CODER_URL=http://"+b, "CODER_SESSION_TOKEN="+person.Client().Token().Reveal())
	return first, second, person, dbtest.Open(t, dsn)
}

// holders is how many replicas hold the websockets of nodes that are there.
func holders(t *testing.T, db *database.DB) (n int) {
	t.Helper()
	require.NoError(t, db.Pool().QueryRow(t.Context(),
		"select count(distinct replica_id) from network_nodes where fading_since is null and not gone").Scan(&n))
	return n
}

// session is a command in the workspace that repeats lines.
type session struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

func openSession(t *testing.T, c *servetest.CLI) *session {
	t.Helper()
	cmd := c.Command("ssh", "demo", "--", "cat")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		require.NoError(t, cmd.Wait())
	})
	return &session{t, in, bufio.NewReader(out)}
}

func (s *session) repeats(line string) {
	s.t.Helper()
	_, err := io.WriteString(s.in, line+"\n")
	require.NoError(s.t, err)
	text, err := s.out.ReadString('\n')
	require.NoError(s.t, err)
	require.Equal(s.t, line+"\n", text)
}

// TestReplicasMeet: a person on one replica reaches an agent on the other, and goes on
// when the agent's replica is killed.
func TestReplicasMeet(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		path string
	}{
		"relayed": {[]string{"CODER_BLOCK_DIRECT=true"}, " through relay "},
		"direct":  {nil, " direct, at "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, _, person, db := pair(t, c.env...)
			s := openSession(t, person)
			s.repeats("one")
			require.Equal(t, 2, holders(t, db), "agent and person are on one replica")
			require.Contains(t, person.OK("ping", "demo", "--wait", "50ms"), c.path)
			first.Kill()
			s.repeats("two")
			require.Equal(t, "hello\n", person.OK("ssh", "demo", "--", "echo hello"))
		})
	}
}

// TestReplicaLeaves: a replica that stops says so, and hands what it holds to the other.
func TestReplicaLeaves(t *testing.T) {
	t.Parallel()
	first, _, person, db := pair(t, "CODER_BLOCK_DIRECT=true")
	s := openSession(t, person)
	s.repeats("one")
	seen := func() (n int) {
		require.NoError(t, db.Pool().QueryRow(t.Context(), "select count(*) from replicas where latencies <> '{}'").Scan(&n))
		return n
	}
	servetest.Eventually(t, "each has measured the way to the other", func() bool { return seen() == 2 })
	first.Stop()
	require.Contains(t, first.Log(), "stopping: other replicas take over")
	rows, err := db.ListReplicas(t.Context())
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.Nil(t, rows[0].StoppedAt)
	require.NotNil(t, rows[1].StoppedAt)
	s.repeats("two")
	require.Equal(t, "hello\n", person.OK("ssh", "demo", "--", "echo hello"))
}

func TestBadRelayURL(t *testing.T) {
	t.Parallel()
	dsn, there := dbtest.URL(t), spot(t)
	front := spot(t) // nobody asks it
	good := replicaAt(t, dsn, there, front)
	good.Start()
	for name, c := range map[string]struct{ dsn, relay, want string }{
		"another replica's":    {dsn, "http://" + there, "leads to another server of this deployment"},
		"another deployment's": {dbtest.URL(t), "http://" + there, "does not belong to this deployment"},
		"access URL":           {dsn, "http://" + front + "/", "is the access URL"},
		"every address":        {dsn, "http://0.0.0.0:3000", "names no machine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line := oneError(t, replicaAt(t, c.dsn, spot(t), front, "CODER_DERP_SERVER_RELAY_URL="+c.relay).Fail())
			require.Contains(t, line, "--derp-server-relay-url")
			require.Contains(t, line, c.want)
		})
	}
}
