package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"coder.internal/cmd/internal/cli"
)

const (
	gpgTimeout = 30 * time.Second // for each of the two sides
	maxKeyring = 16 << 20         // bytes of public keys
)

// gpg lets the workspace use the gpg-agent here: its public keys are imported
// there, and the socket of the agent there leads to the restricted one here,
// which signs and decrypts but gives no key away. It returns that forward.
func gpg(ctx context.Context, env *cli.Env, client *gossh.Client, vars [][2]string) (forward, error) {
	near, cancel := context.WithTimeout(ctx, gpgTimeout)
	defer cancel()
	if _, err := localGPG(near, env, "gpgconf", "--launch", "gpg-agent"); err != nil {
		return forward{}, err
	}
	socket, err := localGPG(near, env, "gpgconf", "--list-dirs", "agent-extra-socket")
	if err != nil {
		return forward{}, err
	}
	local := strings.TrimSpace(string(socket))
	if !filepath.IsAbs(local) {
		return forward{}, errors.New("forward gpg-agent: gpgconf names no agent-extra-socket; GnuPG 2.1.17 or newer is needed here")
	}
	keys, err := localGPG(near, env, "gpg", "--batch", "--export")
	if err != nil {
		return forward{}, err
	}
	trust, err := localGPG(near, env, "gpg", "--batch", "--export-ownertrust")
	if err != nil {
		return forward{}, err
	}
	remote, err := remoteGPG(ctx, client, vars, keys, trust)
	if err != nil {
		return forward{}, fmt.Errorf("forward gpg-agent: %w", err)
	}
	return forward{"unix", remote, "unix", local}, nil
}

// localGPG runs a program of GnuPG here.
func localGPG(ctx context.Context, env *cli.Env, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = os.Environ()
	if home := env.Getenv("GNUPGHOME"); home != "" {
		cmd.Env = append(cmd.Env, "GNUPGHOME="+home)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, cli.Usage("forward-gpg", name+" was not found here. Install GnuPG, or leave --forward-gpg out.")
	case err != nil:
		return nil, fmt.Errorf("forward gpg-agent: %s: %w: %s", name, err, cli.Inert(strings.TrimSpace(stderr.String())))
	case len(out) > maxKeyring:
		return nil, cli.Usage("forward-gpg", fmt.Sprintf("The public keys here have more than %d MiB.", maxKeyring>>20))
	}
	return out, nil
}

// remoteGPG imports keys and trust there, stops an agent that holds the socket,
// and returns the path of the socket.
func remoteGPG(ctx context.Context, client *gossh.Client, vars [][2]string, keys, trust []byte) (string, error) {
	if len(keys) > 0 {
		if _, err := remoteRun(ctx, client, vars, keys, "gpg --batch -q --import"); err != nil {
			return "", fmt.Errorf("import public keys in the workspace: %w", err)
		}
		if _, err := remoteRun(ctx, client, vars, trust, "gpg --batch -q --import-ownertrust"); err != nil {
			return "", fmt.Errorf("import trust in the workspace: %w", err)
		}
	}
	out, err := remoteRun(ctx, client, vars, nil,
		"gpgconf --create-socketdir >/dev/null 2>&1; gpgconf --kill gpg-agent; gpgconf --list-dirs agent-socket")
	if err != nil {
		return "", fmt.Errorf("find the agent's socket in the workspace: %w", err)
	}
	socket := strings.TrimSpace(out)
	if !path.IsAbs(socket) || strings.ContainsAny(socket, "\n\x00") {
		return "", errors.New("gpgconf of the workspace names no socket")
	}
	return socket, nil
}

// remoteRun runs one line there, in the environment of the session to come. It
// takes at most 64 KiB of output.
func remoteRun(ctx context.Context, client *gossh.Client, vars [][2]string, stdin []byte, line string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, gpgTimeout)
	defer cancel()
	ses, err := client.NewSession()
	if err != nil {
		return "", err
	}
	defer ses.Close()
	stop := context.AfterFunc(ctx, func() { _ = ses.Close() })
	defer stop()
	for _, v := range vars {
		if err := ses.Setenv(v[0], v[1]); err != nil {
			return "", fmt.Errorf("set %s: %w", cli.Inert(v[0]), err)
		}
	}
	var stdout, stderr limited
	ses.Stdin, ses.Stdout, ses.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	if err := ses.Run(line); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		var exit *gossh.ExitError
		if errors.As(err, &exit) && exit.ExitStatus() == 127 {
			return "", errors.New("GnuPG is not installed there")
		}
		return "", fmt.Errorf("%w: %s", err, cli.Inert(strings.TrimSpace(stderr.String())))
	}
	return stdout.String(), nil
}

// limited keeps the first 64 KiB and throws the rest away.
type limited struct{ b bytes.Buffer }

var _ io.Writer = (*limited)(nil)

// Write never fails.
func (l *limited) Write(p []byte) (int, error) {
	l.b.Write(p[:min(len(p), max(0, 64<<10-l.b.Len()))])
	return len(p), nil
}

// String is what was kept.
func (l *limited) String() string { return l.b.String() }
