package jobs

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/rbac"
	"coder.internal/coderd/users"
	"coder.internal/database"
)

// topicDaemonKeys is the hint that a provisioner key was deleted.
const topicDaemonKeys = "provisioner_keys"

// maxKeys bounds the keys of one organization.
const maxKeys = 500

// OrganizationPath is the path of everything that belongs to an organization.
type OrganizationPath struct {
	Organization string `path:"organization" maxLength:"64"`
}

// organization finds the organization of a request, which the caller may read.
func (q *Queue) organization(ctx context.Context, ref string) (database.Organization, error) {
	org, err := users.LookupOrganization(ctx, q.opts.DB.Queries, ref)
	if err != nil {
		return org, err
	}
	object := rbac.Object{Type: rbac.TypeOrganization, ID: org.ID, OrgID: org.ID}
	return org, rbac.Check(ctx, rbac.Read, object, "Organization")
}

// managed is organization for callers who may do action with its daemons.
func (q *Queue) managed(ctx context.Context, ref string, action rbac.Action) (database.Organization, error) {
	org, err := q.organization(ctx, ref)
	if err != nil {
		return org, err
	}
	return org, rbac.Check(ctx, action, rbac.Object{Type: rbac.TypeProvisionerDaemon, OrgID: org.ID}, "Provisioner daemon")
}

// HandleCreateKey: POST /organizations/{organization}/provisionerkeys.
func (q *Queue) HandleCreateKey(ctx context.Context, in *struct {
	OrganizationPath
	Body api.CreateProvisionerKeyRequest
}) (*httpapi.Out[api.CreateProvisionerKeyResponse], error) {
	org, err := q.managed(ctx, in.Organization, rbac.Create)
	if err != nil {
		return nil, err
	}
	key, err := q.createKey(ctx, org.ID, in.Body)
	if err != nil {
		return nil, err
	}
	return httpapi.OK(api.CreateProvisionerKeyResponse{Key: key}), nil
}

func (q *Queue) createKey(ctx context.Context, org api.ID, req api.CreateProvisionerKeyRequest) (api.Secret, error) {
	err := httpapi.CheckName("name", req.Name, api.ProvisionerKeyBuiltIn, api.ProvisionerKeyPSK, api.ProvisionerKeyUserAuth)
	if err != nil {
		return "", err
	}
	if scope := req.Tags[api.TagScope]; scope != "" && scope != api.ScopeOrganization || req.Tags[api.TagOwner] != "" {
		return "", api.Invalid("tags", "a key is for the whole organization; leave scope and owner out")
	}
	tags, err := encodeTags(req.Tags)
	if err != nil {
		return "", err
	}
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	key := api.Secret(base64.RawURLEncoding.EncodeToString(secret[:]))
	err = q.opts.DB.InTx(ctx, func(tx *database.Queries) error {
		n, err := tx.CountProvisionerKeys(ctx, org)
		if err != nil {
			return fmt.Errorf("count provisioner keys: %w", err)
		}
		if n >= maxKeys {
			return api.Conflict(fmt.Sprintf("The organization has %d provisioner keys already. Delete one first.", n))
		}
		row, err := tx.InsertProvisionerKey(ctx, database.InsertProvisionerKeyParams{ID: api.NewID(), OrganizationID: org,
			Name: req.Name, Tags: tags, HashedSecret: hashSecret(key)})
		if database.IsUniqueViolation(err) {
			return api.Conflict(fmt.Sprintf("There is a provisioner key named %q already. Choose another name.", req.Name),
				api.ValidationError{Field: "name", Detail: "is in use"})
		}
		if err != nil {
			return fmt.Errorf("insert provisioner key: %w", err)
		}
		return recordKey(ctx, tx, audit.Create, row, http.StatusCreated)
	})
	return key, err
}

func recordKey(ctx context.Context, tx *database.Queries, action audit.Action, row database.ProvisionerKey, status int) error {
	e := audit.Entry{Action: action, ResourceType: "provisioner_key", ResourceID: row.ID, Target: row.Name,
		OrganizationID: row.OrganizationID, StatusCode: status}
	fields := map[string]any{"name": row.Name, "tags": row.Tags}
	if action == audit.Delete {
		e.Before = fields
	} else {
		e.After = fields
	}
	return audit.Record(ctx, tx, e)
}

// HandleKeys: GET /organizations/{organization}/provisionerkeys.
func (q *Queue) HandleKeys(ctx context.Context, in *OrganizationPath) (*httpapi.Out[[]api.ProvisionerKey], error) {
	return httpapi.Reply(q.listKeys(ctx, in.Organization))
}

