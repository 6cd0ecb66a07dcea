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
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// answerWithin bounds one answer, and a transfer without an end of its own.
const answerWithin = 10 * time.Second

// web is a way to a web server: where to connect, and what each request says.
type web struct {
	addr string
	host string // empty: bench
	head string // more lines of the head, each with its end
}

// begin is the first lines of a request.
func (s web) begin(method, path string) string {
	host := s.host
	if host == "" {
		host = "bench"
	}
	return method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + s.head
}

// requests asks again and again over conns connections, and returns the requests per
// second and the 50th and 99th of 100 of what each took, in ms.
func (s web) requests(ctx context.Context, conns int, over time.Duration) ([]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, over)
	defer cancel()
	start := time.Now()
	var wg sync.WaitGroup
	took := make([][]time.Duration, conns)
	errs := make([]error, conns)
	for i := range conns {
		wg.Go(func() { took[i], errs[i] = s.ask(ctx) })
	}
	wg.Wait()
	took[0] = slices.Concat(took...)
	all, passed := took[0], time.Since(start)
	if err := errors.Join(errs...); err != nil || len(all) == 0 {
		return nil, errors.Join(err, ctx.Err())
	}
	slices.Sort(all)
	ms := func(i int) float64 { return float64(all[i]) / float64(time.Millisecond) }
	return []float64{float64(len(all)) / passed.Seconds(), ms(len(all) / 2), ms(len(all) * 99 / 100)}, nil
}

// ask sends one request after the other on one connection until ctx ends.
func (s web) ask(ctx context.Context) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	br := bufio.NewReader(conn)
	question := s.begin(http.MethodGet, "/small") + "\r\n"
	var took []time.Duration
	var limit time.Time
	for ctx.Err() == nil {
		start := time.Now()
		if limit.Sub(start) < answerWithin/2 { // setting it costs something too
			limit = start.Add(answerWithin)
			_ = conn.SetDeadline(limit)
		}
		if _, err := io.WriteString(conn, question); err != nil {
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

// first asks once over a new connection and returns how long that took.
func (s web) first() (time.Duration, error) {
	start := time.Now()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(start.Add(answerWithin))
	if _, err := io.WriteString(conn, s.begin(http.MethodGet, "/small")+"\r\n"); err != nil {
		return 0, err
	}
	err = answer(bufio.NewReader(conn))
	return time.Since(start), err
}

// do sends a request with a body of size bytes, none for zero, and returns its
// answer, whose end the caller reads. The connection is closed with ctx.
func (s web) do(ctx context.Context, method, path string, size int64) (*http.Response, error) {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	head := s.begin(method, path)
	if method != http.MethodGet {
		head += "Content-Length: " + strconv.FormatInt(size, 10) + "\r\n"
	}
	if _, err := io.WriteString(conn, head+"\r\n"); err != nil {
		return nil, err
	}
	for block := make([]byte, 256<<10); size > 0; {
		n, err := conn.Write(block[:min(size, int64(len(block)))])
		if err != nil {
			return nil, err
		}
		size -= int64(n)
	}
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, 64<<10), nil)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s answered with %s", method, path, res.Status)
	}
	return res, err
}

// download returns the MiB per second of an answer of size bytes.
func (s web) download(ctx context.Context, size int64) ([]float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start := time.Now()
	res, err := s.do(ctx, http.MethodGet, fmt.Sprintf("/big?size=%d", size), 0)
	if err != nil {
		return nil, err
	}
	n, err := io.CopyBuffer(onlyWriter{io.Discard}, res.Body, make([]byte, 256<<10))
	if err != nil || n != size {
		return nil, fmt.Errorf("%d bytes came: %w", n, err)
	}
	return []float64{float64(n) / mib / time.Since(start).Seconds()}, nil
}

type onlyWriter struct{ io.Writer }

// upload returns the MiB per second of a request of size bytes.
func (s web) upload(ctx context.Context, size int64) ([]float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start := time.Now()
	res, err := s.do(ctx, http.MethodPost, "/up", size)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 64))
	if err != nil || strings.TrimSpace(string(text)) != strconv.FormatInt(size, 10) {
		return nil, fmt.Errorf("of %d bytes %q arrived: %w", size, text, err)
	}
	return []float64{float64(size) / mib / time.Since(start).Seconds()}, nil
}

// number reads an answer that is one.
func (s web) number(ctx context.Context, path string) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	res, err := s.do(ctx, http.MethodGet, path, 0)
	if err != nil {
		return 0, err
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 64))
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
}

// upgrade makes a connection that was upgraded, as a websocket is, and sees that it
// works.
func (s web) upgrade() (net.Conn, error) {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	if err := s.echoOnce(conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

func (s web) echoOnce(conn net.Conn) error {
	_ = conn.SetDeadline(time.Now().Add(answerWithin))
	if _, err := io.WriteString(conn, s.begin(http.MethodGet, "/echo")+"Connection: Upgrade\r\nUpgrade: echo\r\n\r\n"); err != nil {
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
	if _, err := br.ReadByte(); err != nil {
		return err
	}
	return conn.SetDeadline(time.Time{})
}

// upgrades makes n of them. closeAll closes those that there are, also after an
// error.
func (s web) upgrades(n int) (closeAll func(), err error) {
	var conns []net.Conn
	closeAll = func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}
	for range n {
		conn, err := s.upgrade()
		if err != nil {
			return closeAll, err
		}
		conns = append(conns, conn)
	}
	return closeAll, nil
}

// roundTrips is how many round trips one value is the mean of.
const roundTrips = 1000

// roundTrip returns the mean time, in ms, of a few bytes there and back on an
// upgraded connection.
func (s web) roundTrip() ([]float64, error) {
	conn, err := s.upgrade()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(answerWithin))
	start, one := time.Now(), make([]byte, 1)
	for range roundTrips {
		if _, err := conn.Write(one); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(conn, one); err != nil {
			return nil, err
		}
	}
	return []float64{float64(time.Since(start)) / float64(time.Millisecond) / roundTrips}, nil
}
