package provisionerd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/provisionerd"
	"coder.internal/provisionerd/provisionerdtest"
)

type (
	script  = provisionerdtest.Script
	session = provisionerd.Session
)

func options(t *testing.T, source provisionerd.JobSource, p provisionerd.Provisioner) provisionerd.Options {
	return provisionerd.Options{Source: source, Provisioner: p, Log: slog.New(slog.DiscardHandler), Clock: quartz.NewReal(),
		DaemonID: api.NewID(), Name: "test", WorkDir: filepath.Join(t.TempDir(), "daemon"),
		PollInterval: time.Minute, InterruptTimeout: 10 * time.Second}
}

// start runs a daemon and returns a function that stops it and waits.
func start(t *testing.T, opts provisionerd.Options) func() {
	t.Helper()
	d, err := provisionerd.New(opts)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	var stopped atomic.Bool
	stop := func() {
		cancel()
		if !stopped.Swap(true) {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	return stop
}

func build() jobrpc.Job { return jobrpc.Job{Build: &jobrpc.BuildWork{}} }

// ended waits for the end of a job.
func ended(t *testing.T, q *provisionerdtest.Queue, id api.ID) provisionerdtest.Outcome {
	t.Helper()
	require.Eventually(t, func() bool { return q.Outcome(id).Done }, 20*time.Second, 2*time.Millisecond)
	return q.Outcome(id)
}

func texts(logs []jobrpc.Log) (out []string) {
	for _, l := range logs {
		out = append(out, l.Output)
	}
	return out
}

func TestCompletes(t *testing.T) {
	t.Parallel()
	q := new(provisionerdtest.Queue)
	start(t, options(t, q, &script{OnBuild: func(ctx context.Context, job *jobrpc.Job, s session) (*jobrpc.BuildResult, error) {
		rc, err := s.Archive(ctx)
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(rc)
		for i := range 3 {
			s.Log(jobrpc.Log{Output: fmt.Sprintf("%s %d\x00", b, i)})
		}
		s.State([]byte("s1"), []api.Secret{"token"})
		return &jobrpc.BuildResult{State: []byte("s2")}, errors.Join(err, rc.Close())
	}}))
	first, second := q.Enqueue(build(), []byte("a")), q.Enqueue(build(), []byte("b"))
	out := ended(t, q, first)
	require.Equal(t, "s2", string(out.Complete.Build.State))
	require.Equal(t, []string{"a 0", "a 1", "a 2"}, texts(out.Logs))
	require.Equal(t, "s1", string(out.State), "also the last snapshot is sent before the end")
	require.Equal(t, []string{"b 0", "b 1", "b 2"}, texts(ended(t, q, second).Logs))
}

func TestFails(t *testing.T) {
	t.Parallel()
	q := new(provisionerdtest.Queue)
	start(t, options(t, q, &script{
		OnBuild: func(_ context.Context, _ *jobrpc.Job, s session) (*jobrpc.BuildResult, error) {
			s.State([]byte("half"), nil)
			return nil, fmt.Errorf("wrapped: %w", &provisionerd.Failure{Message: "main.tf line 1: no", Code: "CODE"})
		},
		OnImport: func(context.Context, *jobrpc.Job, session) (*jobrpc.ImportResult, error) { panic("hostile") },
	}))
	out := ended(t, q, q.Enqueue(build(), nil))
	require.Equal(t, "main.tf line 1: no", out.Fail.Error)
	require.Equal(t, "CODE", out.Fail.Code)
	require.Equal(t, "half", string(out.Fail.State))
	out = ended(t, q, q.Enqueue(jobrpc.Job{Import: &jobrpc.ImportWork{}}, nil))
	require.Contains(t, out.Fail.Error, "hostile")
	require.False(t, out.Fail.Retry)
	require.Contains(t, ended(t, q, q.Enqueue(jobrpc.Job{}, nil)).Fail.Error, "upgrade")
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	q := new(provisionerdtest.Queue)
	start(t, options(t, q, &script{OnBuild: func(_ context.Context, _ *jobrpc.Job, s session) (*jobrpc.BuildResult, error) {
		for range 40 {
			s.Log(jobrpc.Log{Output: fmt.Sprintf("%0100000d", 1)})
		}
		return &jobrpc.BuildResult{}, nil
	}}))
	out := ended(t, q, q.Enqueue(build(), nil))
	total := 0
	for _, l := range out.Logs {
		require.LessOrEqual(t, len(l.Output), jobrpc.MaxLogLine)
		total += len(l.Output)
	}
	require.LessOrEqual(t, total, jobrpc.MaxLogBytes)
	require.Contains(t, out.Logs[len(out.Logs)-1].Output, "too long")
}

// until blocks until the work is interrupted, or killed if stubborn.
func until(stubborn bool, started chan<- struct{}) func(context.Context, *jobrpc.Job, session) (*jobrpc.BuildResult, error) {
	return func(ctx context.Context, _ *jobrpc.Job, s session) (*jobrpc.BuildResult, error) {
		s.State([]byte("kept"), nil)
		started <- struct{}{}
		<-ctx.Done()
		if stubborn {
			<-s.Kill
		}
		return nil, ctx.Err()
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	for name, force := range map[string]bool{"graceful": false, "forced": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, started := new(provisionerdtest.Queue), make(chan struct{}, 1)
			start(t, options(t, q, &script{OnBuild: until(force, started)}))
			id := q.Enqueue(build(), nil)
			<-started
			q.Cancel(id, force)
			out := ended(t, q, id)
			require.True(t, out.Fail.Canceled)
			require.False(t, out.Fail.Retry)
			require.Equal(t, "kept", string(out.Fail.State))
		})
	}
}

func TestStopHandsBack(t *testing.T) {
	t.Parallel()
	q, started := new(provisionerdtest.Queue), make(chan struct{}, 1)
	opts := options(t, q, &script{OnBuild: until(true, started)})
	opts.InterruptTimeout = 50 * time.Millisecond
	stop := start(t, opts)
	id := q.Enqueue(build(), nil)
	<-started
	stop()
	out := q.Outcome(id)
	require.False(t, out.Done)
	require.True(t, out.Fail.Retry)
	require.Equal(t, "kept", string(out.Fail.State))
	require.NoFileExists(t, filepath.Join(opts.WorkDir, "job.json"))
}

func TestGrace(t *testing.T) {
	t.Parallel()
	q, started, finish := new(provisionerdtest.Queue), make(chan struct{}, 1), make(chan struct{})
	opts := options(t, q, &script{OnBuild: func(ctx context.Context, _ *jobrpc.Job, _ session) (*jobrpc.BuildResult, error) {
		started <- struct{}{}
		select {
		case <-finish:
			return &jobrpc.BuildResult{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}})
	opts.Grace = time.Minute
	stop := start(t, opts)
	id := q.Enqueue(build(), nil)
	<-started
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	close(finish)
	<-stopped
	require.NotNil(t, q.Outcome(id).Complete, "a job may end within the grace")
}

// flaky loses the answer of every other call, after it was carried out.
type flaky struct {
	*provisionerdtest.Queue
	n atomic.Int64
}

func (f *flaky) lost(err error) error {
	if err == nil && f.n.Add(1)%2 == 1 {
		return errors.New("the answer was lost")
	}
	return err
}

func (f *flaky) Update(ctx context.Context, r jobrpc.UpdateRequest) (jobrpc.UpdateResponse, error) {
	resp, err := f.Queue.Update(ctx, r)
	return resp, f.lost(err)
}

func (f *flaky) Complete(ctx context.Context, r jobrpc.CompleteRequest) error {
	return f.lost(f.Queue.Complete(ctx, r))
}

func TestLostAnswers(t *testing.T) {
	t.Parallel()
	f := &flaky{Queue: new(provisionerdtest.Queue)}
	start(t, options(t, f, &script{OnBuild: func(_ context.Context, _ *jobrpc.Job, s session) (*jobrpc.BuildResult, error) {
		for i := range 5 {
			s.Log(jobrpc.Log{Output: fmt.Sprint(i)})
			s.State([]byte(fmt.Sprint(i)), nil)
		}
		return &jobrpc.BuildResult{}, nil
	}}))
	out := ended(t, f.Queue, f.Enqueue(build(), nil))
	require.Equal(t, []string{"0", "1", "2", "3", "4"}, texts(out.Logs), "each line once")
	require.Equal(t, "4", string(out.State))
	require.NotNil(t, out.Complete)
}

// An attempt that was given to somebody else is killed; its state is kept aside
// and the daemon goes on with the next job.
func TestAttemptOver(t *testing.T) {
	t.Parallel()
	q, started := new(provisionerdtest.Queue), make(chan struct{}, 2)
	runs := atomic.Int64{}
	start(t, options(t, q, &script{OnBuild: func(ctx context.Context, job *jobrpc.Job, s session) (*jobrpc.BuildResult, error) {
		if runs.Add(1) > 1 {
			return &jobrpc.BuildResult{State: []byte("good")}, nil
		}
		started <- struct{}{}
		for ctx.Err() == nil { // say something, so that the answer comes soon
			s.Log(jobrpc.Log{Output: "x"})
			select {
			case <-s.Kill:
			case <-time.After(time.Millisecond):
			}
		}
		<-s.Kill
		s.State([]byte("late"), nil)
		return nil, ctx.Err()
	}}))
	id := q.Enqueue(build(), nil)
	<-started
	q.Expire(id)
	out := ended(t, q, id)
	require.Equal(t, 2, out.Attempt)
	require.Equal(t, "good", string(out.Complete.Build.State))
	require.Equal(t, "late", string(out.Aside[len(out.Aside)-1]))
}

// A lease that ends without an answer ends the work, too. The clock runs while
// the test waits, so that every timer of the loop fires.
func TestLeaseLost(t *testing.T) {
	t.Parallel()
	q, started := new(provisionerdtest.Queue), make(chan struct{}, 2)
	clock := quartz.NewMock(t)
	interrupted := make(chan struct{}, 2)
	opts := options(t, q, &script{OnBuild: func(ctx context.Context, job *jobrpc.Job, s session) (*jobrpc.BuildResult, error) {
		s.State([]byte("kept"), nil)
		started <- struct{}{}
		<-ctx.Done()
		interrupted <- struct{}{}
		return nil, ctx.Err()
	}})
	opts.Clock = clock
	start(t, opts)
	id := q.Enqueue(build(), nil)
	<-started
	require.Eventually(t, func() bool { return q.Outcome(id).State != nil }, 10*time.Second, time.Millisecond)
	q.Break(errors.New("no route"))
	begin := clock.Now()
	advance := func() bool {
		if d, ok := clock.Peek(); ok {
			clock.Advance(min(d, time.Second))
		}
		return true
	}
	require.Eventually(t, func() bool { advance(); return len(interrupted) > 0 }, 20*time.Second, time.Millisecond)
	require.GreaterOrEqual(t, clock.Since(begin), jobrpc.LeaseDuration-time.Second)
	q.Break(nil)
	require.Eventually(t, func() bool { advance(); return q.Outcome(id).Fail != nil }, 20*time.Second, time.Millisecond)
	require.True(t, q.Outcome(id).Fail.Retry)
	require.Equal(t, "kept", string(q.Outcome(id).Fail.State))
	q.Cancel(id, true) // ends the second attempt
	require.Eventually(t, func() bool { advance(); return q.Outcome(id).Done }, 20*time.Second, time.Millisecond)
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	q, started := new(provisionerdtest.Queue), make(chan struct{}, 1)
	opts := options(t, q, &script{OnBuild: until(false, started)})
	opts.InterruptTimeout = 50 * time.Millisecond
	stop := start(t, opts)
	id := q.Enqueue(build(), nil)
	<-started
	q.Break(errors.New("gone")) // nothing can be said any more, as after a kill
	stop()
	require.FileExists(t, filepath.Join(opts.WorkDir, "job.json"))
	q.Break(nil)
	require.Nil(t, q.Outcome(id).Fail)

	opts.Provisioner = &script{
		OnSalvage: func() ([]byte, error) { return []byte("salvaged"), nil },
		OnBuild: func(_ context.Context, job *jobrpc.Job, _ session) (*jobrpc.BuildResult, error) {
			return &jobrpc.BuildResult{State: append([]byte("after "), job.Build.State...)}, nil
		}}
	start(t, opts)
	out := ended(t, q, id)
	require.Equal(t, 2, out.Attempt, "it was handed out again at once")
	require.Equal(t, "after salvaged", string(out.Complete.Build.State))
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(opts.WorkDir, "job.json"))
		return errors.Is(err, os.ErrNotExist)
	}, 10*time.Second, time.Millisecond)
}

