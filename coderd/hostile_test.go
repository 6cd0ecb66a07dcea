package coderd_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/httpapi"
)

// schema is the part of the API's description that says what a body may hold.
type schema struct {
	Ref         string            `json:"$ref"`
	Type        any               `json:"type"`
	Items       *schema           `json:"items"`
	Properties  map[string]schema `json:"properties"`
	MaxItems    *int              `json:"maxItems"`
	Additional  any               `json:"additionalProperties"`
	Enum        []any             `json:"enum"`
	Format      string            `json:"format"`
	ContentType string            `json:"contentEncoding"`
}

type document struct {
	Paths map[string]map[string]struct {
		RequestBody struct {
			Content map[string]struct {
				Schema schema `json:"schema"`
			} `json:"content"`
		} `json:"requestBody"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

func describe(t *testing.T) document {
	t.Helper()
	text, err := coderd.Describe()
	require.NoError(t, err)
	var doc document
	require.NoError(t, json.Unmarshal(text, &doc))
	return doc
}

func (d document) resolve(s schema) schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return d.Components.Schemas[name]
	}
	return s
}

// body returns the schema of a route's body, if it takes one.
func (d document) body(r httpapi.Route) (schema, bool) {
	c, ok := d.Paths[r.Path][strings.ToLower(r.Method)].RequestBody.Content["application/json"]
	return c.Schema, ok
}

func (s schema) is(typ string) bool {
	if list, ok := s.Type.([]any); ok {
		return slices.Contains(list, any(typ))
	}
	return s.Type == typ
}

// sample fills everything that a body may hold: strings with text, lists with n.
func (d document) sample(s schema, text string, n, depth int) any {
	s = d.resolve(s)
	switch {
	case depth > 6:
		return nil
	case s.is("string"):
		return text
	case s.is("integer"), s.is("number"):
		return 1
	case s.is("boolean"):
		return true
	case s.is("array"):
		out := make([]any, 0, n)
		one := d.sample(*s.Items, text, 1, depth+1)
		for range n {
			out = append(out, one)
		}
		return out
	}
	out := map[string]any{}
	for name, p := range s.Properties {
		out[name] = d.sample(p, text, n, depth+1)
	}
	return out
}

// TestListsHaveLimits: every list in every body says how long it may be.
func TestListsHaveLimits(t *testing.T) {
	t.Parallel()
	doc := describe(t)
	lists := 0
	var walk func(where string, s schema, depth int)
	walk = func(where string, s schema, depth int) {
		s = doc.resolve(s)
		if depth > 6 {
			return
		}
		if s.is("array") && s.ContentType == "" {
			lists++
			if s.MaxItems == nil {
				assert.Fail(t, "a list without maxItems", where)
			}
			walk(where+"[]", *s.Items, depth+1)
		}
		for name, p := range s.Properties {
			walk(where+"."+name, p, depth+1)
		}
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			for _, c := range op.RequestBody.Content {
				walk(strings.ToUpper(method)+" "+path, c.Schema, 0)
			}
		}
	}
	assert.Greater(t, lists, 10, "the walk found the lists")
}

// flood is a body that never says no, and counts what is taken of it.
type flood struct {
	left  int64
	taken *atomic.Int64
}

func (f *flood) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), f.left))
	for i := range p[:n] {
		p[i] = ' '
	}
	f.left -= int64(n)
	f.taken.Add(int64(n))
	return n, nil
}

// TestHostileBodies walks the route table: no body, name or query makes a route fail
// as if the server were at fault, or read without end.
func TestHostileBodies(t *testing.T) {
	t.Parallel()
	doc := describe(t)
	scene := newFlow(t)
	d, owner := scene.d, scene.owner
	const huge = 100 << 20
	bodies := 0
	marshal := func(v any) []byte {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		return text
	}
	for _, r := range d.Server.Routes() {
		// An agent that asks for work, and the hello of a daemon, wait on purpose.
		if (r.Rule.IsAgent() || r.Rule.IsDaemon()) && r.Method == http.MethodGet || strings.HasPrefix(r.Path, "/bin/") || r.Path == "/healthz" || r.Path == "/readyz" {
			continue
		}
		name := r.Method + " " + r.Path
		path := placeholder.ReplaceAllString(r.Path, api.NewID().String())
		session := coderdtest.Do[api.GenerateKeyResponse](t, owner, http.StatusCreated, http.MethodPost, "/api/v2/users/me/keys", nil).Key
		send := func(what, path string, body io.Reader, length int64) int {
			req, err := http.NewRequestWithContext(t.Context(), r.Method, d.URL.String()+path, body)
			require.NoError(t, err)
			req.Header.Set(api.SessionTokenHeader, session.Reveal())
			if r.Rule.IsAgent() {
				req.Header.Set(api.SessionTokenHeader, "tok")
			}
			if body != nil {
				req.Header.Set("Content-Type", "application/json")
				req.ContentLength = length
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				return 0 // the server hung up before it had all
			}
			defer res.Body.Close() //nolint:errcheck // its end is not needed
			text, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
			assert.Less(t, res.StatusCode, http.StatusInternalServerError, "%s with %s: %s", name, what, text)
			return res.StatusCode
		}
		for _, ref := range []string{"%00", "%ff%fe", "..%2f..%2fetc", strings.Repeat("a", 5000), "'%3b--", "%F0%9F%92%A9"} {
			if placeholder.MatchString(r.Path) && r.Method == http.MethodGet {
				send("the name "+ref[:min(len(ref), 20)], placeholder.ReplaceAllLiteralString(r.Path, ref), nil, 0)
			}
		}
		if r.Method == http.MethodGet {
			send("a hostile query", path+"?q=%00&after_id=%ff&limit=99999999999999999999&offset=-1&follow=x&include_deleted=y", nil, 0)
			continue
		}
		s, takes := doc.body(r)
		if !takes {
			continue
		}
		bodies++
		var taken atomic.Int64
		status := send("100 MB", path, &flood{huge, &taken}, huge)
		assert.Contains(t, []int{0, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusForbidden, http.StatusNotFound}, status, name)
		// Sockets hold many megabytes by themselves.
		assert.Less(t, taken.Load(), int64(huge), "%s read on and on", name)
		for what, body := range map[string][]byte{
			"deep JSON":     bytes.Repeat([]byte("["), 200_000),
			"deep objects":  []byte(strings.Repeat(`{"a":`, 90) + "1" + strings.Repeat("}", 90)),
			"invalid UTF-8": []byte("{\"name\":\"\xff\xfe\"}"),
			"two values":    []byte("{} {}"),
			"no JSON":       []byte("\x00\x01\x02"),
			"another type":  []byte(`[1,2,3]`),
			"huge numbers":  []byte(`{"ttl_ms":1e999999,"lifetime":99999999999999999999999999}`),
		} {
			status := send(what, path, bytes.NewReader(body), int64(len(body)))
			assert.GreaterOrEqual(t, status, http.StatusBadRequest, "%s took %s", name, what)
			if r.Rule.IsAgent() {
				assert.NotEqual(t, http.StatusUnauthorized, status, "the agent of the test is known")
			}
		}
		send("NUL in every text", path, bytes.NewReader(marshal(doc.sample(s, "a\x00b", 1, 0))), -1)
		send("controls in every text", path, bytes.NewReader(marshal(doc.sample(s, "\x1b]0;x\x07\u202e\r\n", 1, 0))), -1)
		send("lists of 10,000", path, bytes.NewReader(marshal(doc.sample(s, "x", 10_000, 0))), -1)
	}
	assert.Greater(t, bodies, 25, "the walk found the bodies")
}
