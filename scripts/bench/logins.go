package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/scripts/bench/deploy"
)

const (
	stormClients = 8
	stormLasts   = 3 * time.Second // of one round, with and without sign-ins
	probePause   = 2 * time.Millisecond
	probePath    = "/api/v2/users/me"
)

// logins measures how many sign-ins by password a second the server makes for
// clients that do nothing else, which is bounded on purpose, and what an authorised
// request of somebody else costs meanwhile.
func (b *bench) logins(ctx context.Context) (err error) {
	l, people, password, err := b.newStorm(ctx)
	if err != nil {
		return err
	}
	defer func() {
		l.http.CloseIdleConnections()
		err = errors.Join(err, l.server.Stop())
	}()
	var rate series
	values, err := rounds(ctx, b.n, 1,
		contender{"alone", func(ctx context.Context) ([]float64, error) { return l.probe(ctx) }},
		contender{"beside", func(ctx context.Context) ([]float64, error) {
			probed, perSecond, err := l.storm(ctx, people, password)
			rate = append(rate, perSecond)
			return probed, err
		}})
	if err != nil {
		return err
	}
	alone, beside := values[0], values[1]
	p50, p95 := alone[0].side("alone"), alone[1].side("alone")
	name := fmt.Sprintf("authorised request beside %d clients that sign in", stormClients)
	return errors.Join(b.emit(newFigure(fmt.Sprintf("sign-ins by password, %d clients", stormClients), "1/s", rate[1:], nil)),
		b.emit(newFigure(name+", p50", "ms", beside[0], &p50, atMostTimes(2))),
		b.emit(newFigure(name+", p95", "ms", beside[1], &p95)))
}

// newStorm starts a server with a user for each client. It returns their addresses
// and the one password of all.
func (b *bench) newStorm(ctx context.Context) (l *lister, people []string, password string, err error) {
	dir, err := b.sub("logins")
	if err != nil {
		return nil, nil, "", err
	}
	l = &lister{http: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * stormClients}}}
	if l.server, err = deploy.Start(ctx, b.binary, dir); err != nil {
		return nil, nil, "", err
	}
	password = rand.Text()
	fill := func() error {
		if l.client, err = deploy.Login(ctx, b.binary, filepath.Join(b.dir, "storm"), l.server.URL, password); err != nil {
			return err
		}
		l.owner = l.client.Token()
		for i := range stormClients {
			name := fmt.Sprintf("storm%d", i)
			var u api.User
			if err := l.client.Post(ctx, "/api/v2/users", map[string]any{"username": name, "email": name + "@localhost.example", "password": password}, &u); err != nil {
				return err
			}
			people = append(people, u.Email)
		}
		return nil
	}
	if err := fill(); err != nil {
		return nil, nil, "", errors.Join(err, l.server.Stop())
	}
	return l, people, password, nil
}

// probe makes authorised requests for a while, one after another, and returns the
// median and the 95th percentile in milliseconds.
func (l *lister) probe(ctx context.Context) ([]float64, error) {
	var took []time.Duration
	for end := time.Now().Add(stormLasts); time.Now().Before(end); {
		d, err := l.ask(ctx, l.owner, probePath)
		if err != nil {
			return nil, err
		}
		took = append(took, d)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(probePause):
		}
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return []float64{ms(took[len(took)/2]), ms(took[len(took)*95/100])}, nil
}

// storm lets everybody sign in again and again while it probes. It returns what
// probe does and how many signed in a second.
func (l *lister) storm(ctx context.Context, people []string, password string) ([]float64, float64, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	counts, errs := make([]int, len(people)), make([]error, len(people))
	var clients sync.WaitGroup
	began := time.Now()
	end := began.Add(stormLasts)
	for i, email := range people {
		clients.Go(func() {
			for time.Now().Before(end) && errs[i] == nil {
				if _, errs[i] = l.login(ctx, email, password); errs[i] == nil {
					counts[i]++
				}
			}
		})
	}
	probed, err := l.probe(ctx)
	if err != nil {
		stop()
	}
	clients.Wait()
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return probed, float64(sum) / time.Since(began).Seconds(), errors.Join(err, errors.Join(errs...))
}
