package workspaces

import (
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
)

func TestWordQuota(t *testing.T) {
	t.Parallel()
	const hint = "the build will probably be refused. Delete a workspace that you do not need, or ask an administrator for a larger allowance."
	q := api.WorkspaceQuota{CreditsConsumed: 3, Budget: 5}
	for _, c := range []struct {
		cost, now int
		want      string
	}{
		{2, 0, "Quota: 3 of 5 used a day, about 5 with this build."},
		{4, 2, "Quota: 3 of 5 used a day, about 5 with this build."},
		{0, 0, "Quota: 3 of 5 used a day; this build adds nothing."},
		{3, 0, "Quota: 3 of 5 used a day. This needs about 3, but 2 are left: " + hint},
		{4, 1, "Quota: 3 of 5 used a day. This needs about 3 more, but 2 are left: " + hint},
		{6, 3, "Quota: 3 of 5 used a day. This needs about 3 more, but 2 are left: the build will probably be refused. Ask an administrator for a larger allowance."},
	} {
		require.Equal(t, c.want, wordQuota(q, c.cost, c.now))
	}
	q.Budget = 2
	require.Equal(t, "Quota: 3 of 2 used a day. This needs about 1 more, but 0 are left: "+hint, wordQuota(q, 3, 2))
}
