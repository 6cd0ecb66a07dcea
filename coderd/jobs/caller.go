package jobs

import (
	"encoding/json"
	"fmt"
	"strings"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
	"coder.internal/internal/buildinfo"
)

// caller is a daemon as the server knows it: who vouches for it, and which jobs
// it may have.
type caller struct {
	org                 api.ID
	daemon              api.ID
	name                string
	version, apiVersion string
	// keyName is the name of the key, or one of api.ProvisionerKey….
	keyName string
	keyID   *api.ID
	user    api.ID // of user-auth
	tags    map[string]string
}

// builtIn is an in-process daemon, whose word is believed.
func builtIn(req jobrpc.AcquireRequest) caller {
	return caller{org: req.OrganizationID, daemon: req.DaemonID, name: req.DaemonName, tags: req.Tags,
		version: buildinfo.Version(), apiVersion: jobrpc.WireVersion, keyName: api.ProvisionerKeyBuiltIn}
}

func (c caller) check() error {
	if c.daemon.IsZero() {
		return api.Invalid("daemon_id", "is missing")
	}
	if c.name == "" || CleanText(c.name, maxName) != c.name {
		return api.Invalid("daemon_name", fmt.Sprintf("needs 1 to %d bytes of text", maxName))
	}
	return nil
}

// credential tells credentials apart.
func (c caller) credential() string {
	switch {
	case c.keyID != nil:
		return "key:" + c.keyID.String()
	case c.keyName == api.ProvisionerKeyUserAuth:
		return "user:" + c.user.String()
	}
	return c.keyName
}

// holder is what an attempt remembers of the daemon that got it: credential, id
// and name. The name comes last because it may hold anything.
func (c caller) holder() string {
	return c.credential() + "/" + c.daemon.String() + "/" + c.name
}

// heldBy returns the holder of an attempt, "" if none is known.
func heldBy(row database.ProvisionerJob, attempt int) string {
	var holders map[string]string
	// The server wrote them; what cannot be read is nobody's.
	_ = json.Unmarshal(row.Holders, &holders)
	return holders[fmt.Sprint(attempt)]
}

// holderOf returns id and name of the daemon that got an attempt, nil if unknown.
func holderOf(row database.ProvisionerJob, attempt int) (*api.ID, string) {
	parts := strings.SplitN(heldBy(row, attempt), "/", 3)
	if len(parts) != 3 {
		return nil, ""
	}
	id, err := api.ParseID(parts[1])
	if err != nil {
		return nil, ""
	}
	return &id, parts[2]
}

// got reports whether the attempt was given to this very daemon.
func (c caller) got(row database.ProvisionerJob, attempt int) bool {
	h := heldBy(row, attempt)
	return h != "" && strings.HasPrefix(h, c.credential()+"/"+c.daemon.String()+"/")
}

// scopedTags completes the tags of a daemon that a person or the pre-shared key
// vouches for. owner is the person that a user-scoped daemon belongs to.
func scopedTags(in map[string]string, scope, owner string) (map[string]string, error) {
	out := map[string]string{}
	for k, v := range in {
		out[k] = v
	}
	if out[api.TagOwner] != "" && out[api.TagOwner] != owner {
		return nil, api.Invalid("tag", "owner is set by the server; leave it out")
	}
	out[api.TagScope], out[api.TagOwner] = scope, owner
	return out, nil
}
