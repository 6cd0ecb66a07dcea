package workspaces

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/audit"
	"coder.internal/database"
	"coder.internal/internal/tfstate"
)

// SetState replaces the state of a build that has ended. force takes a state
// that does not follow the present one.
func (s *Service) SetState(ctx context.Context, id api.ID, req api.UpdateWorkspaceBuildStateRequest) error {
	b, w, err := s.loadState(ctx, id)
	if err != nil {
		return err
	}
	next, err := readState(req.State)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(q *database.Queries) error {
		job, err := q.LockProvisionerJob(ctx, b.JobID)
		if err != nil {
			return fmt.Errorf("lock job %s: %w", b.JobID, err)
		}
		if !api.JobStatus(job.Status).Done() {
			return api.Conflict("The build is still " + job.Status + ". Wait for it, or cancel it.")
		}
		if err := s.checkFollows(ctx, q, b.WorkspaceID, b.BuildNumber, next, req.ForceState); err != nil {
			return err
		}
		if err := s.putState(ctx, q, id, req.State); err != nil {
			return err
		}
		return audit.Record(ctx, q, audit.Entry{Action: audit.Write, ResourceType: "workspace_build", ResourceID: id,
			Target: w.Name, OrganizationID: w.OrganizationID, StatusCode: http.StatusNoContent,
			After: map[string]any{"state_bytes": len(req.State), "state_serial": next.Serial, "force_state": req.ForceState}})
	})
}

// readState checks a state that a person brings.
func readState(b []byte) (tfstate.State, error) {
	if len(b) == 0 || len(b) > jobrpc.MaxStateBytes {
		return tfstate.State{}, api.Invalid("state", fmt.Sprintf("a state has 1 to %d bytes", jobrpc.MaxStateBytes))
	}
	next, err := tfstate.Parse(b)
	if err != nil {
		return next, api.Invalid("state", err.Error())
	}
	return next, nil
}

// checkFollows refuses a state that would undo what the present one knows.
func (s *Service) checkFollows(ctx context.Context, q *database.Queries, workspace api.ID, number int32, next tfstate.State, force bool) error {
	if force {
		return nil
	}
	b, err := s.newestState(ctx, q, workspace, number)
	if err != nil || b == nil {
		return err
	}
	now, err := tfstate.Parse(b)
	if err != nil {
		return nil //nolint:nilerr // what cannot be read cannot be protected
	}
	if err := now.Follows(next); err != nil {
		const remedy = ". Pull the present state and change that, or use force_state (coder state push --force)."
		return api.Conflict("The state was refused: "+err.Error()+remedy,
			api.ValidationError{Field: "state", Detail: err.Error()})
	}
	return nil
}

// StateResources lists what exists somewhere after a build: what an orphan delete
// would leave behind.
func (s *Service) StateResources(ctx context.Context, id api.ID) ([]api.WorkspaceStateResource, error) {
	b, _, err := s.loadState(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.leftBehind(ctx, s.db.Queries, b.WorkspaceID, b.BuildNumber)
}

// ownType begins the types of our provider: records that nobody has to look after.
const ownType = "coder_"

// resourcesIn lists the managed resources of a state that exist somewhere; none if
// it cannot be read.
func resourcesIn(b []byte) []api.WorkspaceStateResource {
	out := []api.WorkspaceStateResource{}
	state, err := tfstate.Parse(b)
	if err != nil {
		return out
	}
	for _, r := range state.Resources {
		if strings.HasPrefix(r.Type, ownType) {
			continue
		}
		out = append(out, api.WorkspaceStateResource{Address: shown(r.Address), Type: shown(r.Type), Name: shown(r.Name),
			Provider: shown(r.Provider), ResourceID: shown(r.ID)})
	}
	return out
}
