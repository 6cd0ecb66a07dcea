package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"coder.internal/api"
	"coder.internal/scripts/bench/deploy"
	"coder.internal/scripts/bench/proc"
)

const (
	listPage  = 25
	listBlock = 50 // requests of one round
	listMany  = 16 // clients at once
	fewOwned  = 20 // workspaces of the member
)

// lists measures lists of workspaces beside one SQL statement that reads the same
// rows, with 1,000 and with 10,000 workspaces, for the owner of the deployment and
// for a member who has 20 of them. The workspaces are made in SQL.
func (b *bench) lists(ctx context.Context) (err error) {
	l, err := b.newLister(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	small, err := l.measure(ctx, b, 1_000)
	if err != nil {
		return err
	}
	large, err := l.measure(ctx, b, 10_000)
	if err != nil {
		return err
	}
	for i, who := range []string{"owner", "member with 20"} {
		ref := small[i].side("of 1,000")
		if err := b.emit(newFigure("list of 25 of 10,000 workspaces, "+who+", beside 1,000", "ms", large[i], &ref, atMostTimes(1.2))); err != nil {
			return err
		}
	}
	return errors.Join(l.command(ctx, b), l.overhead(ctx, b))
}

// lister is a server with its database open.
type lister struct {
	server        *deploy.Server
	client        *deploy.Client
	db            *pgx.Conn
	http          *http.Client
	owner, member string // session tokens
	memberID      string
}

func (b *bench) newLister(ctx context.Context) (l *lister, err error) {
	dir, err := b.sub("lists")
	if err != nil {
		return nil, err
	}
	l = &lister{http: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: listMany}}}
	if l.server, err = deploy.Start(ctx, b.binary, dir); err != nil {
		return nil, err
	}
	if err := l.open(ctx, b, dir); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *lister) open(ctx context.Context, b *bench, dir string) error {
	password := rand.Text()
	var err error
	if l.client, err = deploy.Login(ctx, b.binary, filepath.Join(b.dir, "lister"), l.server.URL, password); err != nil {
		return err
	}
	var org struct{ ID api.ID }
	if err := l.client.Get(ctx, "/api/v2/organizations/default", &org); err != nil {
		return err
	}
	var user api.User
	if err := l.client.Post(ctx, "/api/v2/users", map[string]any{"username": "few", "email": "few@localhost.example",
		"password": password, "organization_ids": []api.ID{org.ID}}, &user); err != nil {
		return err
	}
	l.memberID = user.ID.String()
	if l.owner, err = l.login(ctx, "admin@localhost.example", password); err != nil {
		return err
	}
	if l.member, err = l.login(ctx, "few@localhost.example", password); err != nil {
		return err
	}
	res, err := proc.Run(ctx, proc.Spec{Path: b.binary, Args: []string{"server", "postgres-builtin-url", "--raw-url"}, Dir: dir,
		Env: []string{"HOME=" + filepath.Join(dir, "home"), "CODER_CONFIG_DIR=" + filepath.Join(dir, "config"), "CODER_CACHE_DIRECTORY=" + l.server.Cache()}})
	if err != nil {
		return err
	}
	l.db, err = pgx.Connect(ctx, strings.TrimSpace(res.Stdout))
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	return nil
}

func (l *lister) close() error {
	var err error
	if l.db != nil {
		err = l.db.Close(context.Background()) //nolint:contextcheck // the run may have been stopped
	}
	l.http.CloseIdleConnections()
	return errors.Join(err, l.server.Stop())
}

