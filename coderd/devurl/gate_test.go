package devurl

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked counts the decisions that are made; state is what they say.
type asked struct {
	Apps
	state State
	times int
}

func (a *asked) Place(context.Context, Visit, Visitor) (Place, error) {
	a.times++
	return Place{State: a.state}, nil
}

// TestGateFresh: a yes to what is ready counts for a second, one to what is not only
// as long as it takes to refuse a crowd.
func TestGateFresh(t *testing.T) {
	t.Parallel()
	for state, want := range map[State]time.Duration{StateReady: freshFor, StateStopped: soonFor, StateStarting: soonFor, StateAway: soonFor} {
		clock, apps := quartz.NewMock(t), &asked{state: state}
		g := newGate(apps, clock, slog.New(slog.DiscardHandler))
		enter := func() State {
			d, _, err := g.enter(t.Context(), Visit{Origin: "http://a.test"}, Visitor{})
			require.NoError(t, err)
			defer g.leave(d)
			at, _ := g.at(d)
			return at.State
		}
		assert.Equal(t, state, enter())
		clock.Advance(want - time.Millisecond)
		enter()
		assert.Equal(t, 1, apps.times, state)
		clock.Advance(time.Millisecond)
		apps.state = StateOther
		assert.Equal(t, StateOther, enter(), state)
		g.close()
	}
}
