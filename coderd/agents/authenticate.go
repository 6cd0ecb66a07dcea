package agents

import (
	"context"
	"fmt"
	"time"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/httpmw"
	"coder.internal/database"
	"coder.internal/database/pubsub"
)

// Bounds of the waiting room. Somebody without a token can fill the seats for
// unknown tokens only, and loses them after unknownWait.
const (
	maxUnknownWaiters   = 256
	maxAnnouncedWaiters = 4096
	unknownWait         = 3 * time.Second
	unknownPoll         = 500 * time.Millisecond
	announcedPoll       = time.Second
	maxToken            = 256
)

// TopicAgents is the hint that a build has made its agents known.
const TopicAgents = "agents"

var errToken = &api.Error{Code: api.CodeUnauthenticated,
	Message: "This agent token is not valid: its workspace was rebuilt, stopped or deleted, or it was never given out. Check CODER_AGENT_TOKEN, or restart the workspace."}

var errHeld = &api.Error{Code: api.CodeUnavailable,
	Message: "The build that makes this agent is still running. Try again."}

// AuthenticateAgent implements httpmw.Agents. A token that a running build has
// announced waits for the build, agentrpc.HoldTime at most. An unknown token
// waits briefly for an announcement while any build runs at all.
func (s *Service) AuthenticateAgent(ctx context.Context, token api.Secret) (httpmw.Agent, error) {
	if token == "" || len(token) > maxToken {
		return httpmw.Agent{}, errToken
	}
	hash := HashToken(token)
	if a, err := s.byToken(ctx, hash); err != errToken { //nolint:errorlint // our own value
		return a, err
	}
	job, err := s.announcement(ctx, hash)
	if err != nil {
		return httpmw.Agent{}, err
	}
	if job.IsZero() {
		// The build may have ended since the first look.
		return s.byToken(ctx, hash)
	}
	return s.awaitBuild(ctx, hash, job)
}

// byToken returns the agent that hash admits now, or errToken.
func (s *Service) byToken(ctx context.Context, hash []byte) (httpmw.Agent, error) {
	row, err := s.db.GetAgentByToken(ctx, hash)
	if database.IsNotFound(err) {
		return httpmw.Agent{}, errToken
	}
	if err != nil {
		return httpmw.Agent{}, fmt.Errorf("look up agent token: %w", err)
	}
	return httpmw.Agent{ID: row.ID, Name: row.Name, BuildID: row.BuildID, WorkspaceID: row.WorkspaceID, OwnerID: row.OwnerID}, nil
}

// announcedBy returns the living job that announced the token, zero if none.
func (s *Service) announcedBy(ctx context.Context, hash []byte) (api.ID, error) {
	job, err := s.db.GetAnnouncedJob(ctx, hash)
	if database.IsNotFound(err) {
		return api.ID{}, nil
	}
	if err != nil {
		return api.ID{}, fmt.Errorf("look up announced agent token: %w", err)
	}
	return job, nil
}

// announcement waits until a build announces the token, until no build runs, or
// until unknownWait is over. Zero means that nobody announced it.
func (s *Service) announcement(ctx context.Context, hash []byte) (api.ID, error) {
	job, err := s.announcedBy(ctx, hash)
	if err != nil || !job.IsZero() {
		return job, err
	}
	select {
	case s.unknown <- struct{}{}:
		defer func() { <-s.unknown }()
	default:
		return api.ID{}, nil // the room is full: no wait for strangers
	}
	made := s.opts.PubSub.Subscribe(TopicAgents)
	defer made.Close()
	queue := s.opts.PubSub.Subscribe(pubsub.TopicJobs()) // announcements come here
	defer queue.Close()
	limit := s.opts.Clock.NewTimer(unknownWait)
	defer limit.Stop()
	tick := s.opts.Clock.NewTicker(unknownPoll)
	defer tick.Stop()
	for {
		running, err := s.db.AnyBuildRunning(ctx)
		if err != nil {
			return api.ID{}, fmt.Errorf("look for running builds: %w", err)
		}
		// Asked after the question above, so that the last announcement of the
		// last build is not missed.
		if job, err = s.announcedBy(ctx, hash); err != nil || !job.IsZero() || !running {
			return job, err
		}
		select {
		case <-ctx.Done():
			return api.ID{}, ctx.Err()
		case <-limit.C:
			return api.ID{}, nil
		case <-made.C():
			if _, err := s.byToken(ctx, hash); err == nil {
				return api.ID{}, nil
			}
		case <-queue.C():
		case <-tick.C:
		}
	}
}

// awaitBuild waits until job is done and says whom the token admits then.
func (s *Service) awaitBuild(ctx context.Context, hash []byte, job api.ID) (httpmw.Agent, error) {
	select {
	case s.announced <- struct{}{}:
		defer func() { <-s.announced }()
	default:
		return httpmw.Agent{}, errHeld
	}
	sub := s.opts.PubSub.Subscribe(pubsub.TopicJob(job))
	defer sub.Close()
	limit := s.opts.Clock.NewTimer(agentrpc.HoldTime)
	defer limit.Stop()
	tick := s.opts.Clock.NewTicker(announcedPoll)
	defer tick.Stop()
	for {
		still, err := s.announcedBy(ctx, hash)
		if err != nil {
			return httpmw.Agent{}, err
		}
		a, err := s.byToken(ctx, hash)
		if err != errToken || still.IsZero() { //nolint:errorlint // our own value
			return a, err
		}
		select {
		case <-ctx.Done():
			return httpmw.Agent{}, ctx.Err()
		case <-limit.C:
			return httpmw.Agent{}, errHeld
		case <-sub.C():
		case <-tick.C:
		}
	}
}
