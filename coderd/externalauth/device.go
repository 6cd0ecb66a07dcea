package externalauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
)

// Device begins a sign-in of the caller from another machine: it asks the provider
// for a code that the user types there.
func (s *Service) Device(ctx context.Context, id string) (api.ExternalAuthDevice, error) {
	p, _, err := s.device(ctx, id)
	if err != nil {
		return api.ExternalAuthDevice{}, err
	}
	v := url.Values{"client_id": {p.ClientID}}
	if len(p.Scopes) > 0 {
		v.Set("scope", strings.Join(p.Scopes, " "))
	}
	f, err := s.form(ctx, p, p.DeviceCodeURL, v, false)
	if err != nil {
		if ctx.Err() != nil {
			return api.ExternalAuthDevice{}, ctx.Err()
		}
		return api.ExternalAuthDevice{}, s.refused(p, err)
	}
	d := api.ExternalAuthDevice{DeviceCode: api.Secret(text(f["device_code"])), UserCode: clean(text(f["user_code"]), 64),
		VerificationURI: text(f["verification_uri"]), ExpiresIn: seconds(f["expires_in"], 900), Interval: seconds(f["interval"], 5)}
	if d.VerificationURI == "" {
		d.VerificationURI = text(f["verification_url"])
	}
	u, err := url.Parse(d.VerificationURI)
	if err != nil || u.Scheme != "https" && (u.Scheme != "http" || !p.plain) || u.Host == "" || d.DeviceCode == "" || d.UserCode == "" || len(d.DeviceCode) > maxField {
		return api.ExternalAuthDevice{}, s.refused(p, &refusal{reason: "the answer of the device endpoint has no usable device_code, user_code and verification_uri"})
	}
	return d, nil
}

// ExchangeDevice asks the provider once whether the user has typed the code and
// stores the token. While they have not, the error's Detail is
// api.DeviceAuthorizationPending or api.DeviceSlowDown.
func (s *Service) ExchangeDevice(ctx context.Context, id string, code api.Secret) error {
	p, caller, err := s.device(ctx, id)
	if err != nil {
		return err
	}
	if code == "" || len(code) > maxField {
		return api.Invalid("device_code", "give the code that the device route returned")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshWait)
	defer cancel()
	t, err := s.grant(ctx, p, url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {code.Reveal()}})
	var r *refusal
	if errors.As(err, &r) {
		switch r.code {
		case api.DeviceAuthorizationPending, api.DeviceSlowDown:
			return &api.Error{Code: api.CodeInvalid, Message: "The code has not been entered at " + p.DisplayName + " yet.", Detail: r.code}
		case "expired_token":
			return &api.Error{Code: api.CodeInvalid, Message: "The code has expired. Begin again.", Detail: r.code}
		case "access_denied":
			return &api.Error{Code: api.CodeForbidden, Message: "You did not allow the access at " + p.DisplayName + ", so nothing was changed.", Detail: r.code}
		}
	}
	if err != nil {
		return s.refused(p, err)
	}
	return s.store(ctx, p, caller, t)
}

// device is find for providers with the device flow.
func (s *Service) device(ctx context.Context, id string) (*provider, rbac.Subject, error) {
	p, caller, err := s.find(ctx, id, rbac.UpdatePersonal)
	if err == nil && !p.DeviceFlow {
		err = &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf("%s has no device flow here. Sign in at %s.", p.DisplayName, s.signInURL(p))}
	}
	return p, caller, err
}

// seconds reads a number between 1 and an hour.
func seconds(v any, otherwise int) int {
	n, ok := v.(json.Number)
	if !ok {
		n = json.Number(text(v))
	}
	i, err := n.Int64()
	if err != nil || i <= 0 {
		return otherwise
	}
	return int(min(i, 3600))
}