func TestWorkDirIsExclusive(t *testing.T) {
	t.Parallel()
	q, started := new(provisionerdtest.Queue), make(chan struct{}, 1)
	opts := options(t, q, &script{OnBuild: until(false, started)})
	start(t, opts)
	q.Enqueue(build(), nil)
	<-started
	d, err := provisionerd.New(opts)
	require.NoError(t, err)
	require.ErrorContains(t, d.Run(t.Context()), "in use by another")
}

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := provisionerd.New(provisionerd.Options{})
	require.Error(t, err)
	opts := options(t, new(provisionerdtest.Queue), &script{})
	opts.PollInterval = 0
	_, err = provisionerd.New(opts)
	require.ErrorContains(t, err, "PollInterval")
}

// Work that is deaf to a cancel is killed after the time it has to end by itself.
func TestCancelKillsTheDeaf(t *testing.T) {
	t.Parallel()
	q, started := new(provisionerdtest.Queue), make(chan struct{}, 1)
	opts := options(t, q, &script{OnBuild: until(true, started)})
	opts.CancelTimeout = 20 * time.Millisecond
	start(t, opts)
	id := q.Enqueue(build(), nil)
	<-started
	began := time.Now()
	q.Cancel(id, false)
	out := ended(t, q, id)
	require.True(t, out.Fail.Canceled)
	require.Equal(t, "kept", string(out.Fail.State))
	require.Less(t, time.Since(began), jobrpc.HeartbeatInterval, "the hint does not wait for a heartbeat")
}
