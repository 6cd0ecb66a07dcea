package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"coder.internal/scripts/bench/proc"
	"coder.internal/scripts/ha/session"
)

const (
	notifyRate    = 500 // transactions a second
	notifyClients = 4
	commitClients = 8
	outageLasts   = 30 * time.Second
	outageAgents  = 200
	beatEvery     = 10 * time.Millisecond
	beatSize      = 1 << 10
)

// haNotify measures how much the transactions that notify hold up the others, beside
// as many that do not. The replicas listen.
func (b *bench) haNotify(ctx context.Context, s *several) error {
	conn, err := pgx.Connect(ctx, s.Postgres.URL())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it has done its work
	if _, err := conn.Exec(ctx, "create table if not exists bench_commits (id bigint generated always as identity, at timestamptz default now())"); err != nil {
		return err
	}
	values, err := rounds(ctx, b.n, 1, commits("notifying", s.Postgres.URL(), "select pg_notify('coder_events', 'bench')"),
		commits("plain", s.Postgres.URL(), "select pg_sleep(0)"))
	if err != nil {
		return err
	}
	ref := values[1][0].side(fmt.Sprintf("beside %d plain transactions a second", notifyRate))
	f := newFigure(fmt.Sprintf("commits beside %d notifying transactions a second, %d clients", notifyRate, commitClients), "1/s", values[0][0], &ref, atLeastTimes(0.8))
	f.Also = []side{values[0][1].side("transactions that notified, a second"), values[1][1].side("plain transactions, a second")}
	return b.emit(f)
}

// commits counts inserts a second, and the paced transactions beside them.
func commits(what, url, statement string) contender {
	return contender{what, func(ctx context.Context) ([]float64, error) {
		var inserts, others atomic.Int64
		var mu sync.Mutex
		var all error
		began := time.Now()
		var wg sync.WaitGroup
		work := func(pace time.Duration, done *atomic.Int64, extra string) {
			wg.Go(func() {
				if err := commit(ctx, url, extra, pace, began, done); err != nil {
					mu.Lock()
					defer mu.Unlock()
					all = errors.Join(all, err)
				}
			})
		}
		for range commitClients {
			work(0, &inserts, "")
		}
		for range notifyClients {
			work(time.Second*notifyClients/notifyRate, &others, statement)
		}
		wg.Wait()
		took := time.Since(began).Seconds()
		return []float64{float64(inserts.Load()) / took, float64(others.Load()) / took}, all
	}}
}

// commit makes transactions of one insert, and of one more statement if there is
// one, each at its time when they are paced.
func commit(ctx context.Context, url, extra string, pace time.Duration, began time.Time, done *atomic.Int64) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it has done its work
	for next := time.Now(); time.Since(began) < haLasts; next = next.Add(pace) {
		time.Sleep(time.Until(next))
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "insert into bench_commits default values"); err != nil || extra == "" {
				return err
			}
			_, err := tx.Exec(ctx, extra)
			return err
		})
		if err != nil {
			return err
		}
		done.Add(1)
	}
	return nil
}

// session opens a session to the workspace; relayed ones may not go directly.
func (s *several) session(ctx context.Context, relayed bool) (*session.Session, error) {
	spec, name := s.person.Spec("ssh", workspaceName, "cat"), "direct"
	if relayed {
		name, spec.Env = "relayed", append(spec.Env, "CODER_DISABLE_DIRECT_CONNECTIONS=true")
	}
	opening, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return session.Open(opening, name, spec, beatEvery, beatSize)
}

