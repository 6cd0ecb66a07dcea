package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/keys"
	"coder.internal/database"
	"coder.internal/database/pubsub"
	"coder.internal/internal/clock"
)

// MaxAttempts is how often a job is handed out before it is given up.
const MaxAttempts = 3

// Limits of what a caller may say about a job.
const (
	maxTags     = 20
	maxTagText  = 256
	maxName     = 128
	maxError    = 16 << 10
	maxCode     = 64
	maxWait     = time.Minute
	pollEvery   = time.Second
	registerGap = 10 * time.Second
	// staleAfter is how long a daemon that says nothing counts as online.
	staleAfter = 3 * registerGap
)

// DefaultForceCancel is how long a canceled job may take to stop by itself. With
// the sweep and a heartbeat after it, a job that does not stop is killed within
// 20 s: people are promised 30.
const DefaultForceCancel = 10 * time.Second

// Options configure New. All fields but ForceCancelAfter and PSK are required.
type Options struct {
	DB     *database.DB
	PubSub *pubsub.PubSub
	Log    *slog.Logger
	Clock  clock.Clock
	// Ring seals what late attempts bring.
	Ring *keys.Ring
	// ForceCancelAfter is how long a canceled job may take to stop before it is
	// killed; zero means DefaultForceCancel.
	ForceCancelAfter time.Duration
	// PSK lets external daemons in that know it; empty means that none does.
	PSK api.Secret
}

// Queue hands jobs to daemons and takes what they report. In-process daemons use
// it directly. It is safe for concurrent use once all completers are set.
type Queue struct {
	opts       Options
	log        *slog.Logger
	completers map[api.JobType]Completer

	mu         sync.Mutex
	seen       map[api.ID]time.Time // when this replica last registered a daemon
	defaultOrg api.ID               // zero until it is known
	seats      map[string]int       // connections by credential
	swept      time.Time            // when daemons that are gone were forgotten
	peekedAt   time.Time            // when somebody last looked for any job
	pending    bool                 // what that showed
}

// New returns a queue. It starts nothing.
func New(opts Options) (*Queue, error) {
	if opts.DB == nil || opts.PubSub == nil || opts.Log == nil || opts.Clock == nil || opts.Ring == nil {
		return nil, errors.New("jobs: Options needs DB, PubSub, Log, Clock and Ring")
	}
	if opts.ForceCancelAfter <= 0 {
		opts.ForceCancelAfter = DefaultForceCancel
	}
	return &Queue{
		opts:       opts,
		log:        opts.Log.With("component", "jobs"),
		completers: map[api.JobType]Completer{},
		seen:       map[api.ID]time.Time{},
		seats:      map[string]int{},
	}, nil
}

// SetCompleter names the owner of jobs of type t. Wiring calls it, before any
// job is touched.
func (q *Queue) SetCompleter(t api.JobType, c Completer) { q.completers[t] = c }

func (q *Queue) completer(row database.ProvisionerJob) (Completer, error) {
	c, ok := q.completers[api.JobType(row.Type)]
	if !ok {
		return nil, fmt.Errorf("job %s: nobody owns jobs of type %q", row.ID, row.Type)
	}
	return c, nil
}

// Enqueue adds a pending job inside the caller's transaction tx. Tags that no
// daemon may ever match are refused with CodeInvalid.
func (q *Queue) Enqueue(ctx context.Context, tx *database.Queries, p EnqueueParams) (database.ProvisionerJob, error) {
	tags, err := encodeTags(p.tags())
	if err != nil {
		return database.ProvisionerJob{}, err
	}
	row, err := tx.InsertProvisionerJob(ctx, database.InsertProvisionerJobParams{
		ID:             api.NewID(),
		OrganizationID: p.OrganizationID,
		InitiatorID:    p.InitiatorID,
		Type:           string(p.Type),
		FileID:         p.FileID,
		SubjectID:      p.SubjectID,
		Tags:           tags,
	})
	if err != nil {
		return database.ProvisionerJob{}, fmt.Errorf("enqueue %s of %s: %w", p.Type, p.SubjectID, err)
	}
	if err := q.opts.PubSub.Publish(ctx, tx, pubsub.TopicJobs()); err != nil {
		return database.ProvisionerJob{}, fmt.Errorf("enqueue %s of %s: %w", p.Type, p.SubjectID, err)
	}
	return row, nil
}

