package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"coder.internal/api"
)

// call describes one request.
type call struct {
	method      string
	path        string // below the deployment's URL, segments already escaped
	query       url.Values
	body        []byte
	contentType string
}

// path joins escaped segments below /api/v2.
func path(segments ...string) string {
	var b strings.Builder
	b.WriteString("/api/v2")
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	return b.String()
}

// address is the full URL of a path and query.
func (c *Client) address(p string, q url.Values) *url.URL {
	u := c.url.JoinPath(p)
	u.RawQuery = q.Encode()
	return u
}

// get decodes the answer of a GET into T.
func get[T any](ctx context.Context, c *Client, p string, q url.Values) (T, error) {
	return send[T](ctx, c, call{method: http.MethodGet, path: p, query: q})
}

// write sends in as JSON and decodes the answer into T. A nil in sends no body.
func write[T any](ctx context.Context, c *Client, method, p string, in any) (T, error) {
	var out T
	err := c.write(ctx, method, p, in, &out)
	return out, err
}

// none stands for answers whose body is not looked at.
type none struct{}

func send[T any](ctx context.Context, c *Client, r call) (T, error) {
	var out T
	err := c.send(ctx, r, &out)
	return out, err
}

// write is write for any type; one copy of it is in the program, and so of send.
func (c *Client) write(ctx context.Context, method, p string, in, out any) error {
	r := call{method: method, path: p}
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		r.body, r.contentType = b, "application/json"
	}
	return c.send(ctx, r, out)
}

// send decodes into out, a pointer.
func (c *Client) send(ctx context.Context, r call, out any) error {
	resp, err := c.do(ctx, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := readLimited(resp.Body, MaxJSON)
	if err != nil {
		return fmt.Errorf("read answer of %s %s: %w", r.method, r.path, err)
	}
	if _, ok := out.(*none); ok || len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return notAPI(c, r, resp, b)
	}
	return nil
}

// do sends r, again where that is safe, and returns a response below 400.
func (c *Client) do(ctx context.Context, r call) (*http.Response, error) {
	for n := 1; ; n++ {
		resp, err := c.once(ctx, r)
		if err == nil {
			return resp, nil
		}
		if n == attempts || !retryable(r.method, err) || ctx.Err() != nil {
			return nil, err
		}
		if werr := c.backoff(ctx, n); werr != nil {
			return nil, err
		}
	}
}

func (c *Client) once(ctx context.Context, r call) (*http.Response, error) {
	u := c.address(r.path, r.query)
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	req.Header = c.Header()
	req.Header.Set("Accept", "application/json")
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	start := c.clock.Now()
	resp, err := c.http.Do(req)
	if c.trace != nil {
		status := 0
		if resp != nil {
			status = resp.StatusCode
		}
		c.trace(r.method, u.String(), status, c.clock.Since(start), err)
	}
	if err != nil {
		var ae *api.Error
		if errors.As(err, &ae) {
			return nil, ae
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &UnreachableError{URL: c.url.Redacted(), Err: err}
	}
	if resp.StatusCode >= 400 {
		defer resp.Body.Close()
		return nil, c.failure(r, resp)
	}
	return resp, nil
}

// retryable reports whether sending again cannot do harm and may help.
func retryable(method string, err error) bool {
	safe := method == http.MethodGet || method == http.MethodHead
	var ur *UnreachableError
	if !errors.As(err, &ur) {
		return safe && api.CodeOf(err) == api.CodeUnavailable
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		var dns *net.DNSError
		return !errors.As(err, &dns) || !dns.IsNotFound
	}
	// A broken connection; a certificate that is refused stays refused.
	return safe && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op))
}

// failure rebuilds the *api.Error of a response with a status of 400 or more.
func (c *Client) failure(r call, resp *http.Response) error {
	b, err := readLimited(resp.Body, 1<<20)
	if err != nil {
		b = nil
	}
	var e api.Error
	if json.Unmarshal(b, &e) != nil || e.Message == "" {
		return notAPI(c, r, resp, b)
	}
	if e.Code == "" {
		e.Code = codeOfStatus(resp.StatusCode)
	}
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 {
		e.RetryAfter = time.Duration(min(n, 3600)) * time.Second
	}
	if e.RequestID == "" && resp.StatusCode >= 500 {
		e.RequestID = resp.Header.Get(api.RequestIDHeader)
	}
	return &e
}

// notAPI is the error for an answer that no deployment gives: most often the
// page of a proxy, or another service at that address.
func notAPI(c *Client, r call, resp *http.Response, body []byte) error {
	text := strings.TrimSpace(strings.ToValidUTF8(string(body), ""))
	if len(text) > 256 {
		text = text[:256] + "…"
	}
	return &api.Error{Code: codeOfStatus(resp.StatusCode), Message: fmt.Sprintf(
		"%s %s answered with status %d, but not as a Coder deployment would. Check the URL and any proxy in between.",
		r.method, c.address(r.path, nil).Redacted(), resp.StatusCode), Detail: text}
}

// readLimited reads all of r, which must not hold more than limit bytes.
func readLimited(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, &api.Error{Code: api.CodeTooLarge,
			Message: "The answer is larger than " + strconv.FormatInt(limit>>20, 10) + " MiB and was refused."}
	}
	return b, nil
}
