package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"coder.internal/api"
)

// DaemonsFilter narrows ProvisionerDaemons. Zero fields do not.
type DaemonsFilter struct {
	Limit   int
	Offline bool // those that are gone too
	Status  []string
	MaxAge  time.Duration
	Tags    map[string]string
}

// ProvisionerDaemons lists the daemons of an organization.
func (c *Client) ProvisionerDaemons(ctx context.Context, org string, f DaemonsFilter) ([]api.ProvisionerDaemon, error) {
	q, err := listQuery(f.Limit, f.Status, f.Tags)
	if err != nil {
		return nil, err
	}
	if f.Offline {
		q.Set("offline", "true")
	}
	if f.MaxAge > 0 {
		q.Set("max_age_ms", strconv.FormatInt(f.MaxAge.Milliseconds(), 10))
	}
	return get[[]api.ProvisionerDaemon](ctx, c, path("organizations", org, "provisionerdaemons"), q)
}

// JobsFilter narrows ProvisionerJobs. Zero fields do not.
type JobsFilter struct {
	Limit     int
	Status    []string
	Initiator string
	Tags      map[string]string
}

// ProvisionerJobs lists jobs of an organization, newest first.
func (c *Client) ProvisionerJobs(ctx context.Context, org string, f JobsFilter) ([]api.ProvisionerJob, error) {
	q, err := listQuery(f.Limit, f.Status, f.Tags)
	if err != nil {
		return nil, err
	}
	if f.Initiator != "" {
		q.Set("initiator", f.Initiator)
	}
	return get[[]api.ProvisionerJob](ctx, c, path("organizations", org, "provisionerjobs"), q)
}

// ProvisionerJob returns one job.
func (c *Client) ProvisionerJob(ctx context.Context, org string, id api.ID) (api.ProvisionerJob, error) {
	return get[api.ProvisionerJob](ctx, c, path("organizations", org, "provisionerjobs", id.String()), nil)
}

// ProvisionerKeys lists the keys of an organization.
func (c *Client) ProvisionerKeys(ctx context.Context, org string) ([]api.ProvisionerKey, error) {
	return get[[]api.ProvisionerKey](ctx, c, path("organizations", org, "provisionerkeys"), nil)
}

// CreateProvisionerKey makes a key and returns it.
func (c *Client) CreateProvisionerKey(ctx context.Context, org string, r api.CreateProvisionerKeyRequest) (api.Secret, error) {
	res, err := write[api.CreateProvisionerKeyResponse](ctx, c, http.MethodPost, path("organizations", org, "provisionerkeys"), r)
	return res.Key, err
}

// DeleteProvisionerKey ends a key, by name or id, and its daemons' connections.
func (c *Client) DeleteProvisionerKey(ctx context.Context, org, key string) error {
	_, err := write[none](ctx, c, http.MethodDelete, path("organizations", org, "provisionerkeys", key), nil)
	return err
}

// OwnProvisionerKey returns what the server knows of the given key.
func (c *Client) OwnProvisionerKey(ctx context.Context, key api.Secret) (api.ProvisionerKey, error) {
	other := *c
	other.token, other.header = "", c.ExtraHeader()
	other.header.Set(api.ProvisionerKeyHeader, key.Reveal())
	return get[api.ProvisionerKey](ctx, &other, path("provisionerkeys", api.Me), nil)
}

func listQuery(limit int, status []string, tags map[string]string) (url.Values, error) {
	q := page(limit, 0)
	if len(status) > 0 {
		q.Set("status", strings.Join(status, ","))
	}
	if len(tags) > 0 {
		b, err := json.Marshal(tags)
		if err != nil {
			return nil, err
		}
		q.Set("tags", string(b))
	}
	return q, nil
}