// haStall measures how long an ssh session whose packets go through a relay stands
// still when that relay's replica is killed. Each replica is killed in turn, since
// the ends may use different ones; the longest pause counts.
func (b *bench) haStall(ctx context.Context, s *several) error {
	var longest series
	for range min(b.n, 3) {
		one, err := s.session(ctx, true)
		if err != nil {
			return err
		}
		for _, r := range s.Replicas {
			if err = b.killUnder(ctx, s, r.Kill, one); err != nil {
				break
			}
		}
		pause := one.Longest()
		beats, closeErr := one.Close()
		if err := errors.Join(err, closeErr); err != nil {
			return err
		}
		b.say("relayed session: %d beats, longest pause %s", beats, pause)
		longest = append(longest, seconds(pause))
	}
	return b.emit(newFigure("longest pause of a relayed ssh session while each replica is killed once, nothing lost", "s", longest, nil, atMost(3)))
}

// killUnder kills and starts again while a session goes on, which must then move.
func (b *bench) killUnder(ctx context.Context, s *several, kill func() error, one *session.Session) error {
	if err := kill(); err != nil {
		return err
	}
	if err := b.settle(ctx, haGapWatch); err != nil {
		return err
	}
	if err := s.whole(ctx); err != nil {
		return err
	}
	return moves(ctx, one)
}

// moves waits until something comes through the session again.
func moves(ctx context.Context, one *session.Session) error {
	before := one.Beats()
	return proc.Until(ctx, "the session to move", beatEvery, time.Minute, func() (bool, error) {
		select {
		case <-one.Done():
			return false, errors.New("it has ended")
		default:
		}
		return one.Beats() > before+1, nil
	})
}

// haOutage kills all replicas for a while. A direct ssh session has to live, and
// agents have to come back without asking all the time.
func (b *bench) haOutage(ctx context.Context, s *several) (err error) {
	tokens, err := b.spareAgents(ctx, s.person, outageAgents/fleetEach, fleetEach)
	if err != nil {
		return err
	}
	f, err := b.company(s.URL(), tokens)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.process.Stop(syscall.SIGTERM, 30*time.Second)) }()
	if _, err := f.await(ctx, outageAgents, time.Now()); err != nil {
		return err
	}
	one, err := s.session(ctx, false)
	if err != nil {
		return err
	}
	err = b.outage(ctx, s, f)
	if err == nil {
		err = moves(ctx, one)
	}
	pause := one.Longest()
	beats, closeErr := one.Close()
	if err := errors.Join(err, closeErr); err != nil {
		return err
	}
	figure := newFigure(fmt.Sprintf("longest pause of a direct ssh session while all replicas are away for %s, nothing lost", outageLasts), "s", series{seconds(pause)}, nil, atMost(3))
	figure.Also = []side{series{float64(beats)}.side("lines that came back")}
	return b.emit(figure)
}

// outage kills all, waits, starts all, and counts how the agents come back.
func (b *bench) outage(ctx context.Context, s *several, f *company) error {
	before, err := s.Balancer.Totals()
	if err != nil {
		return err
	}
	for _, r := range s.Replicas {
		if err := r.Kill(); err != nil {
			return err
		}
	}
	if err := b.settle(ctx, outageLasts); err != nil {
		return err
	}
	start := time.Now()
	if err := s.whole(ctx); err != nil {
		return err
	}
	up := time.Since(start)
	at, err := f.await(ctx, outageAgents, start)
	if err != nil {
		return fmt.Errorf("after all replicas were away: %w", err)
	}
	after, err := s.Balancer.Totals()
	if err != nil {
		return err
	}
	dials := newFigure(fmt.Sprintf("connections of each of %d agents from the kill of all replicas until all agents are back, on average", outageAgents), "1",
		series{float64(after.Connections-before.Connections) / outageAgents}, nil, atMost(10))
	dials.Also = []side{series{float64(after.Requests-before.Requests) / outageAgents}.side("requests of each")}
	back := newFigure(fmt.Sprintf("%d agents back after %s without a replica, from the start of the replicas on", outageAgents, outageLasts), "s", series{seconds(at.Sub(start))}, nil)
	back.Also = []side{series{seconds(up)}.side("all replicas serve")}
	return errors.Join(b.emit(dials), b.emit(back))
}
