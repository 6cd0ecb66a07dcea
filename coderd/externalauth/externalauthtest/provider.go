// Package externalauthtest is a service to sign in to, for tests: an OAuth 2.0
// provider over real HTTP with the code flow, PKCE, the device flow, rotating
// refresh tokens, validation and revocation, and Git repositories that its tokens
// open. It keeps everything in memory and stops when the test ends.
package externalauthtest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"coder.internal/coderd/externalauth"
)

// Names by which deployments know the provider.
const (
	ID       = "forge"
	clientID = "the-client"
	secret   = "the client's secret"
)

// Provider is the service. Change its fields through Set.
type Provider struct {
	Server *httptest.Server

	mu      sync.Mutex // guards what follows
	mode    Mode
	codes   map[string]grant // one-time codes
	access  map[string]bool  // tokens that are good
	refresh map[string]bool
	devices map[string]bool // device codes, and whether the user has agreed
	counts  map[string]int
	block   chan struct{}
}

// Mode is how the provider behaves.
type Mode struct {
	Life      int    // of tokens in seconds; 0 for ever
	Deny      bool   // users do not consent
	Down      bool   // every answer is a 503
	Basic     bool   // the secret has to come in the header
	Repos     string // directory of bare repositories, served at /git/
	BadTokens bool   // tokens with a line end
}

type grant struct{ challenge, redirect string }

// New starts a provider.
func New(t testing.TB) *Provider {
	t.Helper()
	p := &Provider{codes: map[string]grant{}, access: map[string]bool{}, refresh: map[string]bool{}, devices: map[string]bool{}, counts: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("POST /device", p.device)
	mux.HandleFunc("POST /revoke", p.revoke)
	mux.HandleFunc("GET /user", p.user)
	mux.HandleFunc("/git/", p.git)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.counts[r.URL.Path]++
		down, block := p.mode.Down, p.block
		p.mu.Unlock()
		if block != nil && r.URL.Path == "/token" {
			<-block
		}
		if down {
			http.Error(w, "<html>maintenance</html>", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Server.Close)
	return p
}

// Config is what a deployment is told of the provider.
func (p *Provider) Config(set ...func(*externalauth.Config)) externalauth.Config {
	c := externalauth.Config{ID: ID, Type: "forge", ClientID: clientID, ClientSecret: secret, AuthURL: p.Server.URL + "/authorize",
		TokenURL: p.Server.URL + "/token", ValidateURL: p.Server.URL + "/user", RevokeURL: p.Server.URL + "/revoke",
		DeviceFlow: true, DeviceCodeURL: p.Server.URL + "/device", DisplayName: "The Forge", Scopes: []string{"repo"},
		Regex: `http://127\.0\.0\.1:\d+`}
	for _, f := range set {
		f(&c)
	}
	return c
}

// Set changes how the provider behaves from now on.
func (p *Provider) Set(f func(*Mode)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.mode)
}

// Hold makes the token endpoint wait until the returned function is called.
func (p *Provider) Hold() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	block := make(chan struct{})
	p.block = block
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		close(block)
		p.block = nil
	}
}

// Asked returns how often a path was asked for.
func (p *Provider) Asked(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[path]
}

// Good reports whether an access token is good.
func (p *Provider) Good(token string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.access[token]
}

// Revoke ends all access tokens, and with all also all refresh tokens.
func (p *Provider) Revoke(all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.access)
	if all {
		clear(p.refresh)
	}
}

