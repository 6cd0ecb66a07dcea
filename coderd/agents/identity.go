package agents

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/identity"
	"coder.internal/database"
)

// Identities verify what clouds sign for their machines.
type Identities struct {
	AWS    identity.AWS
	Azure  identity.Azure
	Google identity.Google
}

// identityStale is how long after its last sign of life an agent counts as
// connected: a few touchIntervals.
const identityStale = 3 * touchInterval

// errInstance is the answer for machines that are not known, and for those that
// are but may not: which of them it is, is nobody's business.
var errInstance = &api.Error{Code: api.CodeNotFound,
	Message: "No agent of a running workspace waits for this machine. Its build may still be running, or the template's coder_agent_instance names another instance id."}

// errConnected refuses a document while its agent is there: whoever shows it then
// may have copied it.
var errConnected = api.Conflict("The agent of this machine is connected already. If that is an agent which has just died, try again in two minutes.")

// HandleAWSIdentity answers POST /workspaceagents/aws-instance-identity.
func (s *Service) HandleAWSIdentity(ctx context.Context, in *BodyInput[api.AWSInstanceIdentityToken]) (*httpapi.Out[api.AgentAuthenticateResponse], error) {
	id, err := s.opts.Identities.AWS.Instance(in.Body.Document, in.Body.Signature)
	return s.exchange(ctx, id, in.Body.AgentName, err)
}

// HandleAzureIdentity answers POST /workspaceagents/azure-instance-identity.
func (s *Service) HandleAzureIdentity(ctx context.Context, in *BodyInput[api.AzureInstanceIdentityToken]) (*httpapi.Out[api.AgentAuthenticateResponse], error) {
	id, err := s.opts.Identities.Azure.Instance(in.Body.Encoding, in.Body.Signature)
	return s.exchange(ctx, id, in.Body.AgentName, err)
}

// HandleGoogleIdentity answers POST /workspaceagents/google-instance-identity.
func (s *Service) HandleGoogleIdentity(ctx context.Context, in *BodyInput[api.GoogleInstanceIdentityToken]) (*httpapi.Out[api.AgentAuthenticateResponse], error) {
	if s.opts.Identities.Google.Keys == nil {
		return nil, &api.Error{Code: api.CodeUnauthenticated, Message: "This server does not verify identities of Google."}
	}
	id, err := s.opts.Identities.Google.Instance(ctx, in.Body.JSONWebToken)
	return s.exchange(ctx, id, in.Body.AgentName, err)
}

// exchange gives the agent on a verified machine a token. It is a new one each
// time, since only hashes are kept: an older one ends with it.
func (s *Service) exchange(ctx context.Context, instance, name string, err error) (*httpapi.Out[api.AgentAuthenticateResponse], error) {
	if err != nil {
		return nil, err
	}
	if instance == "" {
		return nil, errInstance
	}
	token := api.Secret(rand.Text())
	err = s.db.InTx(ctx, func(q *database.Queries) error {
		rows, err := q.ListAgentsByInstance(ctx, database.ListAgentsByInstanceParams{InstanceID: instance, StaleSeconds: identityStale.Seconds()})
		if err != nil {
			return fmt.Errorf("look up agents of a machine: %w", err)
		}
		a, err := choose(rows, name)
		if err != nil {
			return err
		}
		if err := q.SetAgentToken(ctx, database.SetAgentTokenParams{ID: a.ID, TokenHash: HashToken(token)}); err != nil {
			return fmt.Errorf("store token of agent %s: %w", a.ID, err)
		}
		return audit.Record(ctx, q, audit.Entry{Action: audit.Login, ResourceType: "workspace_agent", ResourceID: a.ID,
			Target: a.WorkspaceName + "." + a.Name, OrganizationID: a.OrganizationID, StatusCode: http.StatusOK,
			After: map[string]any{"instance_id": instance}})
	})
	if errors.Is(err, errAmbiguous) {
		s.log.Warn("several workspaces name one machine as theirs; none gets it", "instance_id", instance)
		err = errInstance
	}
	if err != nil {
		return nil, err
	}
	return httpapi.OK(api.AgentAuthenticateResponse{SessionToken: token}), nil
}

var errAmbiguous = errors.New("several workspaces claim the machine")

// choose picks the agent. A machine that two workspaces claim belongs to neither:
// else a template could name another's machine and have its agent.
func choose(rows []database.ListAgentsByInstanceRow, name string) (database.ListAgentsByInstanceRow, error) {
	var none database.ListAgentsByInstanceRow
	var found []database.ListAgentsByInstanceRow
	for _, r := range rows {
		if r.WorkspaceID != rows[0].WorkspaceID {
			return none, errAmbiguous
		}
		if name == "" || r.Name == name {
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 0:
		return none, errInstance
	case len(found) > 1:
		return none, api.Invalid("agent_name", "several agents run on this machine; name one with CODER_AGENT_NAME")
	case found[0].Connected:
		return none, errConnected
	}
	return found[0], nil
}
