package audit

import (
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/database"
)

func TestDescriptionsReadAsSentences(t *testing.T) {
	t.Parallel()
	for want, a := range map[string]database.AuditLog{
		"bob signed in":                     {Username: "bob", Action: "login", ResourceType: "user", ResourceTarget: "bob", StatusCode: 201},
		"bob failed to sign in":             {Username: "bob", Action: "login", ResourceType: "user", ResourceTarget: "bob", StatusCode: 401},
		"somebody failed to sign in":        {Action: "login", ResourceType: "user", StatusCode: 401},
		"somebody failed to sign in as bob": {Action: "login", ResourceType: "user", ResourceTarget: "bob", StatusCode: 429},
		"bob signed out":                    {Username: "bob", Action: "logout", ResourceType: "user", ResourceTarget: "bob", StatusCode: 200},
		"bob stopped workspace dev":         {Username: "bob", Action: "stop", ResourceType: "workspace_build", ResourceTarget: "dev", StatusCode: 200},
		"bob changed workspace build dev":   {Username: "bob", Action: "write", ResourceType: "workspace_build", ResourceTarget: "dev", StatusCode: 200},
		"bob failed to change user eve":     {Username: "bob", Action: "write", ResourceType: "user", ResourceTarget: "eve", StatusCode: 400},
		"bob connected to workspace agent dev.main": {Username: "bob", Action: "connect", ResourceType: "workspace_agent",
			ResourceTarget: "dev.main", StatusCode: 101},
	} {
		require.Equal(t, want, describe(a))
	}
	for _, action := range actions {
		require.NotEmpty(t, verbs[action].done, action)
		require.NotEmpty(t, verbs[action].try, action)
	}
}
