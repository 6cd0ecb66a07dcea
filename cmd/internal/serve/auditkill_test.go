//go:build linux

package serve_test

import (
	"bytes"
	"encoding/json"
	"flag"

	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/serve/servetest"
	"coder.internal/database/dbtest"
)

// Flags of the audit test; `make audit-test` sets them.
const (
	seedFlag  = "seed"
	killsFlag = "kills"
)

// auditFlags defines them. The test reads them by name.
func auditFlags() {
	flag.Uint64(seedFlag, 1, "of the random choices of the audit test")
	flag.Int(killsFlag, 60, "how many servers the audit test kills")
}

// Moments at which a server is killed.
const (
	atEntry  = iota // before the entry is written
	atCommit        // change and entry are written, and not committed
	atAnswer        // they are committed, and the server does not know it yet
	anywhere        // some milliseconds after the request was sent
	moments
)

// killed is a deployment whose server is killed again and again.
type killed struct {
	testing.TB
	s     *servetest.Server
	proxy *pgProxy
	rnd   *rand.Rand
	db    *pgx.Conn // looks; its own connection to Postgres
	lock  *pgx.Conn // holds the log
	token string
	names int

	somebody, group, template, workspace, file string

	result struct {
		Kills      int     `json:"kills"`
		Requests   int     `json:"requests"`
		Changed    int     `json:"changed"`
		Answered   int     `json:"answered"`
		Unanswered int     `json:"changed_unanswered"`
		Wrong      int     `json:"wrong"`
		Seed       uint64  `json:"seed"`
		Seconds    float64 `json:"seconds"`
	}
}

// sent is a change that was asked for.
type sent struct {
	change
	done   chan struct{} // closed after status is set
	status int           // 0: no answer came
}

// TestAuditIsCompleteWhenKilled kills servers between a request and its answer: a
// change is there if and only if exactly one entry is, and what was answered is there.
func TestAuditIsCompleteWhenKilled(t *testing.T) {
	t.Parallel()
	began := time.Now()
	kills := flag.Lookup(killsFlag).Value.(flag.Getter).Get().(int)
	w := startKilled(t, flag.Lookup(seedFlag).Value.(flag.Getter).Get().(uint64))
	kinds := changeKinds()
	w.rnd.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	for n := range kills {
		// Every kind comes to every moment before one comes twice.
		w.round(kinds[n%len(kinds)], (n%len(kinds)+n/len(kinds))%moments, kinds)
	}
	w.result.Seconds = time.Since(began).Seconds()
	line, err := json.Marshal(w.result)
	require.NoError(t, err)
	t.Logf("audit: %s", line)
	require.Zero(t, w.result.Wrong)
	require.Positive(t, w.result.Changed)
	require.Less(t, w.result.Changed, w.result.Requests)
}

// startKilled makes a deployment in which every kind of change can be made.
func startKilled(t *testing.T, seed uint64) *killed {
	t.Helper()
	dsn := dbtest.URL(t)
	w := &killed{TB: t, rnd: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // repeatable on purpose
	w.result.Seed = seed
	var through string
	w.proxy, through = startProxy(t, dsn)
	for _, c := range []**pgx.Conn{&w.db, &w.lock} {
		conn, err := pgx.Connect(t.Context(), dsn+suffix(dsn)+"application_name="+watching)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close(t.Context()) })
		*c = conn
	}
	w.s = servetest.Start(t, servetest.Options{PostgresURL: through, Args: []string{"--allow-workspace-renames"}})
	c := w.s.Admin(t)
	c.PushStarter("host")
	w.token = strings.TrimSpace(c.OK("login", "token"))
	w.somebody = w.user("somebody", false)
	w.group = w.made(inDefault+"/groups", api.CreateGroupRequest{Name: "team"})
	w.made("/api/v2/organizations", api.CreateOrganizationRequest{Name: "lab"})
	require.NoError(t, w.db.QueryRow(t.Context(), `select id::text from templates`).Scan(&w.template))
	require.NoError(t, w.db.QueryRow(t.Context(), `select id::text from files`).Scan(&w.file))
	// From now on nothing is built, so that nothing happens that nobody asked for.
	w.s.Stop()
	w.s.Setenv("CODER_PROVISIONER_DAEMONS=0")
	w.s.Start()
	w.workspace = w.made("/api/v2/users/me/workspaces", w.workspaceRequest("shared"))
	return w
}

// watching is the application name of the test's own connections.
const watching = "watching"

func suffix(dsn string) string {
	if strings.Contains(dsn, "?") {
		return "&"
	}
	return "?"
}

func (w *killed) workspaceRequest(name string) api.CreateWorkspaceRequest {
	id, err := api.ParseID(w.template)
	require.NoError(w, err)
	return api.CreateWorkspaceRequest{Name: name, TemplateID: id}
}

func (w *killed) versionRequest(name string) api.CreateTemplateVersionRequest {
	id, err := api.ParseID(w.file)
	require.NoError(w, err)
	return api.CreateTemplateVersionRequest{Name: name, StorageMethod: "file", Provisioner: "terraform", FileID: id}
}

// key makes a key and returns its id and the whole of it.
func (w *killed) key(path string, body any) (id, secret string) {
	w.Helper()
	var out struct {
		Key string `json:"key"`
	}
	require.NoError(w, json.Unmarshal(w.call(http.MethodPost, path, body), &out))
	id, _, _ = strings.Cut(out.Key, "-")
	return id, out.Key
}

// call makes a request that must succeed.
func (w *killed) call(method, path string, body any) []byte {
	w.Helper()
	status, answer, err := w.ask(http.DefaultClient, change{method: method, path: path, body: body})
	require.NoError(w, err)
	require.Less(w, status, 300, "%s %s: %s", method, path, answer)
	return answer
}

