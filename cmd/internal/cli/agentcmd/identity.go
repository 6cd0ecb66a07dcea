package agentcmd

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// Where clouds answer their machines. Nothing but the machine itself reaches
// these addresses.
const (
	linkLocal      = "http://169.254.169.254"
	googleMetadata = "http://metadata.google.internal"
)

const (
	maxIdentity     = 32 << 10 // bytes of one answer of a cloud
	identityTimeout = 10 * time.Second
	identityRetry   = time.Second
	identityLast    = 30 * time.Second
)

// cloud fetches what a cloud signs for this machine. base is its metadata
// service.
type cloud struct {
	base string
	http *http.Client
}

// newCloud returns a client that knows no proxy and follows no redirect: an
// identity must not leave the machine by another way than to the server.
func newCloud(base string) cloud {
	dialer := &net.Dialer{Timeout: identityTimeout}
	return cloud{base, &http.Client{Timeout: identityTimeout,
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (c cloud) ask(ctx context.Context, method, path string, header http.Header) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, nil)
	if err != nil {
		return "", fmt.Errorf("ask metadata service: %w", err)
	}
	req.Header = header
	resp, err := c.http.Do(req)
	if err != nil {
		return "", fmt.Errorf("ask metadata service: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxIdentity+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read answer of metadata service: %w", err)
	case resp.StatusCode != http.StatusOK:
		return "", fmt.Errorf("metadata service answered %s with status %d", path, resp.StatusCode)
	case len(b) > maxIdentity:
		return "", fmt.Errorf("metadata service answered %s with more than %d bytes", path, maxIdentity)
	}
	return string(b), nil
}

// prove returns the body that shows this machine to the server.
type prove func(ctx context.Context) (client.Identity, error)

func aws(c cloud, agent string) prove {
	return func(ctx context.Context) (client.Identity, error) {
		session, err := c.ask(ctx, http.MethodPut, "/latest/api/token", http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {"60"}})
		if err != nil {
			return client.Identity{}, err
		}
		header := http.Header{"X-Aws-Ec2-Metadata-Token": {session}}
		document, err := c.ask(ctx, http.MethodGet, "/latest/dynamic/instance-identity/document", header)
		if err != nil {
			return client.Identity{}, err
		}
		signature, err := c.ask(ctx, http.MethodGet, "/latest/dynamic/instance-identity/signature", header)
		return client.Identity{Cloud: "aws", Body: api.AWSInstanceIdentityToken{Document: document, Signature: signature, AgentName: agent}}, err
	}
}

func azure(c cloud, agent string) prove {
	return func(ctx context.Context) (client.Identity, error) {
		text, err := c.ask(ctx, http.MethodGet, "/metadata/attested/document?api-version=2020-09-01", http.Header{"Metadata": {"true"}})
		if err != nil {
			return client.Identity{}, err
		}
		body, err := client.DecodeAzure(text, agent)
		return client.Identity{Cloud: "azure", Body: body}, err
	}
}

func google(c cloud, agent, audience string) prove {
	return func(ctx context.Context) (client.Identity, error) {
		q := url.Values{"audience": {audience}, "format": {"full"}}
		token, err := c.ask(ctx, http.MethodGet, "/computeMetadata/v1/instance/service-accounts/default/identity?"+q.Encode(), http.Header{"Metadata-Flavor": {"Google"}})
		return client.Identity{Cloud: "google", Body: api.GoogleInstanceIdentityToken{JSONWebToken: strings.TrimSpace(token), AgentName: agent}}, err
	}
}

// proof returns the way of --auth; nil for token. The address of the metadata
// service can be replaced for tests and for clouds that answer elsewhere.
func proof(env *cli.Env, u *url.URL) (prove, error) {
	base := func(usual string) cloud {
		if b := env.Getenv("CODER_AGENT_METADATA_URL"); b != "" {
			usual = strings.TrimRight(b, "/")
		}
		return newCloud(usual)
	}
	name := env.Global.AgentName
	switch env.Global.AgentAuth {
	case "", "token":
		return nil, nil
	case "aws-instance-identity":
		return aws(base(linkLocal), name), nil
	case "azure-instance-identity":
		return azure(base(linkLocal), name), nil
	case "google-instance-identity":
		return google(base(googleMetadata), name, strings.TrimRight(u.String(), "/")), nil
	}
	return nil, cli.Usage("auth", fmt.Sprintf("%q is not supported; use token, aws-instance-identity, azure-instance-identity or google-instance-identity.", cli.Inert(env.Global.AgentAuth)))
}

// signIn proves this machine until the server gives a token or ctx ends. A
// machine often boots before its build is done, so no answer is final.
func signIn(ctx context.Context, env *cli.Env, log *slog.Logger, p prove, ac *client.AgentClient) (api.Secret, error) {
	pause := identityRetry
	for {
		id, err := p(ctx)
		if err == nil {
			var token api.Secret
			if token, err = ac.ExchangeIdentity(ctx, id); err == nil {
				return token, nil
			}
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		log.Warn("not signed in by the identity of this machine, trying again", "error", err, "pause", pause)
		t := env.Clock.NewTimer(pause, "agent", "identity")
		select {
		case <-ctx.Done():
			t.Stop()
			return "", ctx.Err()
		case <-t.C:
		}
		pause = min(2*pause, identityLast)
	}
}
