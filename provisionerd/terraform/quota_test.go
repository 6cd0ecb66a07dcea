package terraform_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/provisionerd"
)

// dear costs more with a larger size.
const dear = header + `
data "coder_workspace" "me" {}
data "coder_parameter" "size" {
  name    = "size"
  type    = "number"
  default = "1"
  mutable = true
}
resource "terraform_data" "home" {
  input = data.coder_parameter.size.value
}
resource "coder_metadata" "home" {
  resource_id = terraform_data.home.id
  daily_cost  = 2 * tonumber(data.coder_parameter.size.value)
}
`

// TestQuotaIsAskedBetweenPlanAndApply: a build whose cost is refused makes nothing.
func TestQuotaIsAskedBetweenPlanAndApply(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	archive := pack(t, map[string]string{"main.tf": dear})
	ctx := within(t, 2*time.Minute)
	var asked []int
	run := func(size string, answer error) (*recorder, error) {
		rec := &recorder{archive: archive}
		s := rec.session()
		s.Quota = func(_ context.Context, cost int) error {
			asked = append(asked, cost)
			require.Empty(t, rec.states, "nothing was made")
			return answer
		}
		job := buildJob(archive, api.TransitionStart, nil, value("size", size))
		job.Build.Quota = true
		res, err := r.Build(ctx, job, s)
		if err == nil {
			require.Equal(t, asked[len(asked)-1], res.Resources[0].DailyCost)
		}
		return rec, err
	}
	no := &provisionerd.Failure{Code: api.CodeInsufficientQuota, Message: "too much"}
	rec, err := run("5", no)
	require.ErrorIs(t, err, no)
	require.NotContains(t, rec.text(), "Creating...")
	require.NotContains(t, rec.lastState(), "terraform_data")
	rec, err = run("2", nil)
	require.NoError(t, err, rec.text())
	require.Equal(t, []int{10, 4}, asked)
}