func (l *lister) login(ctx context.Context, email, password string) (string, error) {
	body, err := json.Marshal(map[string]string{"email": email, "password": password})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.server.URL+"/api/v2/users/login", strings.NewReader(string(body)))
	if err != nil {
		return "", err
	}
	res, err := l.http.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close() //nolint:errcheck // read below
	var out struct {
		SessionToken string `json:"session_token"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&out); err != nil || out.SessionToken == "" {
		return "", fmt.Errorf("sign in as %s: %s: %w", email, res.Status, err)
	}
	return out.SessionToken, nil
}

// ask makes one request and reads its whole answer. It returns how long that took.
func (l *lister) ask(ctx context.Context, token, path string) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.server.URL+path, nil)
	if err != nil {
		return 0, err
	}
	if token != "" {
		req.Header.Set(api.SessionTokenHeader, token)
	}
	start := time.Now()
	res, err := l.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return 0, err
	}
	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("GET %s: %s", path, res.Status)
	}
	return time.Since(start), nil
}

// block is a contender with the median and the 95th percentile, in milliseconds, of
// several requests.
func block(what string, requests func(ctx context.Context) ([]time.Duration, error)) contender {
	return contender{what, func(ctx context.Context) ([]float64, error) {
		took, err := requests(ctx)
		if err != nil {
			return nil, err
		}
		slices.Sort(took)
		ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
		return []float64{ms(took[len(took)/2]), ms(took[len(took)*95/100])}, nil
	}}
}

// inTurn makes the requests of a block one after another.
func inTurn(one func(context.Context) (time.Duration, error)) func(context.Context) ([]time.Duration, error) {
	return func(ctx context.Context) (took []time.Duration, err error) {
		took = make([]time.Duration, listBlock)
		for i := range took {
			if took[i], err = one(ctx); err != nil {
				return nil, err
			}
		}
		return took, nil
	}
}

// bareList reads with one statement what an answer holds: the columns that the
// server reads for it, of the same rows. %s narrows it.
const bareList = `
select (select count(*) from workspaces w where not w.deleted %[1]s), w.*, u.username, u.avatar_url, o.name,
	t.name, t.display_name, t.icon, t.active_version_id, t.allow_user_cancel_workspace_jobs, t.require_active_version, t.use_classic_parameter_flow,
	b.*, j.*, v.name, i.username, r.*, a.*,
	(select jsonb_agg(p) from workspace_apps p where p.agent_id = a.id),
	(select jsonb_agg(s) from workspace_agent_scripts s where s.agent_id = a.id),
	(select jsonb_agg(l) from workspace_agent_log_sources l where l.agent_id = a.id),
	(select g.relays from workspace_agent_usage g where g.agent_id = a.id)
from (select * from workspaces w where not w.deleted %[1]s order by w.last_used_at desc, w.id limit 25) w
join users u on u.id = w.owner_id
join organizations o on o.id = w.organization_id
join templates t on t.id = w.template_id
join lateral (select * from workspace_builds b where b.workspace_id = w.id and not b.refused order by b.build_number desc limit 1) b on true
join provisioner_jobs j on j.id = b.job_id
join template_versions v on v.id = b.template_version_id
join users i on i.id = b.initiator_id
left join workspace_resources r on r.job_id = j.id
left join workspace_agents a on a.resource_id = r.id`

func (l *lister) bare(ctx context.Context, narrow string, args ...any) (time.Duration, error) {
	start := time.Now()
	rows, err := l.db.Query(ctx, fmt.Sprintf(bareList, narrow), args...)
	if err != nil {
		return 0, err
	}
	n := 0
	for rows.Next() {
		if _, err := rows.Values(); err != nil {
			return 0, err
		}
		n++
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("bare list: %w", err)
	}
	if n < fewOwned {
		return 0, fmt.Errorf("bare list: %d rows", n)
	}
	return time.Since(start), nil
}

// measure fills the database up to total and emits the figures of lists. It returns
// the medians of the owner and of the member.
func (l *lister) measure(ctx context.Context, b *bench, total int) ([]series, error) {
	if err := l.fill(ctx, total); err != nil {
		return nil, err
	}
	list := func(token string) func(context.Context) (time.Duration, error) {
		return func(ctx context.Context) (time.Duration, error) {
			return l.ask(ctx, token, fmt.Sprintf("/api/v2/workspaces?limit=%d", listPage))
		}
	}
	values, err := rounds(ctx, b.n, 1, block("owner", inTurn(list(l.owner))),
		block("SQL of owner", inTurn(func(ctx context.Context) (time.Duration, error) { return l.bare(ctx, "") })),
		block("member", inTurn(list(l.member))),
		block("SQL of member", inTurn(func(ctx context.Context) (time.Duration, error) {
			return l.bare(ctx, "and w.owner_id = $1", l.memberID)
		})))
	if err != nil {
		return nil, err
	}
	for i, who := range []string{"owner", "member with 20"} {
		ours, sql := values[2*i], values[2*i+1]
		name := fmt.Sprintf("list of %d of %d workspaces, %s", listPage, total, who)
		ref := sql[0].side("one SQL statement")
		if err := errors.Join(b.emit(newFigure(name+", p50", "ms", ours[0], &ref, atMostTimes(2))),
			b.emit(newFigure(name+", p95", "ms", ours[1], nil, atMost(50)))); err != nil {
			return nil, err
		}
	}
	return []series{values[0][0], values[2][0]}, l.together(ctx, b, total, list(l.owner))
}

// together measures pages that many clients ask for at once.
func (l *lister) together(ctx context.Context, b *bench, total int, list func(context.Context) (time.Duration, error)) error {
	values, err := rounds(ctx, b.n, 1, block("many owners", func(ctx context.Context) ([]time.Duration, error) {
		took := make([]time.Duration, listMany*listBlock)
		g, ctx := errgroup.WithContext(ctx)
		for c := range listMany {
			g.Go(func() (err error) {
				for i := range listBlock {
					if took[c*listBlock+i], err = list(ctx); err != nil {
						return err
					}
				}
				return nil
			})
		}
		return took, g.Wait()
	}))
	if err != nil {
		return err
	}
	name := fmt.Sprintf("list of %d of %d workspaces, owner, %d clients", listPage, total, listMany)
	return errors.Join(b.emit(newFigure(name+", p50", "ms", values[0][0], nil, atMost(60))),
		b.emit(newFigure(name+", p95", "ms", values[0][1], nil)))
}

// fill adds running workspaces with an agent each until there are total of them,
// and gives 20 of the first ones to the member.
func (l *lister) fill(ctx context.Context, total int) error {
	tx, err := l.db.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx) //nolint:errcheck // committed below
	for _, s := range []string{seedTemplate, fmt.Sprintf(seedWorkspaces, total)} {
		if _, err := tx.Exec(ctx, s); err != nil {
			return fmt.Errorf("fill the database: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, `update workspaces set owner_id = $1 where id in (select id from workspaces where
		not exists (select 1 from workspaces where owner_id = $1) order by name limit $2)`, l.memberID, fewOwned); err != nil {
		return fmt.Errorf("give workspaces away: %w", err)
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	_, err = l.db.Exec(ctx, "vacuum analyze")
	return err
}

// seedTemplate makes a template once; seedWorkspaces adds what is missing to %d.
const (
	seedTemplate = `
do $$
declare person uuid; org uuid; file uuid := gen_random_uuid(); job uuid := gen_random_uuid();
	version uuid := gen_random_uuid(); template uuid := gen_random_uuid();
begin
	if exists (select 1 from templates) then return; end if;
	select id into person from users where username = 'admin';
	select id into org from organizations where is_default;
	insert into files (id, hash, mimetype, data, created_by) values (file, 'h', 'application/x-tar', '', person);
	insert into provisioner_jobs (id, organization_id, initiator_id, type, status, file_id, subject_id)
		values (job, org, person, 'template_version_import', 'succeeded', file, version);
	insert into templates (id, organization_id, name, active_version_id, created_by) values (template, org, 'plain', version, person);
	insert into template_versions (id, template_id, organization_id, name, job_id, file_id, created_by)
		values (version, template, org, 'v1', job, file, person);
end $$`
	seedWorkspaces = `
do $$
declare person uuid; t record;
begin
	select id into person from users where username = 'admin';
	select x.id, x.organization_id, x.active_version_id, v.file_id into t from templates x join template_versions v on v.id = x.active_version_id;
	create temp table seeds on commit drop as select i, gen_random_uuid() w, gen_random_uuid() bu, gen_random_uuid() j,
		gen_random_uuid() r, gen_random_uuid() a from generate_series((select count(*) from workspaces) + 1, %d) i;
	insert into workspaces (id, organization_id, owner_id, template_id, name, last_used_at)
		select w, t.organization_id, person, t.id, 'ws-' || i, now() - i * interval '1 second' from seeds;
	insert into provisioner_jobs (id, organization_id, initiator_id, type, status, file_id, subject_id)
		select j, t.organization_id, person, 'workspace_build', 'succeeded', t.file_id, bu from seeds;
	insert into workspace_builds (id, workspace_id, template_version_id, build_number, transition, initiator_id, job_id)
		select bu, w, t.active_version_id, 1, 'start', person, j from seeds;
	insert into workspace_resources (id, job_id, ordinal, transition, type, name) select r, j, 0, 'start', 't', 'n' from seeds;
	insert into workspace_agents (id, resource_id, workspace_build_id, ordinal, name, operating_system, architecture)
		select a, r, bu, 0, 'main', 'linux', 'amd64' from seeds;
end $$`
)

// command measures `coder list --all` of everything there is.
func (l *lister) command(ctx context.Context, b *bench) error {
	values, err := rounds(ctx, b.n, 1, single("coder list", func(ctx context.Context) (time.Duration, error) {
		spec := l.client.Spec("list", "--all")
		spec.Stdout = io.Discard
		res, err := proc.Run(ctx, spec)
		return res.Wall, err
	}))
	if err != nil {
		return err
	}
	return b.emit(newFigure("coder list of 10,000 workspaces", "s", values[0][0], nil, atMost(1.5)))
}

// overhead measures what a sign-in costs a request: one with a trivial handler
// beside one with a trivial handler that needs none.
func (l *lister) overhead(ctx context.Context, b *bench) error {
	var more series
	for range b.n {
		values, err := rounds(ctx, 200, 20,
			single("signed in", func(ctx context.Context) (time.Duration, error) { return l.ask(ctx, l.owner, "/api/v2/regions") }),
			single("public", func(ctx context.Context) (time.Duration, error) { return l.ask(ctx, "", "/api/v2/updatecheck") }))
		if err != nil {
			return err
		}
		more = append(more, (values[0][0].side("").Median-values[1][0].side("").Median)*1e6)
	}
	return b.emit(newFigure("authorised request over its handler alone", "µs", more, nil, atMost(150)))
}