// Agree is the user who types the code of the device flow.
func (p *Provider) Agree(deviceCode string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.devices[deviceCode] = true
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	to, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != clientID || q.Get("response_type") != "code" || q.Get("state") == "" || q.Get("scope") != "repo" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	v := url.Values{"state": {q.Get("state")}}
	if p.mode.Deny {
		v.Set("error", "access_denied")
		v.Set("error_description", "<b>No</b> thanks")
	} else {
		code := rand.Text()
		p.codes[code] = grant{q.Get("code_challenge"), q.Get("redirect_uri")}
		v.Set("code", code)
	}
	to.RawQuery = v.Encode()
	http.Redirect(w, r, to.String(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, pass := r.FormValue("client_id"), r.FormValue("client_secret")
	if p.mode.Basic {
		id, pass, _ = r.BasicAuth()
		pass, _ = url.QueryUnescape(pass)
	}
	if id != clientID || pass != secret {
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	switch r.FormValue("grant_type") {
	case "authorization_code":
		g, ok := p.codes[r.FormValue("code")]
		delete(p.codes, r.FormValue("code"))
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if !ok || g.redirect != r.FormValue("redirect_uri") ||
			g.challenge != "" && g.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
			refuse(w, http.StatusBadRequest, "invalid_grant")
			return
		}
	case "refresh_token":
		old := r.FormValue("refresh_token")
		if !p.refresh[old] {
			refuse(w, http.StatusBadRequest, "invalid_grant")
			return
		}
		delete(p.refresh, old)
	case "urn:ietf:params:oauth:grant-type:device_code":
		agreed, ok := p.devices[r.FormValue("device_code")]
		if !ok {
			refuse(w, http.StatusBadRequest, "expired_token")
			return
		}
		if !agreed {
			refuse(w, http.StatusBadRequest, "authorization_pending")
			return
		}
		delete(p.devices, r.FormValue("device_code"))
	default:
		refuse(w, http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	p.give(w)
}

// give answers with fresh tokens. The lock is held.
func (p *Provider) give(w http.ResponseWriter) {
	access, fresh := "acc-"+rand.Text(), "ref-"+rand.Text()
	if p.mode.BadTokens {
		access += "\n"
	}
	p.access[access], p.refresh[fresh] = true, true
	out := map[string]any{"access_token": access, "token_type": "bearer", "refresh_token": fresh, "team": map[string]string{"id": "T1"}}
	if p.mode.Life > 0 {
		out["expires_in"] = p.mode.Life
	}
	answer(w, http.StatusOK, out)
}

func (p *Provider) device(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.FormValue("client_id") != clientID {
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	code := rand.Text()
	p.devices[code] = false
	answer(w, http.StatusOK, map[string]any{"device_code": code, "user_code": "ABCD-1234", "verification_uri": p.Server.URL + "/activate",
		"expires_in": 900, "interval": 1})
}

func (p *Provider) revoke(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.refresh[r.FormValue("token")] || r.FormValue("client_secret") != secret {
		refuse(w, http.StatusBadRequest, "invalid_request")
		return
	}
	clear(p.access)
	clear(p.refresh)
}

func (p *Provider) user(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !p.Good(token) {
		refuse(w, http.StatusUnauthorized, "invalid_token")
		return
	}
	answer(w, http.StatusOK, map[string]any{"id": 42, "login": "<octo>", "name": "Octo", "html_url": "https://forge.example/octo", "avatar_url": "javascript:alert(1)"})
}

// git serves the repositories through Git's own CGI program.
func (p *Provider) git(w http.ResponseWriter, r *http.Request) {
	_, pass, _ := r.BasicAuth()
	if !p.Good(pass) {
		w.Header().Set("WWW-Authenticate", `Basic realm="The Forge"`)
		http.Error(w, "sign in", http.StatusUnauthorized)
		return
	}
	p.mu.Lock()
	repos := p.mode.Repos
	p.mu.Unlock()
	dir, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := cgi.Handler{Path: filepath.Join(strings.TrimSpace(string(dir)), "git-http-backend"), Root: "/git",
		Env: []string{"GIT_PROJECT_ROOT=" + repos, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=octo", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + repos,
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}}
	h.ServeHTTP(w, r)
}

func refuse(w http.ResponseWriter, status int, code string) {
	answer(w, status, map[string]any{"error": code, "error_description": "said the forge"})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// Browser is a person's browser that is signed in to a deployment by its cookie.
type Browser struct {
	t      testing.TB
	base   string
	cookie string
	http   *http.Client
}

// NewBrowser returns a browser with a session, none where the token is empty.
func NewBrowser(t testing.TB, base, token string) *Browser {
	return &Browser{t: t, base: strings.TrimRight(base, "/"), cookie: token,
		http: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Do makes a request as the browser does from a page of ours. A path is one of the
// deployment. It returns status, the Location, and the body.
func (b *Browser) Do(method, to string) (int, string, string) {
	b.t.Helper()
	if strings.HasPrefix(to, "/") {
		to = b.base + to
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, to, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.HasPrefix(to, b.base+"/") && b.cookie != "" {
		req.AddCookie(&http.Cookie{Name: "coder_session_token", Value: b.cookie})
	}
	if method != http.MethodGet {
		req.Header.Set("Origin", b.base)
	}
	res, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to the end
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Location"), string(body)
}

// Begin presses the button of the page and returns where the provider sends the
// browser back to.
func (b *Browser) Begin(id, redirect string) string {
	b.t.Helper()
	status, _, body := b.Do(http.MethodPost, "/external-auth/"+id+"/start?redirect="+url.QueryEscape(redirect))
	var out struct{ URL string }
	if err := json.Unmarshal([]byte(body), &out); err != nil || status != http.StatusOK {
		b.t.Fatalf("start answered %d %s", status, body)
	}
	status, back, body := b.Do(http.MethodGet, out.URL)
	if status != http.StatusFound {
		b.t.Fatalf("the provider answered %d %s", status, body)
	}
	return back
}

// SignIn goes through the whole code flow.
func (b *Browser) SignIn(id string) {
	b.t.Helper()
	if status, _, body := b.Do(http.MethodGet, b.Begin(id, "")); status != http.StatusSeeOther {
		b.t.Fatalf("the callback answered %d %s", status, body)
	}
}
