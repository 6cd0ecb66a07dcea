package externalauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"coder.internal/api"
)

const (
	maxAnswer = 1 << 20  // bytes of a provider's answer
	maxToken  = 16 << 10 // bytes of a token
	maxReason = 300      // bytes of what a provider says about a failure
)

// refusal is a provider's no, as OAuth words it.
type refusal struct {
	status int
	code   string // "invalid_grant" …
	reason string
}

func (r *refusal) Error() string {
	text := r.code
	if text == "" {
		text = fmt.Sprintf("status %d", r.status)
	}
	if r.reason != "" {
		text += ": " + r.reason
	}
	return text
}

// unavailable says that a provider could not be asked.
func (p *provider) unavailable(err error) error {
	var r *refusal
	if errors.As(err, &r) {
		return &api.Error{Code: api.CodeUnavailable, Message: p.DisplayName + " answered with an error. Try again; if it stays, ask an administrator to look at the provider's configuration.", Detail: r.Error()}
	}
	return &api.Error{Code: api.CodeUnavailable, Message: p.DisplayName + " cannot be reached from this server. Try again later, or ask an administrator."}
}

// do asks a provider and returns status and body. An error is one of the network.
func (s *Service) do(req *http.Request) (int, http.Header, []byte, error) {
	select {
	case s.calls <- struct{}{}:
		defer func() { <-s.calls }()
	case <-req.Context().Done():
		return 0, nil, nil, req.Context().Err()
	}
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	req.Header.Set("User-Agent", "coder")
	res, err := s.http.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the URL, whose query may say too much
		}
		return 0, nil, nil, err
	}
	defer res.Body.Close() //nolint:errcheck // read as far as wanted
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
	}
	return res.StatusCode, res.Header, body, err
}

// form posts values and returns the fields of the answer. A failure that the
// provider words is a *refusal.
func (s *Service) form(ctx context.Context, p *provider, to string, v url.Values, basic bool) (map[string]any, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(v.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if basic {
		req.SetBasicAuth(url.QueryEscape(p.ClientID), url.QueryEscape(p.ClientSecret.Reveal()))
	}
	status, header, body, err := s.do(req)
	if err != nil {
		return nil, err
	}
	fields := decode(header.Get("Content-Type"), body)
	code := text(fields["error"])
	if code == "" && fields["ok"] == false { // Slack
		code = "refused"
	}
	if status/100 != 2 || code != "" || fields == nil {
		return nil, &refusal{status: status, code: clean(code, 64), reason: clean(text(fields["error_description"]), maxReason)}
	}
	return fields, nil
}

// grant asks the token endpoint. Providers differ in where they look for the
// client's secret: first in the form, then in the header.
func (s *Service) grant(ctx context.Context, p *provider, v url.Values) (token, error) {
	v.Set("client_id", p.ClientID)
	if p.ClientSecret != "" && !v.Has("client_assertion") {
		v.Set("client_secret", p.ClientSecret.Reveal())
	}
	fields, err := s.form(ctx, p, p.TokenURL, v, false)
	var r *refusal
	if errors.As(err, &r) && (r.code == "invalid_client" || r.code == "" && r.status == http.StatusUnauthorized) && v.Has("client_secret") {
		v.Del("client_secret")
		fields, err = s.form(ctx, p, p.TokenURL, v, true)
	}
	if err != nil {
		return token{}, err
	}
	return p.tokenOf(fields)
}

// tokenOf reads the answer of a token endpoint.
func (p *provider) tokenOf(fields map[string]any) (token, error) {
	if user, ok := fields["authed_user"].(map[string]any); ok && p.Type == typeSlack {
		fields = user
	}
	t := token{Access: api.Secret(text(fields["access_token"])), Refresh: api.Secret(text(fields["refresh_token"]))}
	for _, v := range []api.Secret{t.Access, t.Refresh} {
		// It becomes a line for Git and a variable for Terraform.
		if len(v) > maxToken || strings.ContainsFunc(v.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
			return token{}, &refusal{reason: "the token has characters that no token has, or is too long"}
		}
	}
	if t.Access == "" {
		return token{}, &refusal{reason: "the answer has no access_token"}
	}
	var life json.Number
	switch v := fields["expires_in"].(type) {
	case json.Number:
		life = v
	case string:
		life = json.Number(v)
	}
	if n, err := life.Float64(); err == nil && n > 0 {
		t.life = min(n, 10*365*24*3600)
	}
	for _, key := range p.ExtraTokenKeys {
		if v, ok := fields[key]; ok {
			if t.Extra == nil {
				t.Extra = map[string]any{}
			}
			t.Extra[key] = v
		}
	}
	return t, nil
}

// exchange turns a code into a token.
func (s *Service) exchange(ctx context.Context, p *provider, code, verifier string) (token, error) {
	v := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {s.callbackURL(p)}}
	if p.Type == typeAzureDevOps { // its own way
		v = p.azure("urn:ietf:params:oauth:grant-type:jwt-bearer", code, s.callbackURL(p))
	}
	if p.pkce() {
		v.Set("code_verifier", verifier)
	}
	return s.grant(ctx, p, v)
}

