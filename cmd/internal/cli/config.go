package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/api/client"
)

// Files of the configuration directory.
const (
	FileURL          = "url"
	FileSession      = "session"
	FileOrganization = "organization"
)

// maxConfigFile bounds what is read of a configuration file, in bytes.
const maxConfigFile = 64 << 10

// Config reads a file of the configuration directory; "" where there is none.
func (e *Env) Config(name string) (string, error) {
	p := filepath.Join(e.Global.ConfigDir, name)
	st, err := os.Stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err == nil && st.Size() > maxConfigFile {
		err = fmt.Errorf("%s is larger than %d bytes", p, maxConfigFile)
	}
	if err != nil {
		return "", fmt.Errorf("read configuration: %w", err)
	}
	b, err := os.ReadFile(p)
	if err != nil {
		return "", fmt.Errorf("read configuration: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// SetConfig writes a file of the configuration directory for the user alone, in
// one step, so that a reader never sees half of it. An empty value removes it.
func (e *Env) SetConfig(name, value string) error {
	dir := e.Global.ConfigDir
	if value == "" {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove configuration: %w", err)
		}
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make configuration directory: %w", err)
	}
	return WriteFile(filepath.Join(dir, name), []byte(value), 0o600)
}

// WriteFile replaces a file in one step: written beside it, then renamed. A link
// stays one: what it points to is replaced. A device or a pipe, such as
// /dev/stdout, is written to.
func WriteFile(name string, content []byte, mode fs.FileMode) error {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return writeThrough(name, content)
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func writeThrough(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// configURL returns the deployment's address as given, "" where nobody did.
func (e *Env) configURL() (string, error) {
	if e.Global.URL != "" {
		return e.Global.URL, nil
	}
	return e.Config(FileURL)
}

// ParseURL reads the address of a deployment; a missing scheme is taken as
// https, or http for loopback names.
func ParseURL(raw string) (*url.URL, error) {
	text := strings.TrimRight(strings.TrimSpace(raw), "/")
	if !strings.Contains(text, "://") {
		host, _, _ := strings.Cut(text, "/")
		host, _, _ = strings.Cut(host, ":")
		if host == "localhost" || strings.HasPrefix(host, "127.") {
			text = "http://" + text
		} else {
			text = "https://" + text
		}
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, Usage("url", fmt.Sprintf("%q is not an address such as https://coder.example.com.", Inert(raw)))
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, Usage("url", "Leave out user, query and fragment; give scheme, host and path only.")
	}
	return u, nil
}

// Client returns the client of the deployment that the user is signed in to.
func (e *Env) Client(ctx context.Context) (*client.Client, error) {
	raw, err := e.configURL()
	if err != nil {
		return nil, err
	}
	if raw == "" {
		return nil, &api.Error{Code: api.CodeInvalid,
			Message: "You are not signed in. Sign in with: coder login <url>"}
	}
	u, err := ParseURL(raw)
	if err != nil {
		return nil, err
	}
	token, err := e.Token()
	if err != nil {
		return nil, err
	}
	if token == "" {
		return nil, &api.Error{Code: api.CodeInvalid,
			Message: "You are not signed in. Sign in with: coder login " + Inert(raw)}
	}
	return e.ClientFor(ctx, u, token)
}

// Deployment returns a client of the deployment, with the session if there is one.
// It is for commands that bring a credential of their own.
func (e *Env) Deployment(ctx context.Context) (*client.Client, error) {
	raw, err := e.configURL()
	if err != nil {
		return nil, err
	}
	if raw == "" {
		return nil, &api.Error{Code: api.CodeInvalid,
			Message: "The address of the deployment is not known. Give it with --url or CODER_URL."}
	}
	u, err := ParseURL(raw)
	if err != nil {
		return nil, err
	}
	token, err := e.Token()
	if err != nil {
		return nil, err
	}
	return e.ClientFor(ctx, u, token)
}

// Token returns the session token of flag, environment or file.
func (e *Env) Token() (api.Secret, error) {
	if e.Global.Token != "" {
		return api.Secret(e.Global.Token), nil
	}
	t, err := e.Config(FileSession)
	return api.Secret(t), err
}

// ClientFor returns a client of u with the connection options of the global
// flags. The token may be empty.
func (e *Env) ClientFor(ctx context.Context, u *url.URL, token api.Secret) (*client.Client, error) {
	tr, err := client.NewTransport(client.TLSFiles{CA: e.Global.TLSCAFile, Cert: e.Global.TLSCertFile, Key: e.Global.TLSKeyFile})
	if err != nil {
		return nil, err
	}
	h, err := ExtraHeader(ctx, e.Global.Header, e.Global.HeaderCommand, "header")
	if err != nil {
		return nil, err
	}
	opts := []client.Option{client.WithToken(token), client.WithTransport(tr), client.WithHeader(h), client.WithClock(e.Clock)}
	if e.Global.DebugHTTP {
		opts = append(opts, client.WithTrace(func(method, url string, status int, took time.Duration, err error) {
			fmt.Fprintf(e.Stderr, "http: %s %s %d %s %v\n", method, Inert(url), status, took.Round(time.Millisecond/10), err)
		}))
	}
	if e.NewClient != nil {
		return e.NewClient(u, opts...), nil
	}
	return client.New(u, opts...), nil
}

// headerTimeout bounds the header command.
const headerTimeout = 30 * time.Second

// ExtraHeader builds the extra headers of flags and of the output of a command.
// flag is the flag's name for messages. nil is returned where there are none.
func ExtraHeader(ctx context.Context, pairs []string, command, flag string) (http.Header, error) {
	if len(pairs) == 0 && command == "" {
		return nil, nil
	}
	if command != "" {
		lines, err := runHeaderCommand(ctx, command)
		if err != nil {
			return nil, err
		}
		pairs = append(append([]string(nil), pairs...), lines...)
	}
	h := http.Header{}
	for _, p := range pairs {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, Usage(flag, "A header is given as name=value.")
		}
		h.Add(name, value)
	}
	return h, nil
}

func runHeaderCommand(ctx context.Context, command string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, headerTimeout)
	defer cancel()
	shell, arg := "sh", "-c"
	if runtime.GOOS == "windows" {
		shell, arg = "cmd.exe", "/c"
	}
	cmd := exec.CommandContext(ctx, shell, arg, command)
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run header command: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// OrgRef returns the organization to work in, by name or id: flag, file, then
// the word that stands for the default one. It asks nobody.
func (e *Env) OrgRef(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	o, err := e.Config(FileOrganization)
	if err != nil || o != "" {
		return o, err
	}
	return "default", nil
}
