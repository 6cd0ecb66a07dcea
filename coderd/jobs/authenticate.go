package jobs

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"

	"coder.internal/api"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// maxSecret bounds a key or pre-shared key in bytes.
const maxSecret = 1024

var errDaemonCredential = &api.Error{Code: api.CodeUnauthenticated,
	Message: "This provisioner credential is not valid: the key was deleted or never given out, or the pre-shared key differs from the server's. Check --key and --psk."}

// AuthenticateDaemon implements httpmw.Daemons: by key where there is one, else
// by the pre-shared key. Wrong ones are limited, see guess.
func (q *Queue) AuthenticateDaemon(ctx context.Context, key, psk api.Secret, daemon api.ID) (httpmw.Daemon, error) {
	if key == "" {
		return httpmw.Daemon{KeyName: api.ProvisionerKeyPSK}, q.checkPSK(ctx, psk, daemon)
	}
	if len(key) > maxSecret {
		return httpmw.Daemon{}, q.guess(ctx, guessLimits(ctx, daemon, false), false)
	}
	row, err := q.opts.DB.GetProvisionerKeyBySecret(ctx, hashSecret(key))
	if database.IsNotFound(err) {
		return httpmw.Daemon{}, q.guess(ctx, guessLimits(ctx, daemon, false), false)
	}
	if err != nil {
		return httpmw.Daemon{}, fmt.Errorf("look up provisioner key: %w", err)
	}
	return httpmw.Daemon{KeyID: row.ID, KeyName: row.Name, OrganizationID: row.OrganizationID}, nil
}

// same compares in a time that tells nothing of either.
func same(a, b api.Secret) bool {
	x, y := sha256.Sum256([]byte(a.Reveal())), sha256.Sum256([]byte(b.Reveal()))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// hashSecret is what the database keeps of a key: it is random, one round will do.
func hashSecret(s api.Secret) []byte {
	sum := sha256.Sum256([]byte(s.Reveal()))
	return sum[:]
}

// mayServe hides organizations that the credential has nothing to do with.
func mayServe(ctx context.Context, org api.ID) error {
	d, ok := httpmw.DaemonFrom(ctx)
	switch {
	case !ok:
		return rbac.Check(ctx, rbac.Read, rbac.Object{Type: rbac.TypeOrganization, ID: org, OrgID: org}, "Organization")
	case !d.KeyID.IsZero() && d.OrganizationID != org:
		return api.NotFound("Organization")
	}
	return nil
}

// vouch completes who, a daemon of the organization, with what its credential
// allows, and checks that it claims no more. offered are the tags of the daemon.
func (q *Queue) vouch(ctx context.Context, who caller, offered map[string]string) (caller, error) {
	d, ok := httpmw.DaemonFrom(ctx)
	switch {
	case !ok:
		return q.vouchPerson(ctx, who, offered)
	case d.KeyID.IsZero():
		if scope := offered[api.TagScope]; scope != "" && scope != api.ScopeOrganization {
			return who, api.Invalid("tag", "a daemon with the pre-shared key has the scope organization; for one of your own sign in instead")
		}
		tags, err := scopedTags(offered, api.ScopeOrganization, "")
		who.keyName, who.tags = api.ProvisionerKeyPSK, tags
		return who, err
	case len(offered) > 0:
		return who, api.Invalid("tag", "the tags of a daemon with a key are those of the key; leave --tag out, or make a key with these tags")
	}
	row, err := q.opts.DB.GetProvisionerKey(ctx, d.KeyID)
	if database.IsNotFound(err) {
		return who, errDaemonCredential
	}
	if err != nil {
		return who, fmt.Errorf("load provisioner key %s: %w", d.KeyID, err)
	}
	if err := json.Unmarshal(row.Tags, &who.tags); err != nil {
		return who, fmt.Errorf("decode tags of provisioner key %s: %w", d.KeyID, err)
	}
	who.keyName, who.keyID = row.Name, &row.ID
	return who, nil
}

// vouchPerson lets people with the right run daemons for the organization, and
// every member one for their own jobs.
func (q *Queue) vouchPerson(ctx context.Context, who caller, offered map[string]string) (caller, error) {
	person, err := rbac.Caller(ctx)
	if err != nil {
		return who, err
	}
	who.keyName, who.user = api.ProvisionerKeyUserAuth, person.UserID
	object := rbac.Object{Type: rbac.TypeProvisionerDaemon, OrgID: who.org}
	scope, owner := offered[api.TagScope], ""
	switch scope {
	case "", api.ScopeOrganization:
		scope = api.ScopeOrganization
	case api.ScopeUser:
		owner = person.UserID.String()
		object.OwnerID = person.UserID
	default:
		return who, api.Invalid("tag", `scope must be "organization" or "user"`)
	}
	if !rbac.Authorize(person, rbac.Create, object) {
		return who, &api.Error{Code: api.CodeForbidden,
			Message: "You may not run a provisioner daemon for this organization. Run one for your own workspaces with --tag scope=user, or ask an administrator for a provisioner key."}
	}
	who.tags, err = scopedTags(offered, scope, owner)
	return who, err
}
