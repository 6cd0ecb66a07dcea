package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"coder.internal/scripts/bench/plain"
	"coder.internal/scripts/bench/proc"
)

const (
	requestTime = 2 * time.Second // of one value
	idleStreams = 2000
)

// streamSide are the processes of the group: a backend, our way to it, and others.
type streamSide struct {
	stops            []func() error
	backend          string
	replica, carrier *proc.Process
	ours, direct     string // addresses
	nginx            string
}

// streams measures a plain reverse proxy whose backend connections are streams on
// one that the agent holds, beside nginx and the same proxy to the same backend.
func (b *bench) streams(ctx context.Context) (err error) {
	s := &streamSide{}
	defer func() {
		for _, stop := range slices.Backward(s.stops) {
			err = errors.Join(err, stop())
		}
	}()
	if err := b.startStreams(ctx, s); err != nil {
		return err
	}
	for _, conns := range []int{1, 32} {
		if err := b.smallAnswers(ctx, s, conns); err != nil {
			return err
		}
	}
	if err := b.download(ctx, s); err != nil {
		return err
	}
	return b.idleStreams(ctx, s)
}

func (b *bench) startStreams(ctx context.Context, s *streamSide) error {
	dir, err := b.sub("streams")
	if err != nil {
		return err
	}
	start := func(what, listen string, args ...string) (*proc.Process, error) {
		p, err := proc.Start(what, filepath.Join(dir, b.unique(what)+".log"), proc.Spec{Path: b.node, Dir: dir,
			Env: []string{"HOME=" + dir, "PATH=" + envPath()}, Args: append([]string{what}, args...)})
		if err != nil {
			return nil, err
		}
		s.stops = append(s.stops, func() error { return p.Stop(syscall.SIGTERM, 5*time.Second) })
		if listen == "" {
			return p, nil
		}
		return p, p.Answers(ctx, listen)
	}
	for _, a := range []*string{&s.backend, &s.ours, &s.direct} {
		port, err := proc.FreePort()
		if err != nil {
			return err
		}
		*a = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	if _, err := start("backend", s.backend, "-listen", s.backend); err != nil {
		return err
	}
	if _, err := start("replica", s.direct, "-listen", s.direct, "-backend", s.backend, "-direct"); err != nil {
		return err
	}
	if s.replica, err = start("replica", s.ours, "-listen", s.ours, "-backend", s.backend); err != nil {
		return err
	}
	if s.carrier, err = start("carrier", "", "-url", "http://"+s.ours); err != nil {
		return err
	}
	nginx, err := plain.StartNginx(ctx, dir, s.backend)
	if err != nil {
		return err
	}
	s.nginx, s.stops = nginx.Addr, append(s.stops, nginx.Stop)
	return proc.Until(ctx, "the agent", 10*time.Millisecond, 10*time.Second, func() (bool, error) {
		res, err := http.Get("http://" + s.ours + "/small") //nolint:noctx // of this machine
		if err != nil {
			return false, nil //nolint:nilerr // not yet
		}
		return res.StatusCode == http.StatusOK, res.Body.Close()
	})
}

// contenders are ours, nginx, and the same proxy without an agent.
func (s *streamSide) contenders(run func(ctx context.Context, address string) ([]float64, error)) []contender {
	var out []contender
	for _, c := range [][2]string{{"streams", s.ours}, {"nginx", s.nginx}, {"the same proxy without an agent", s.direct}} {
		out = append(out, contender{c[0], func(ctx context.Context) ([]float64, error) { return run(ctx, c[1]) }})
	}
	return out
}

func (b *bench) smallAnswers(ctx context.Context, s *streamSide, conns int) error {
	values, err := rounds(ctx, b.n, 1, s.contenders(func(ctx context.Context, address string) ([]float64, error) {
		return requests(ctx, address, conns)
	})...)
	if err != nil {
		return err
	}
	for i, f := range []struct {
		what, unit string
		goals      []goal
	}{
		{"requests per second", "1/s", []goal{atLeastTimes(0.4)}},
		{"p50", "ms", []goal{atMostTimes(3)}},
		{"p99", "ms", nil},
	} {
		ref := values[1][i].side("nginx")
		fig := newFigure(fmt.Sprintf("small answers through streams, %d connections: %s", conns, f.what), f.unit, values[0][i], &ref, f.goals...)
		fig.Also = []side{values[2][i].side("the same proxy without an agent")}
		if err := b.emit(fig); err != nil {
			return err
		}
	}
	return nil
}

// requests asks again and again over conns connections, and returns the requests per
// second and the 50th and 99th of 100 of what each took, in ms.
func requests(ctx context.Context, address string, conns int) ([]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	start := time.Now()
	var wg sync.WaitGroup
	took := make([][]time.Duration, conns)
	errs := make([]error, conns)
	for i := range conns {
		wg.Go(func() { took[i], errs[i] = ask(ctx, address) })
	}
	wg.Wait()
	over := time.Since(start)
	all := slices.Concat(took...)
	if err := errors.Join(errs...); err != nil || len(all) == 0 {
		return nil, errors.Join(err, ctx.Err())
	}
	slices.Sort(all)
	ms := func(i int) float64 { return float64(all[i]) / float64(time.Millisecond) }
	return []float64{float64(len(all)) / over.Seconds(), ms(len(all) / 2), ms(len(all) * 99 / 100)}, nil
}

// ask sends one request after the other on one connection until ctx ends.
func ask(ctx context.Context, address string) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(requestTime + 10*time.Second))
	br := bufio.NewReader(conn)
	var took []time.Duration
	for ctx.Err() == nil {
		start := time.Now()
		if _, err := io.WriteString(conn, "GET /small HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
			return nil, err
		}
		if err := answer(br); err != nil {
			return nil, err
		}
		took = append(took, time.Since(start))
	}
	return took, nil
}