// tags are those of the job. A job that is for the daemon of a user is for that
// of its owner: a template must not send the secrets of others anywhere else.
func (p EnqueueParams) tags() map[string]string {
	out := maps.Clone(p.Tags)
	if out == nil {
		return nil
	}
	if out[api.TagScope] != api.ScopeUser {
		delete(out, api.TagOwner)
		return out
	}
	owner := p.OwnerID
	if owner.IsZero() {
		owner = p.InitiatorID
	}
	out[api.TagOwner] = owner.String()
	return out
}

// defaultTags are what an untagged job and an untagged daemon carry.
func defaultTags() map[string]string {
	return map[string]string{api.TagScope: api.ScopeOrganization, api.TagOwner: ""}
}

// encodeTags adds the tags that everything carries and checks the limits.
func encodeTags(in map[string]string) (json.RawMessage, error) {
	if len(in) > maxTags {
		return nil, api.Invalid("tags", fmt.Sprintf("has %d entries, at most %d are allowed", len(in), maxTags))
	}
	tags := defaultTags()
	maps.Copy(tags, in)
	for k, v := range tags {
		if k == "" || len(k) > maxTagText || len(v) > maxTagText || CleanText(k, maxTagText) != k || CleanText(v, maxTagText) != v {
			return nil, api.Invalid("tags", fmt.Sprintf("keys need 1 to %d bytes of text, values at most %d", maxTagText, maxTagText))
		}
	}
	if scope := tags[api.TagScope]; scope != api.ScopeOrganization && scope != api.ScopeUser {
		return nil, api.Invalid("tags", `scope must be "organization" or "user"`)
	}
	raw, err := json.Marshal(tags)
	if err != nil {
		return nil, fmt.Errorf("encode tags: %w", err)
	}
	return raw, nil
}

// announce wakes those who look at one job.
func (q *Queue) announce(ctx context.Context, tx *database.Queries, row database.ProvisionerJob) error {
	if err := q.opts.PubSub.Publish(ctx, tx, pubsub.TopicJob(row.ID)); err != nil {
		return fmt.Errorf("announce job %s: %w", row.ID, err)
	}
	return nil
}

// holds reports whether attempt is the one that owns the job now.
func holds(row database.ProvisionerJob, attempt int) bool {
	s := api.JobStatus(row.Status)
	return (s == api.JobRunning || s == api.JobCanceling) && int(row.Attempt) == attempt
}

// waiting reports whether attempt was the last one of a job that nobody has
// taken again.
func waiting(row database.ProvisionerJob, attempt int) bool {
	return api.JobStatus(row.Status) == api.JobPending && attempt > 0 && int(row.Attempt) == attempt
}

// endedBy reports whether the holder of attempt itself brought the job to one of
// the states named.
func endedBy(row database.ProvisionerJob, attempt int, states ...api.JobStatus) bool {
	if int(row.Attempt) != attempt || row.LeaseExpiresAt != nil {
		return false
	}
	for _, s := range states {
		if row.Status == string(s) {
			return true
		}
	}
	return false
}

// ErrAttemptOver is the answer to every call for an attempt that is over.
var ErrAttemptOver = api.Conflict("This attempt is over: the job has ended or was given to another daemon. Drop it.")

// finish ends a job without success: row, completer, tokens, hint. released says
// that the holder of the attempt ended it itself.
func (q *Queue) finish(ctx context.Context, tx *database.Queries, row database.ProvisionerJob, status api.JobStatus, req jobrpc.FailRequest, released bool) error {
	c, err := q.completer(row)
	if err != nil {
		return err
	}
	n, err := tx.FinishProvisionerJob(ctx, database.FinishProvisionerJobParams{
		ID: row.ID, Attempt: row.Attempt, Status: string(status),
		Error: req.Error, ErrorCode: req.Code, Released: released,
	})
	if err != nil {
		return fmt.Errorf("end job %s: %w", row.ID, err)
	}
	if n == 0 {
		return ErrAttemptOver
	}
	row.Status, row.Error, row.ErrorCode = string(status), req.Error, req.Code
	if err := c.Fail(ctx, tx, row, req); err != nil {
		return fmt.Errorf("end job %s: %w", row.ID, err)
	}
	if err := tx.DeleteProvisionerJobAgentTokens(ctx, row.ID); err != nil {
		return fmt.Errorf("end job %s: %w", row.ID, err)
	}
	return q.announce(ctx, tx, row)
}