func (q *Queue) listKeys(ctx context.Context, ref string) ([]api.ProvisionerKey, error) {
	org, err := q.managed(ctx, ref, rbac.Update)
	if err != nil {
		return nil, err
	}
	rows, err := q.opts.DB.ListProvisionerKeys(ctx, database.ListProvisionerKeysParams{OrganizationID: org.ID, MaxRows: maxKeys})
	if err != nil {
		return nil, fmt.Errorf("list provisioner keys: %w", err)
	}
	out := make([]api.ProvisionerKey, len(rows))
	for i, r := range rows {
		out[i] = convertKey(r)
	}
	return out, nil
}

func convertKey(r database.ProvisionerKey) api.ProvisionerKey {
	out := api.ProvisionerKey{ID: r.ID, CreatedAt: r.CreatedAt, OrganizationID: r.OrganizationID, Name: r.Name, Tags: map[string]string{}}
	_ = json.Unmarshal(r.Tags, &out.Tags) // the server wrote them
	return out
}

// HandleKeyDaemons: GET /organizations/{organization}/provisionerkeys/daemons.
func (q *Queue) HandleKeyDaemons(ctx context.Context, in *OrganizationPath) (*httpapi.Out[[]api.ProvisionerKeyDaemons], error) {
	keys, err := q.listKeys(ctx, in.Organization)
	if err != nil {
		return nil, err
	}
	daemons, err := q.listDaemons(ctx, in.Organization, daemonFilter{limit: maxListed, offline: true})
	if err != nil {
		return nil, err
	}
	out := make([]api.ProvisionerKeyDaemons, len(keys))
	for i, k := range keys {
		out[i] = api.ProvisionerKeyDaemons{Key: k, Daemons: []api.ProvisionerDaemon{}}
		for _, d := range daemons {
			if d.KeyID != nil && *d.KeyID == k.ID {
				out[i].Daemons = append(out[i].Daemons, d)
			}
		}
	}
	return httpapi.OK(out), nil
}

// HandleDeleteKey: DELETE /organizations/{organization}/provisionerkeys/{provisionerkey}.
// Daemons that use the key lose their connections.
func (q *Queue) HandleDeleteKey(ctx context.Context, in *struct {
	OrganizationPath
	Key string `path:"provisionerkey" maxLength:"64"`
}) (*httpapi.Empty, error) {
	org, err := q.managed(ctx, in.Organization, rbac.Delete)
	if err != nil {
		return nil, err
	}
	err = q.opts.DB.InTx(ctx, func(tx *database.Queries) error {
		row, err := tx.GetProvisionerKeyByName(ctx, database.GetProvisionerKeyByNameParams{OrganizationID: org.ID, Name: in.Key})
		if id, bad := api.ParseID(in.Key); bad == nil && database.IsNotFound(err) {
			row, err = tx.GetProvisionerKey(ctx, id)
		}
		if database.IsNotFound(err) || err == nil && row.OrganizationID != org.ID {
			return api.NotFound("Provisioner key")
		}
		if err != nil {
			return fmt.Errorf("load provisioner key: %w", err)
		}
		if n, err := tx.DeleteProvisionerKey(ctx, row.ID); err != nil {
			return fmt.Errorf("delete provisioner key %s: %w", row.ID, err)
		} else if n == 0 {
			return api.NotFound("Provisioner key")
		}
		if err := recordKey(ctx, tx, audit.Delete, row, http.StatusNoContent); err != nil {
			return err
		}
		if err := q.opts.PubSub.Publish(ctx, tx, topicDaemonKeys); err != nil {
			return fmt.Errorf("announce end of provisioner key %s: %w", row.ID, err)
		}
		return nil
	})
	return &httpapi.Empty{}, err
}

// HandleOwnKey: GET /provisionerkeys/{provisionerkey}. The key itself travels in
// the header; the path holds its name, its id, or "me".
func (q *Queue) HandleOwnKey(ctx context.Context, in *struct {
	Key string `path:"provisionerkey" maxLength:"64"`
}) (*httpapi.Out[api.ProvisionerKey], error) {
	d, ok := httpmw.DaemonFrom(ctx)
	if !ok || d.KeyID.IsZero() || in.Key != api.Me && in.Key != d.KeyName && in.Key != d.KeyID.String() {
		return nil, api.NotFound("Provisioner key")
	}
	row, err := q.opts.DB.GetProvisionerKey(ctx, d.KeyID)
	if database.IsNotFound(err) {
		return nil, errDaemonCredential
	}
	if err != nil {
		return nil, fmt.Errorf("load provisioner key %s: %w", d.KeyID, err)
	}
	return httpapi.OK(convertKey(row)), nil
}
