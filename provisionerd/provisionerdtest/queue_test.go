package provisionerdtest_test

import (
	"testing"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/provisionerd/provisionerdtest"
)

func TestQueue(t *testing.T) {
	t.Parallel()
	provisionerdtest.Conformance(t, func(*testing.T) provisionerdtest.Harness {
		q := new(provisionerdtest.Queue)
		return provisionerdtest.Harness{
			Source:  q,
			Request: jobrpc.AcquireRequest{DaemonID: api.NewID(), DaemonName: "test"},
			Enqueue: func(_ testing.TB, archive []byte) api.ID {
				return q.Enqueue(jobrpc.Job{Import: &jobrpc.ImportWork{}}, archive)
			},
			Cancel: func(_ testing.TB, id api.ID, force bool) { q.Cancel(id, force) },
			Expire: func(_ testing.TB, id api.ID) { q.Expire(id) },
			Logs: func(_ testing.TB, id api.ID) (out []string) {
				for _, l := range q.Outcome(id).Logs {
					out = append(out, l.Output)
				}
				return out
			},
			Done: func(_ testing.TB, id api.ID) (bool, string) {
				o := q.Outcome(id)
				if o.Fail != nil && o.Done {
					return true, o.Fail.Error
				}
				return o.Done, ""
			},
		}
	})
}
