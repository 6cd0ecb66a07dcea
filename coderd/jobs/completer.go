package jobs

import (
	"context"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
)

// Completer is what the owner of a kind of job does at its turns. The queue
// knows nothing of templates and workspaces; they implement this and are given
// to the queue at wiring. All methods run inside the transaction of the state
// change and must not use the network.
type Completer interface {
	// Work fills in job.Import, job.Build or job.Plan for an attempt that was just acquired.
	Work(ctx context.Context, q *database.Queries, row database.ProvisionerJob, job *jobrpc.Job) error
	// SaveState stores a snapshot of the state of a running attempt.
	SaveState(ctx context.Context, q *database.Queries, row database.ProvisionerJob, state []byte) error
	// Complete stores the result of a successful attempt.
	Complete(ctx context.Context, q *database.Queries, row database.ProvisionerJob, req jobrpc.CompleteRequest) error
	// Fail stores what is left of a job that ended without success. It is not
	// called when the job is handed out again.
	Fail(ctx context.Context, q *database.Queries, row database.ProvisionerJob, req jobrpc.FailRequest) error
}

// Filler is a Completer that adds to the work of an attempt what takes the network
// to know. It runs after the transaction that took the job. An error ends the job.
type Filler interface {
	Fill(ctx context.Context, job *jobrpc.Job) error
}

// EnqueueParams describe a new job. SubjectID is the template version, the
// workspace build or the plan that it works for.
type EnqueueParams struct {
	Type           api.JobType
	OrganizationID api.ID
	InitiatorID    api.ID
	FileID         api.ID
	SubjectID      api.ID
	Tags           map[string]string
	// OwnerID is whose job it is where the tags ask for a daemon of a user; zero
	// means InitiatorID. The tag "owner" itself is never believed.
	OwnerID api.ID
}
