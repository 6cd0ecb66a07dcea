package workspaces

import (
	"context"
	"encoding/json"
	"fmt"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/jobs"
	"coder.internal/internal/tfstate"
)

// stray is what is kept of a call for an attempt that was over, of any kind.
type stray struct {
	Error string              `json:"error"`
	State []byte              `json:"state"`
	Build *jobrpc.BuildResult `json:"build"`
}

func (p stray) state() []byte {
	if p.Build != nil {
		return p.Build.State
	}
	return p.State
}

// Strays lists what attempts at a build have brought after they were over.
func (s *Service) Strays(ctx context.Context, id api.ID) ([]api.WorkspaceBuildStray, error) {
	b, _, err := s.loadState(ctx, id)
	if err != nil {
		return nil, err
	}
	kept, err := s.opts.Jobs.Strays(ctx, b.JobID)
	if err != nil {
		return nil, err
	}
	out := []api.WorkspaceBuildStray{}
	for _, k := range kept {
		p, err := decodeStray(k)
		if err != nil {
			return nil, err
		}
		state, item := p.state(), api.WorkspaceBuildStray{ID: k.ID, Attempt: k.Attempt, Kind: k.Kind,
			CreatedAt: k.CreatedAt, Error: shown(p.Error)}
		item.HasState, item.Resources = len(state) > 0, resourcesIn(state)
		if head, err := tfstate.Parse(state); err == nil {
			item.Serial, item.Lineage = head.Serial, shown(head.Lineage)
		}
		out = append(out, item)
	}
	return out, nil
}

// StrayState returns the state that one of them brought.
func (s *Service) StrayState(ctx context.Context, build, id api.ID) ([]byte, error) {
	b, _, err := s.loadState(ctx, build)
	if err != nil {
		return nil, err
	}
	kept, err := s.opts.Jobs.Strays(ctx, b.JobID)
	if err != nil {
		return nil, err
	}
	for _, k := range kept {
		if k.ID != id {
			continue
		}
		p, err := decodeStray(k)
		if err != nil {
			return nil, err
		}
		if state := p.state(); len(state) > 0 {
			return state, nil
		}
	}
	return nil, api.NotFound("Stray state")
}

func decodeStray(k jobs.Stray) (p stray, err error) {
	if err := json.Unmarshal(k.Payload, &p); err != nil {
		return p, fmt.Errorf("decode stray %s: %w", k.ID, err)
	}
	return p, nil
}
