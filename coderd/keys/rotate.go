package keys

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"coder.internal/database"
)

// CheckConfig is the site config that holds a known text sealed by a key of the
// deployment, by which a server tells whether it has the right keys.
const CheckConfig = "encryption_check"

// MeshConfig is the site config that holds the key by which relays of replicas know
// each other, sealed.
const MeshConfig = "mesh_key"

// sealedConfigs are the site configs that are sealed.
var sealedConfigs = []string{CheckConfig, MeshConfig}

// Batches of a rotation: a state has up to 64 MiB, the rest is small.
const (
	statesAtOnce = 4
	rowsAtOnce   = 100
	rotatePause  = 200 * time.Millisecond
)

// Rotate seals everything that is sealed with an older key of the ring anew with
// its first one, in small transactions; with a ring of Clear it takes the
// encryption off. It may be interrupted at any time and run
// again, also while servers run, as long as they have all keys of the ring. After
// each batch it calls report with the number of rows done so far. It returns nil
// only when nothing is left.
func Rotate(ctx context.Context, db *database.DB, ring *Ring, report func(rows int)) error {
	id, total := ring.KeyID(), 0
	for {
		done := 0
		for _, batch := range []batch{resealStates, resealStrays, resealInputs, resealVariables, resealSSHKeys, resealPlans, resealExternalAuth, resealConfigs, dropSigningKeys} {
			for {
				n := 0
				err := db.InTx(ctx, func(q *database.Queries) (err error) {
					n, err = batch(ctx, q, ring, id)
					return err
				})
				if err != nil {
					return err
				}
				if n == 0 {
					break
				}
				done, total = done+n, total+n
				report(total)
			}
		}
		left, err := db.CountOldSealed(ctx, database.CountOldSealedParams{KeyID: id, Keys: sealedConfigs})
		if err != nil {
			return fmt.Errorf("count what is left to seal: %w", err)
		}
		if left == 0 {
			return nil
		}
		if done == 0 { // what is left is locked by a running server
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(rotatePause):
			}
		}
	}
}

// batch seals some rows anew and returns how many.
type batch func(ctx context.Context, q *database.Queries, ring *Ring, id []byte) (int, error)