// refresh turns a refresh token into a token.
func (s *Service) refresh(ctx context.Context, p *provider, old token) (token, error) {
	v := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {old.Refresh.Reveal()}}
	if p.Type == typeAzureDevOps {
		v = p.azure("refresh_token", old.Refresh.Reveal(), s.callbackURL(p))
	}
	t, err := s.grant(ctx, p, v)
	if err == nil && t.Refresh == "" {
		t.Refresh = old.Refresh
	}
	return t, err
}

func (p *provider) azure(grant, assertion, redirect string) url.Values {
	return url.Values{"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion": {p.ClientSecret.Reveal()}, "grant_type": {grant}, "assertion": {assertion}, "redirect_uri": {redirect}}
}

// bearer asks an API of the provider with a token.
func (s *Service) bearer(ctx context.Context, to string, t api.Secret) (int, http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to, nil)
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+t.Reveal())
	return s.do(req)
}

// validate asks whether a token is good. Only a plain no counts: a provider that
// is down or counts requests has not said anything.
func (s *Service) validate(ctx context.Context, p *provider, t api.Secret) (good bool, user *api.ExternalAuthUser, err error) {
	if p.ValidateURL == "" {
		return true, nil, nil
	}
	status, header, body, err := s.bearer(ctx, p.ValidateURL, t)
	switch {
	case err != nil:
		return true, nil, err
	case status == http.StatusUnauthorized, status == http.StatusForbidden && header.Get("X-Ratelimit-Remaining") != "0" && header.Get("Retry-After") == "":
		return false, nil, nil
	case status/100 != 2:
		return true, nil, &refusal{status: status}
	}
	return true, userOf(decode("application/json", body)), nil
}

// userOf reads what the well-known services say of an account.
func userOf(f map[string]any) *api.ExternalAuthUser {
	first := func(names ...string) string {
		for _, n := range names {
			if v := clean(text(f[n]), maxField); v != "" {
				return v
			}
		}
		return ""
	}
	link := func(names ...string) string {
		if v := first(names...); strings.HasPrefix(v, "https://") || strings.HasPrefix(v, "http://") {
			return v
		}
		return ""
	}
	u := api.ExternalAuthUser{Login: first("login", "username", "preferred_username", "nickname"), Name: first("name", "display_name"),
		AvatarURL: link("avatar_url", "picture"), ProfileURL: link("html_url", "profile", "web_url")}
	if id, ok := f["id"].(json.Number); ok {
		u.ID, _ = id.Int64()
	}
	if u == (api.ExternalAuthUser{}) {
		return nil
	}
	return &u
}

// revoke tells the provider that a token is not needed any more.
func (s *Service) revoke(ctx context.Context, p *provider, t token) error {
	if p.Type != typeGitHub {
		tok := t.Refresh
		if tok == "" || p.Type == typeSlack {
			tok = t.Access
		}
		v := url.Values{"token": {tok.Reveal()}, "client_id": {p.ClientID}}
		if p.ClientSecret != "" {
			v.Set("client_secret", p.ClientSecret.Reveal())
		}
		return s.revokeForm(ctx, p, v)
	}
	body, err := json.Marshal(map[string]string{"access_token": t.Access.Reveal()})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, p.RevokeURL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth(p.ClientID, p.ClientSecret.Reveal())
	req.Header.Set("Accept", "application/vnd.github+json")
	status, _, _, err := s.do(req)
	if err == nil && status != http.StatusNoContent && status != http.StatusNotFound {
		err = &refusal{status: status}
	}
	return err
}

// revokeForm follows RFC 7009; the answer's body is of no interest.
func (s *Service) revokeForm(ctx context.Context, p *provider, v url.Values) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.RevokeURL, strings.NewReader(v.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, _, body, err := s.do(req)
	if err == nil && status/100 != 2 {
		err = &refusal{status: status, reason: clean(text(decode("", body)["error"]), maxReason)}
	}
	return err
}

// decode reads JSON, or a form where the provider sends one. nil is neither.
func decode(contentType string, body []byte) map[string]any {
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&fields) == nil {
		return fields
	}
	if strings.HasPrefix(contentType, "application/x-www-form-urlencoded") || strings.HasPrefix(contentType, "text/plain") {
		v, err := url.ParseQuery(string(body))
		if err != nil || len(v) == 0 {
			return nil
		}
		fields = map[string]any{}
		for k := range v {
			fields[k] = v.Get(k)
		}
	}
	return fields
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// clean makes one line of a provider's text, cut at n bytes.
func clean(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return strings.TrimSpace(s)
}
