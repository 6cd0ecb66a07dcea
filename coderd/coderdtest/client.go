package coderdtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
)

// Client speaks to a Deployment with one token, maybe none.
type Client struct {
	d     *Deployment
	Token api.Secret
	// User is who the token belongs to, where the helper that made it knows.
	User api.User
}

// Client returns a client with token; an empty one is anonymous.
func (d *Deployment) Client(token api.Secret) *Client { return &Client{d: d, Token: token} }

// Password is that of all users which this package makes.
const Password = api.Secret("correct-horse-battery")

// FirstUser makes the owner of the deployment and signs them in.
func (d *Deployment) FirstUser(t testing.TB) *Client {
	t.Helper()
	anonymous := d.Client("")
	made := Do[api.CreateFirstUserResponse](t, anonymous, http.StatusCreated, http.MethodPost, "/api/v2/users/first",
		api.CreateFirstUserRequest{Email: "admin@example.com", Username: "admin", Password: Password})
	c := d.Login(t, "admin@example.com")
	require.Equal(t, made.UserID, c.User.ID)
	return c
}

// NewUser makes a user with site roles, by way of owner, and signs them in.
func (d *Deployment) NewUser(t testing.TB, owner *Client, username string, roles ...string) *Client {
	t.Helper()
	u := Do[api.User](t, owner, http.StatusCreated, http.MethodPost, "/api/v2/users",
		api.CreateUserRequest{Email: username + "@example.com", Username: username, Password: Password})
	if len(roles) > 0 {
		Do[api.User](t, owner, http.StatusOK, http.MethodPut, "/api/v2/users/"+u.ID.String()+"/roles", api.UpdateRolesRequest{Roles: roles})
	}
	return d.Login(t, u.Email)
}

// Login signs a user of this package in.
func (d *Deployment) Login(t testing.TB, email string) *Client {
	t.Helper()
	anonymous := d.Client("")
	res := Do[api.LoginResponse](t, anonymous, http.StatusCreated, http.MethodPost, "/api/v2/users/login",
		api.LoginRequest{Email: email, Password: Password})
	c := d.Client(res.SessionToken)
	c.User = Do[api.User](t, c, http.StatusOK, http.MethodGet, "/api/v2/users/me", nil)
	return c
}

// Do makes a request, wants the status, and decodes the body, if any, into T.
func Do[T any](t testing.TB, c *Client, status int, method, path string, body any) T {
	t.Helper()
	res, text := c.Raw(t, method, path, body)
	require.Equal(t, status, res.StatusCode, "%s %s answered %s", method, path, text)
	var out T
	if len(text) > 0 {
		require.NoError(t, json.Unmarshal(text, &out), "%s %s answered %s", method, path, text)
	}
	return out
}

// Raw makes a request and returns the response with its whole body read.
func (c *Client) Raw(t testing.TB, method, path string, body any) (*http.Response, []byte) {
	t.Helper()
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		require.NoError(t, err)
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, c.d.URL.String()+path, r)
	require.NoError(t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		req.Header.Set(api.SessionTokenHeader, c.Token.Reveal())
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close() //nolint:errcheck // read to the end
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, text
}
