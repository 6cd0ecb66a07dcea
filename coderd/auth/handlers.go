package auth

import (
	"context"
	"net/http"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/users"
)

// KeyPath is the input of routes about one key.
type KeyPath struct {
	users.UserPath
	KeyID string `path:"keyid" maxLength:"64"`
}

// withCookie is a JSON response that also sets a cookie.
type withCookie[T any] struct {
	SetCookie string `header:"Set-Cookie"`
	Body      T
}

// cookie returns the session cookie; an empty token removes it.
func (s *Service) cookie(t api.Secret) string {
	c := http.Cookie{Name: api.SessionTokenCookie, Value: t.Reveal(), Path: "/", HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: s.opts.Config.SecureCookies}
	if s.opts.Config.HostPrefixCookie {
		c.Name = api.HostPrefix + c.Name
	}
	if s.opts.Config.CrossSiteCookies {
		c.SameSite = http.SameSiteNoneMode
	}
	if t == "" {
		c.MaxAge = -1
	}
	return c.String()
}

// HandleLogin: POST /users/login. The answer sets a cookie; that no other site can
// sign a visitor in as somebody else is httpmw.Pages'.
func (s *Service) HandleLogin(ctx context.Context, in *struct{ Body api.LoginRequest }) (*withCookie[api.LoginResponse], error) {
	res, err := s.Login(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	return &withCookie[api.LoginResponse]{SetCookie: s.cookie(res.SessionToken), Body: res}, nil
}

// HandleLogout: POST /users/logout.
func (s *Service) HandleLogout(ctx context.Context, _ *struct{}) (*withCookie[api.Response], error) {
	if err := s.Logout(ctx); err != nil {
		return nil, err
	}
	return &withCookie[api.Response]{SetCookie: s.cookie(""), Body: api.Response{Message: "Logged out!"}}, nil
}

// HandleAuthMethods: GET /users/authmethods.
func (s *Service) HandleAuthMethods(context.Context, *struct{}) (*httpapi.Out[api.AuthMethods], error) {
	return httpapi.OK(api.AuthMethods{Password: api.AuthMethod{Enabled: !s.opts.Config.DisablePasswordAuth}}), nil
}

// HandleCheck: POST /authcheck.
func (s *Service) HandleCheck(ctx context.Context, in *struct{ Body api.AuthorizationRequest }) (*httpapi.Out[api.AuthorizationResponse], error) {
	return httpapi.Reply(s.CheckAuthorization(ctx, in.Body))
}

// HandleScopes: GET /auth/scopes.
func (s *Service) HandleScopes(context.Context, *struct{}) (*httpapi.Out[api.TokenScopes], error) {
	return httpapi.OK(api.TokenScopes{External: Scopes()}), nil
}

// HandleValidatePassword: POST /users/validate-password.
func (s *Service) HandleValidatePassword(_ context.Context, in *struct{ Body api.ValidatePasswordRequest }) (*httpapi.Out[api.ValidatePasswordResponse], error) {
	return httpapi.OK(ValidatePassword(in.Body.Password)), nil
}

// HandleSetPassword: PUT /users/{user}/password.
func (s *Service) HandleSetPassword(ctx context.Context, in *struct {
	users.UserPath
	Body api.UpdateUserPasswordRequest
}) (*httpapi.Empty, error) {
	return &httpapi.Empty{}, s.SetPassword(ctx, in.User, in.Body)
}

// HandleCreateSession: POST /users/{user}/keys.
func (s *Service) HandleCreateSession(ctx context.Context, in *users.UserPath) (*httpapi.Out[api.GenerateKeyResponse], error) {
	return httpapi.Reply(s.CreateSession(ctx, in.User))
}

// HandleSessions: GET /users/{user}/keys.
func (s *Service) HandleSessions(ctx context.Context, in *users.UserPath) (*httpapi.Out[[]api.Key], error) {
	return httpapi.Reply(s.Sessions(ctx, in.User))
}

// HandleCreateToken: POST /users/{user}/keys/tokens.
func (s *Service) HandleCreateToken(ctx context.Context, in *struct {
	users.UserPath
	Body api.CreateTokenRequest
}) (*httpapi.Out[api.GenerateKeyResponse], error) {
	return httpapi.Reply(s.CreateToken(ctx, in.User, in.Body))
}

// HandleTokens: GET /users/{user}/keys/tokens.
func (s *Service) HandleTokens(ctx context.Context, in *struct {
	users.UserPath
	IncludeAll     bool `query:"include_all" doc:"Tokens of all users whose keys you may read."`
	IncludeExpired bool `query:"include_expired"`
}) (*httpapi.Out[[]api.Key], error) {
	return httpapi.Reply(s.Tokens(ctx, in.User, in.IncludeAll, in.IncludeExpired))
}

// HandleTokenConfig: GET /users/{user}/keys/tokens/tokenconfig.
func (s *Service) HandleTokenConfig(ctx context.Context, in *users.UserPath) (*httpapi.Out[api.TokenConfig], error) {
	return httpapi.Reply(s.TokenConfig(ctx, in.User))
}

// HandleToken: GET /users/{user}/keys/tokens/{keyname}.
func (s *Service) HandleToken(ctx context.Context, in *struct {
	users.UserPath
	Name string `path:"keyname" maxLength:"64"`
}) (*httpapi.Out[api.Key], error) {
	return httpapi.Reply(s.Token(ctx, in.User, in.Name))
}

// HandleKey: GET /users/{user}/keys/{keyid}.
func (s *Service) HandleKey(ctx context.Context, in *KeyPath) (*httpapi.Out[api.Key], error) {
	return httpapi.Reply(s.Key(ctx, in.User, in.KeyID))
}

// HandleDeleteKey: DELETE /users/{user}/keys/{keyid}.
func (s *Service) HandleDeleteKey(ctx context.Context, in *KeyPath) (*httpapi.Empty, error) {
	return &httpapi.Empty{}, s.DeleteKey(ctx, in.User, in.KeyID)
}

// HandleExpireKey: PUT /users/{user}/keys/{keyid}/expire.
func (s *Service) HandleExpireKey(ctx context.Context, in *KeyPath) (*httpapi.Empty, error) {
	return &httpapi.Empty{}, s.ExpireKey(ctx, in.User, in.KeyID)
}
