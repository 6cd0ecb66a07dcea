package terraform_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
)

// BenchmarkGuard compares a start that changes a parameter with and without a
// guard: the price of planning into a file first.
func BenchmarkGuard(b *testing.B) {
	r := newRig(b)
	archive := pack(b, map[string]string{"main.tf": keeper})
	ctx := within(b, 10*time.Minute)
	built, err := r.Build(ctx, buildJob(archive, api.TransitionStart, nil), (&recorder{archive: archive}).session())
	require.NoError(b, err)
	for name, guard := range map[string]*jobrpc.Guard{"without": nil, "with": {Persistent: []string{"terraform_data.home"}}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				job := buildJob(archive, api.TransitionStart, built.State, value("size", "3"))
				job.Build.Guard = guard
				_, err := r.Build(ctx, job, (&recorder{archive: archive}).session())
				require.NoError(b, err)
			}
		})
	}
}