func (r *Ring) reseal(what string, sealed []byte) ([]byte, error) {
	plain, err := r.Open(sealed)
	if errors.Is(err, ErrUnknownKey) {
		return nil, fmt.Errorf("%s is sealed with a key that is not among those given; add it to the old keys", what)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return r.Seal(plain)
}

func (r *Ring) resealText(what, sealed string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	b, err := r.reseal(what, raw)
	return base64.StdEncoding.EncodeToString(b), err
}

func resealStates(ctx context.Context, q *database.Queries, ring *Ring, id []byte) (int, error) {
	rows, err := q.LockOldSealedStates(ctx, database.LockOldSealedStatesParams{KeyID: id, MaxRows: statesAtOnce})
	for _, r := range rows {
		sealed, err := ring.reseal("the state of build "+r.WorkspaceBuildID.String(), r.State)
		if err != nil {
			return 0, err
		}
		if err := q.ResealState(ctx, database.ResealStateParams{State: sealed, WorkspaceBuildID: r.WorkspaceBuildID}); err != nil {
			return 0, fmt.Errorf("seal states: %w", err)
		}
	}
	return len(rows), err
}

func resealStrays(ctx context.Context, q *database.Queries, ring *Ring, id []byte) (int, error) {
	rows, err := q.LockOldSealedStrays(ctx, database.LockOldSealedStraysParams{KeyID: id, MaxRows: statesAtOnce})
	for _, r := range rows {
		sealed, err := ring.reseal("the stray "+r.ID.String(), r.Payload)
		if err != nil {
			return 0, err
		}
		if err := q.ResealStray(ctx, database.ResealStrayParams{Payload: sealed, ID: r.ID}); err != nil {
			return 0, fmt.Errorf("seal strays: %w", err)
		}
	}
	return len(rows), err
}

func resealInputs(ctx context.Context, q *database.Queries, ring *Ring, id []byte) (int, error) {
	rows, err := q.LockOldSealedInputs(ctx, database.LockOldSealedInputsParams{KeyID: id, MaxRows: rowsAtOnce})
	for _, r := range rows {
		sealed, err := ring.reseal("the variables given to template version "+r.TemplateVersionID.String(), r.Variables)
		if err != nil {
			return 0, err
		}
		if err := q.ResealInput(ctx, database.ResealInputParams{Variables: sealed, TemplateVersionID: r.TemplateVersionID}); err != nil {
			return 0, fmt.Errorf("seal variables: %w", err)
		}
	}
	return len(rows), err
}

func resealSSHKeys(ctx context.Context, q *database.Queries, ring *Ring, id []byte) (int, error) {
	rows, err := q.LockOldSealedSSHKeys(ctx, database.LockOldSealedSSHKeysParams{KeyID: id, MaxRows: rowsAtOnce})
	for _, r := range rows {
		sealed, err := ring.reseal("the SSH key of user "+r.UserID.String(), r.PrivateKey)
		if err != nil {
			return 0, err
		}
		if err := q.ResealSSHKey(ctx, database.ResealSSHKeyParams{PrivateKey: sealed, UserID: r.UserID}); err != nil {
			return 0, fmt.Errorf("seal SSH keys: %w", err)
		}
	}
	return len(rows), err
}

func resealPlans(ctx context.Context, q *database.Queries, ring *Ring, id []byte) (int, error) {
	rows, err := q.LockOldSealedPlans(ctx, database.LockOldSealedPlansParams{KeyID: id, MaxRows: rowsAtOnce})
	for _, r := range rows {
		sealed, err := ring.reseal("the variables of plan "+r.ID.String(), r.Variables)
		if err != nil {
			return 0, err
		}
		if err := q.ResealPlan(ctx, database.ResealPlanParams{Variables: sealed, ID: r.ID}); err != nil {
			return 0, fmt.Errorf("seal plans: %w", err)
		}
	}
	return len(rows), err
}

func resealExternalAuth(ctx context.Context, q *database.Queries, ring *Ring, id []byte) (int, error) {
	rows, err := q.LockOldSealedExternalAuth(ctx, database.LockOldSealedExternalAuthParams{KeyID: id, MaxRows: rowsAtOnce})
	for _, r := range rows {
		sealed, err := ring.reseal(fmt.Sprintf("the sign-in of user %s to %q", r.UserID, r.ProviderID), r.Token)
		if err != nil {
			return 0, err
		}
		if err := q.ResealExternalAuth(ctx, database.ResealExternalAuthParams{Token: sealed, ProviderID: r.ProviderID, UserID: r.UserID}); err != nil {
			return 0, fmt.Errorf("seal sign-ins: %w", err)
		}
	}
	return len(rows), err
}

func resealVariables(ctx context.Context, q *database.Queries, ring *Ring, id []byte) (int, error) {
	rows, err := q.LockOldSealedVariables(ctx, database.LockOldSealedVariablesParams{KeyID: id, MaxRows: rowsAtOnce})
	for _, r := range rows {
		sealed, err := ring.resealText(fmt.Sprintf("variable %q of template version %s", r.Name, r.TemplateVersionID), r.Value)
		if err != nil {
			return 0, err
		}
		err = q.ResealVariable(ctx, database.ResealVariableParams{Value: sealed, TemplateVersionID: r.TemplateVersionID, Name: r.Name})
		if err != nil {
			return 0, fmt.Errorf("seal variables: %w", err)
		}
	}
	return len(rows), err
}

func resealConfigs(ctx context.Context, q *database.Queries, ring *Ring, id []byte) (int, error) {
	rows, err := q.LockOldSealedConfigs(ctx, database.LockOldSealedConfigsParams{KeyID: id, Keys: sealedConfigs, MaxRows: rowsAtOnce})
	for _, r := range rows {
		sealed, err := ring.resealText("the setting "+r.Key, r.Value)
		if err != nil {
			return 0, err
		}
		if err := q.ResealConfig(ctx, database.ResealConfigParams{Value: sealed, Key: r.Key}); err != nil {
			return 0, fmt.Errorf("seal settings: %w", err)
		}
	}
	return len(rows), err
}

// dropSigningKeys removes keys instead: new ones are made when they are needed.
func dropSigningKeys(ctx context.Context, q *database.Queries, _ *Ring, id []byte) (int, error) {
	n, err := q.DropOldSealedSigningKeys(ctx, id)
	if err != nil {
		return 0, fmt.Errorf("drop signing keys: %w", err)
	}
	return int(n), nil
}
