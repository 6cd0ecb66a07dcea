// Package jobs is the provisioner queue: acquire, lease, logs, complete. It
// owns the rows of provisioner_jobs and what hangs on them (logs, announced
// agent tokens, strays), the registry of daemons and their keys. It never knows
// templates or workspaces: their slices implement Completer and are called inside
// the transaction of each change.
//
// States of a job, and who changes them:
//
//	         Acquire              Complete
//	pending ─────────→ running ─────────────→ succeeded
//	 │  ↑                │ │ Fail
//	 │  └────────────────┘ └────────────────→ failed
//	 │   Fail with Retry,  │
//	 │   lease ran out     │ Cancel
//	 │                     ↓        Fail
//	 │                 canceling ───────────→ canceled | failed
//	 │ Cancel              └─ Complete ─────→ succeeded
//	 └───────────────────────────────────────→ canceled
//
// Each Acquire starts a new, numbered attempt with a lease on the database's
// clock; Update renews it. A job is handed out at most MaxAttempts times. When a
// lease runs out, Run hands the job out again, or ends it as failed.
//
// Only the current attempt may write. A call for an attempt that is over gets
// CodeConflict, and the state or result it brings is encrypted into
// provisioner_job_strays. One exception loses nothing and overwrites nothing:
// while nobody has taken a job again, the state that its last attempt brings
// late is still the newest there is, so it is saved.
//
// An attempt whose lease ran out goes on with its next call while nobody has taken
// its job: pending → running, same number.
//
// In-process daemons call the Queue itself. External ones come over a websocket
// (ServeHandler, jobrpc.Frame) as a session: it adds organization and tags of the
// credential, and lets a daemon touch only attempts that it was given; holders
// remembers which those are. The credential is looked at again with every call.
//
// lease_expires_at tells how an attempt ended: null when its holder ended it,
// the time when the lease ran out. So a call repeated by the holder is answered
// as the first one was.
package jobs
