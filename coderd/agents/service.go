package agents

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/keys"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
	"coder.internal/database/pubsub"
	"coder.internal/internal/clock"
	"coder.internal/internal/wsconn"
)

// Hooks tell what happens to an agent's connection. They are called one after
// another and may block briefly.
type Hooks struct {
	OnConnect    func(ctx context.Context)
	OnAlive      func(ctx context.Context)
	OnDisconnect func(ctx context.Context)
}

// Coordinator exchanges network nodes over websockets. The Serve calls block until
// the connection ends; Revoke ends a client's, with its tunnels, and does not block.
// coderd/coordinator implements them.
type Coordinator interface {
	ServeAgent(ctx context.Context, ws *wsconn.Conn, agentID api.ID, hooks Hooks) error
	ServeClient(ctx context.Context, ws *wsconn.Conn, clientID, agentID api.ID) error
	Revoke(ws *wsconn.Conn, reason string)
}

// Options of New. All fields but HostnameSuffix and
// Identities are required.
type Options struct {
	DB          *database.DB
	PubSub      *pubsub.PubSub
	Log         *slog.Logger
	Clock       clock.Clock
	Coordinator Coordinator
	// Dialer reaches agents that are asked about their machines.
	Dialer Dialer
	// Streams serves the connections that agents hold for streams.
	Streams Streams
	// Ring opens the owners' Git SSH keys.
	Ring *keys.Ring
	// AccessURL is the URL under which agents and people reach the deployment.
	AccessURL string
	// AppHost is the pattern of the hosts of applications, with a star and maybe a
	// port; empty where there are none.
	AppHost string
	// RelayMap returns the relays as they are now.
	RelayMap func() tailrpc.RelayMap
	// HostnameSuffix of workspace host names, "coder" when empty.
	HostnameSuffix string
	// Identities verify machines of clouds; the zero value refuses all.
	Identities Identities
}

// Service is the agents' side of the control plane. Use New.
type Service struct {
	opts Options
	db   *database.DB
	log  *slog.Logger
	// unknown and announced bound the sign-ins that wait for a build.
	unknown   chan struct{}
	announced chan struct{}
	metadata  *batch[metadataKey, metadataValue]
	usage     *batch[api.ID, usageRow]

	statsTurn chan struct{} // held by who uses stats and statsAt
	stats     *api.DeploymentStats
	statsAt   time.Time
}

// New returns a Service. It starts nothing.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.PubSub == nil || o.Log == nil || o.Clock == nil || o.Coordinator == nil || o.Dialer == nil || o.Streams == nil || o.Ring == nil ||
		o.RelayMap == nil || o.AccessURL == "" {
		return nil, errors.New("agents: Options has a field that is not set")
	}
	o.HostnameSuffix = cmp.Or(o.HostnameSuffix, "coder")
	s := &Service{opts: o, db: o.DB, log: o.Log.With("component", "agents"),
		unknown:   make(chan struct{}, maxUnknownWaiters),
		announced: make(chan struct{}, maxAnnouncedWaiters), statsTurn: make(chan struct{}, 1)}
	s.metadata = newMetadataWriter(o.Clock, s.storeMetadata)
	s.usage = newUsageWriter(o.Clock, s.storeUsage)
	return s, nil
}

// Run stores measured values and the use of agents until ctx ends, and returns
// when what was reported by then is stored. Without it those reports wait.
func (s *Service) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { s.usage.run(ctx) })
	s.metadata.run(ctx)
	wg.Wait()
	return nil
}

const notFound = "Workspace agent"

// load returns the agent if the caller may do action on its workspace.
func (s *Service) load(ctx context.Context, id api.ID, action rbac.Action) (database.GetWorkspaceAgentRow, error) {
	if _, err := rbac.Caller(ctx); err != nil {
		return database.GetWorkspaceAgentRow{}, err
	}
	row, err := s.db.GetWorkspaceAgent(ctx, id)
	if database.IsNotFound(err) {
		return row, api.NotFound(notFound)
	}
	if err != nil {
		return row, fmt.Errorf("load agent %s: %w", id, err)
	}
	return row, rbac.Check(ctx, action, rbac.Object{Type: rbac.TypeWorkspace, ID: row.WorkspaceID,
		OrgID: row.OrganizationID, OwnerID: row.OwnerID, ACL: row.WorkspaceAcl}, notFound)
}

// Agent returns one agent with its parts.
func (s *Service) Agent(ctx context.Context, id api.ID) (api.WorkspaceAgent, error) {
	row, err := s.load(ctx, id, rbac.Read)
	if err != nil {
		return api.WorkspaceAgent{}, err
	}
	rows, err := s.db.ListAgentsOfJobs(ctx, database.ListAgentsOfJobsParams{JobIds: []api.ID{row.JobID}, OnlyID: &id})
	if err != nil {
		return api.WorkspaceAgent{}, fmt.Errorf("list parts of agent %s: %w", id, err)
	}
	agents, err := assemble(rows)
	if err != nil {
		return api.WorkspaceAgent{}, err
	}
	if len(agents) == 0 {
		return api.WorkspaceAgent{}, api.NotFound(notFound)
	}
	NameApps(agents, row.WorkspaceName, row.OwnerName)
	return agents[0], nil
}

// ConnectionInfo returns what a client needs to join the network.
func (s *Service) ConnectionInfo(ctx context.Context) (tailrpc.ConnectionInfo, error) {
	if _, err := rbac.Caller(ctx); err != nil {
		return tailrpc.ConnectionInfo{}, err
	}
	m := s.opts.RelayMap()
	return tailrpc.ConnectionInfo{RelayMap: m, BlockDirect: m.BlockDirect, ForceWebSockets: m.ForceWS,
		HostnameSuffix: s.opts.HostnameSuffix}, nil
}

// AgentInput names an agent in the path.
type AgentInput struct {
	ID api.ID `path:"workspaceagent"`
}

// HandleAgent answers GET /workspaceagents/{workspaceagent}.
func (s *Service) HandleAgent(ctx context.Context, in *AgentInput) (*httpapi.Out[api.WorkspaceAgent], error) {
	return httpapi.Reply(s.Agent(ctx, in.ID))
}

// HandleConnection answers GET /workspaceagents/{workspaceagent}/connection.
func (s *Service) HandleConnection(ctx context.Context, in *AgentInput) (*httpapi.Out[tailrpc.ConnectionInfo], error) {
	if _, err := s.load(ctx, in.ID, rbac.SSH); err != nil {
		return nil, err
	}
	return s.HandleConnectionGeneric(ctx, nil)
}

// HandleConnectionGeneric answers GET /workspaceagents/connection.
func (s *Service) HandleConnectionGeneric(ctx context.Context, _ *struct{}) (*httpapi.Out[tailrpc.ConnectionInfo], error) {
	return httpapi.Reply(s.ConnectionInfo(ctx))
}