func (w *killed) ask(by *http.Client, c change) (int, []byte, error) {
	body, err := json.Marshal(c.body)
	if err != nil {
		return 0, nil, err
	}
	if c.body == nil {
		body = nil
	}
	req, err := http.NewRequestWithContext(w.Context(), c.method, w.s.URL.String()+c.path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if c.token == "" {
		c.token = w.token
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(api.SessionTokenHeader, c.token)
	res, err := by.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close() //nolint:errcheck // read to the end
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// round sends a change of a kind and a few others, kills the server at a moment of
// the first one, and counts. Then it starts the server again.
func (w *killed) round(kind *changeKind, moment int, kinds []*changeKind) {
	w.Helper()
	changes := []change{w.prepare(kind)}
	for range w.rnd.IntN(4) {
		other := kinds[w.rnd.IntN(len(kinds))]
		if other != kind {
			changes = append(changes, w.prepare(other))
		}
	}
	before := w.count(`select count(*) from audit_logs`)
	hc := &http.Client{Transport: &http.Transport{}}
	w.open(moment)
	all := []*sent{w.send(hc, changes[0])}
	w.reached(all[0], moment)
	for _, c := range changes[1:] {
		all = append(all, w.send(hc, c))
	}
	if moment == anywhere || len(changes) > 1 {
		time.Sleep(time.Duration(w.rnd.IntN(12_000)) * time.Microsecond) // the random moment itself
	}
	w.s.Kill()
	w.close(moment)
	for _, s := range all {
		<-s.done
	}
	hc.CloseIdleConnections()
	servetest.Eventually(w, "Postgres is done with the dead server", func() bool {
		return w.count(`select count(*) from pg_stat_activity where datname = current_database() and application_name <> '`+watching+`'`) == 0
	})
	w.settle(all, moment, before)
	w.s.Start()
}

func (w *killed) prepare(k *changeKind) change {
	w.Helper()
	w.names++
	c := k.make(w, "made-"+strconv.Itoa(w.names))
	c.kind = k
	return c
}

func (w *killed) send(hc *http.Client, c change) *sent {
	s := &sent{change: c, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		if status, _, err := w.ask(hc, c); err == nil {
			s.status = status
		}
	}()
	return s
}

// open makes the moment last.
func (w *killed) open(moment int) {
	w.Helper()
	switch moment {
	case atEntry:
		w.exec(`begin; lock table audit_logs in share mode`)
	case atCommit:
		w.proxy.set(holdCommit)
	case atAnswer:
		w.proxy.set(holdAnswer)
	}
}

func (w *killed) close(moment int) {
	w.Helper()
	if moment == atEntry {
		w.exec(`rollback`)
	}
	w.proxy.set(holdNothing)
}

func (w *killed) exec(sql string) {
	w.Helper()
	_, err := w.lock.Exec(w.Context(), sql)
	require.NoError(w, err)
}

func (w *killed) count(sql string, args ...any) (n int) {
	w.Helper()
	require.NoError(w, w.db.QueryRow(w.Context(), sql, args...).Scan(&n))
	return n
}

// reached waits until the change is at the moment, or was answered all the same.
func (w *killed) reached(s *sent, moment int) {
	w.Helper()
	const session = `select count(*) from pg_stat_activity where datname = current_database() and application_name <> '` + watching + `' and `
	servetest.Eventually(w, "the change is at its moment", func() bool {
		select {
		case <-s.done:
			return true
		default:
		}
		switch moment {
		case atEntry:
			return w.count(session+`wait_event_type = 'Lock' and query ilike '%insert into audit_logs%'`) > 0
		case atCommit:
			return w.count(session+`state = 'idle in transaction' and query ilike '%insert into audit_logs%'`) > 0
		case atAnswer:
			return w.entries(s.change) > 0
		}
		return true
	})
}

// entries counts the entries of a change.
func (w *killed) entries(c change) int {
	w.Helper()
	action, resource, _ := strings.Cut(c.kind.entry, " ")
	return w.count(`select count(*) from audit_logs where action = $1 and resource_type = $2
		and (resource_target = $3 or resource_id::text = $3 or diff::text like '%"' || $3 || '"%' or diff::text like '%:' || $3 || ':%')`, action, resource, c.mark)
}

// settle compares changes and entries.
func (w *killed) settle(all []*sent, moment, before int) {
	w.Helper()
	entries := 0
	for _, s := range all {
		var changed bool
		require.NoError(w, w.db.QueryRow(w.Context(), s.kind.done, s.mark).Scan(&changed), s.kind.name)
		n := w.entries(s.change)
		entries += n
		w.result.Requests++
		right := n == 0
		if changed {
			w.result.Changed++
			right = n == 1
		}
		switch {
		case s.status == 0 && changed:
			w.result.Unanswered++
		case s.status != 0:
			w.result.Answered++
			right = right && changed == (s.status < 300)
		}
		if s.status >= 400 && s.status < 500 {
			right = false // it was not asked in earnest
		}
		if !assert.True(w, right, "%s (%s): changed %v, %d entries, answer %d", s.kind.name, s.mark, changed, n, s.status) {
			w.result.Wrong++
		}
		if s == all[0] && s.status == 0 && moment != anywhere {
			assert.Equal(w, moment == atAnswer, changed, "%s at moment %d", s.kind.name, moment)
		}
	}
	w.result.Kills++
	assert.Equal(w, entries, w.count(`select count(*) from audit_logs`)-before, "entries that belong to no change")
}