// answer reads one answer that says its length. It costs less than net/http would,
// on a machine that the contenders need for themselves.
func answer(br *bufio.Reader) error {
	length, first := -1, true
	for {
		line, err := br.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
			return fmt.Errorf("it answered %q", line)
		}
		first = false
		if name, value, ok := bytes.Cut(line, []byte(": ")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return fmt.Errorf("read answer: %w", err)
			}
		}
	}
	if length < 0 {
		return errors.New("the answer does not say its length")
	}
	_, err := br.Discard(length)
	return err
}

func (b *bench) download(ctx context.Context, s *streamSide) error {
	values, err := rounds(ctx, min(b.n, 3), 1, s.contenders(func(ctx context.Context, address string) ([]float64, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/big?size=%d", address, b.size), nil)
		if err != nil {
			return nil, err
		}
		start := time.Now()
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		n, err := io.CopyBuffer(onlyWriter{io.Discard}, res.Body, make([]byte, 256<<10))
		if err != nil || n != b.size {
			return nil, fmt.Errorf("%d bytes came: %w", n, err)
		}
		return []float64{float64(n) / mib / time.Since(start).Seconds()}, nil
	})...)
	if err != nil {
		return err
	}
	ref := values[1][0].side("nginx")
	f := newFigure("download through streams", "MiB/s", values[0][0], &ref, atLeast(300))
	f.Also = []side{values[2][0].side("the same proxy without an agent")}
	return b.emit(f)
}

type onlyWriter struct{ io.Writer }

// idleStreams opens many connections that were upgraded, as websockets are, and
// leaves them alone.
func (b *bench) idleStreams(ctx context.Context, s *streamSide) error {
	sides := map[string]*proc.Process{"replica": s.replica, "agent": s.carrier}
	before := map[string]int64{}
	for name, p := range sides {
		n, err := proc.RSS([]int{p.Pid()})
		if err != nil {
			return err
		}
		before[name] = n
	}
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for range idleStreams {
		conn, err := net.Dial("tcp", s.ours)
		if err != nil {
			return err
		}
		conns = append(conns, conn)
		if err := echoOnce(conn); err != nil {
			return err
		}
	}
	for _, name := range []string{"replica", "agent"} {
		n, err := proc.RSS([]int{sides[name].Pid()})
		if err != nil {
			return err
		}
		each := float64(n-before[name]) / idleStreams / 1024
		if err := b.emit(newFigure(fmt.Sprintf("memory of an idle upgraded connection of %d, %s", idleStreams, name), "KiB", series{each}, nil)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// echoOnce upgrades a connection and sees that it works.
func echoOnce(conn net.Conn) error {
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, "GET /echo HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"); err != nil {
		return err
	}
	br := bufio.NewReaderSize(conn, 512)
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("upgrade answered with %s", res.Status)
	}
	if _, err := conn.Write([]byte("x")); err != nil {
		return err
	}
	_, err = br.ReadByte()
	return err
}
