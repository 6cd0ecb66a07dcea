package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/auth"
	"coder.internal/database"
)

// Guesses at keys and the pre-shared key are counted in the database, so for all
// replicas together, within a window: those of one source, and all of them.
//
// Nobody is locked out who has the right credential. A right key is always
// admitted: keys are random, no number of guesses finds one. The pre-shared key
// was chosen by a person, so that beyond the limits it is not even compared; but
// a daemon that has shown it lately has a counter of its own for each source, and
// meets neither of the others.
const (
	guessWindow     = 5 * time.Minute
	guessesOfSource = 30
	guessesOfAll    = 1000
	guessesOfDaemon = 10
	guessPause      = 10 * time.Second // told to those who are refused
)

var errTooManyGuesses = &api.Error{Code: api.CodeRateLimited, RetryAfter: guessPause,
	Message: "Too many wrong provisioner credentials came from here. Check --key and --psk; a right one is taken again within five minutes."}

// limit is a counter and what it may reach; 0 means that it only counts.
type limit struct {
	subject string
	most    int64
}

func guessSubject(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return "daemon:" + hex.EncodeToString(sum[:16])
}

// guessLimits says what the credential of a daemon, known or not, has to respect.
func guessLimits(ctx context.Context, daemon api.ID, known bool) []limit {
	source, all := auth.SourceOf(ctx), guessSubject("all")
	if known {
		return []limit{{guessSubject("daemon", source, daemon.String()), guessesOfDaemon}, {all, 0}}
	}
	return []limit{{guessSubject("source", source), guessesOfSource}, {all, guessesOfAll}}
}

// guess counts an attempt before its result is told, so that many at once do not
// slip through: nil for a right one, which does not count, errDaemonCredential
// for a wrong one, errTooManyGuesses, without a look at right, when there were too
// many. What is refused so does not count either: waiting always helps.
func (q *Queue) guess(ctx context.Context, limits []limit, right bool) error {
	most, subjects := map[string]int64{}, make([]string, len(limits))
	for i, l := range limits {
		most[l.subject], subjects[i] = l.most, l.subject
	}
	rows, err := q.opts.DB.ReserveLoginAttempt(ctx, subjects)
	if err != nil {
		return fmt.Errorf("count daemon credential: %w", err)
	}
	ids, over := make([]int64, len(rows)), false
	for i, r := range rows {
		ids[i] = r.ID
		if most[r.Subject] == 0 || over {
			continue
		}
		n, err := q.opts.DB.CountLoginAttempts(ctx, database.CountLoginAttemptsParams{Subject: r.Subject, ID: r.ID, Seconds: guessWindow.Seconds()})
		if err != nil {
			return fmt.Errorf("count daemon credentials: %w", err)
		}
		over = n > most[r.Subject]
	}
	if !right && !over {
		return errDaemonCredential
	}
	if err := q.opts.DB.DeleteLoginAttempts(ctx, ids); err != nil {
		return fmt.Errorf("take back count of daemon credential: %w", err)
	}
	if over {
		return errTooManyGuesses
	}
	return nil
}

// checkPSK compares the pre-shared key of a daemon.
func (q *Queue) checkPSK(ctx context.Context, psk api.Secret, daemon api.ID) error {
	known := false
	if !daemon.IsZero() {
		var err error
		if known, err = q.opts.DB.KnowsPSKDaemon(ctx, daemon); err != nil {
			return fmt.Errorf("look up daemon %s: %w", daemon, err)
		}
	}
	return q.guess(ctx, guessLimits(ctx, daemon, known), q.opts.PSK != "" && len(psk) <= maxSecret && same(psk, q.opts.PSK))
}
