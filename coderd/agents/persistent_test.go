package agents_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/coderd/agents"
)

func TestPersistence(t *testing.T) {
	t.Parallel()
	keeps := agents.Persistence(
		[]string{"a.vm[0]", `a.disk["x"]`, "a.part[0]", "a.part[1]", `module.m["k"].a.home`, "coder_agent.main"},
		[]string{`a.disk["x"]`, "a.part[0]", `module.m["k"].a.home`, "coder_agent.main"})
	for address, want := range map[string]bool{
		"a.vm[0]": false, `a.disk["x"]`: true, "a.part[0]": true, "a.part[1]": false,
		`a.disk["other"]`: true, "a.part[7]": true, `module.m["z"].a.home`: true, "a.vm[1]": false,
		"coder_agent.main": false, "module.m.coder_agent.main": false, "": false, "b.vm": false,
	} {
		require.Equal(t, want, keeps(address), address)
	}
}
