package keys

import (
	"context"
	"fmt"

	"coder.internal/database"
)

// Sealed is how much of a database a key has sealed.
type Sealed struct {
	// States of builds; Workspaces is how many of those that exist they belong to.
	States, Workspaces int64
	Strays             int64 // what late attempts brought
	Variables          int64 // of templates and plans
	SSHKeys            int64
	ExternalAuths      int64 // sign-ins to services outside
}

// Count says how much is sealed.
func Count(ctx context.Context, q *database.Queries) (Sealed, error) {
	row, err := q.CountSealed(ctx)
	if err != nil {
		return Sealed{}, fmt.Errorf("count what is sealed: %w", err)
	}
	return Sealed{States: row.States, Workspaces: row.Workspaces, Strays: row.Strays, Variables: row.Variables, SSHKeys: row.SshKeys,
		ExternalAuths: row.ExternalAuths}, nil
}

// Discard removes everything that a key has sealed, without opening it, inside
// the transaction of q: for a deployment whose keys are lost. What is stored in
// clear stays. Builds are then without a state, sensitive variables without a
// value; SSH keys are made anew when they are next used, people sign in to outside services again, and the next server to
// start checks its keys against nothing.
func Discard(ctx context.Context, q *database.Queries) error {
	for _, remove := range []func(context.Context) (int64, error){
		q.DeleteSealedStates, q.DeleteSealedStrays, q.DeleteSealedInputs, q.DeleteSealedVariables, q.DeleteSealedPlans, q.DeleteSealedSSHKeys,
		q.DeleteSealedExternalAuth, q.DeleteSealedSigningKeys,
		func(ctx context.Context) (int64, error) { return q.DeleteSealedConfigs(ctx, sealedConfigs) },
	} {
		if _, err := remove(ctx); err != nil {
			return fmt.Errorf("remove what is sealed: %w", err)
		}
	}
	return nil
}
