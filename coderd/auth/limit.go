package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/database"
)

// Guesses are counted in the database, so for all replicas together, within a
// window. Two counters hold a stranger: one of the source, one of the account
// over all sources that it has not been used from. A source from which the user
// has signed in lately has a counter of its own and meets neither of the two, so
// that strangers cannot lock anybody out.
const (
	guessWindow       = 5 * time.Minute
	guessesPerSource  = 30
	guessesPerAccount = 15
	guessesPerPair    = 10
)

// errTooMany is the answer to somebody who guesses too fast.
var errTooMany = &api.Error{Code: api.CodeRateLimited, RetryAfter: guessWindow,
	Message: "Too many failed attempts to sign in. Wait five minutes and try again."}

type counter struct {
	subject string
	limit   int64
}

// attempt is one guess that has been counted and may be taken back.
type attempt struct {
	ids []int64
}

// counters says which limits a guess at account (an id or an address) from
// source has to respect.
func counters(account, source string, known bool) []counter {
	if known {
		return []counter{{digest("pair", account, source), guessesPerPair}}
	}
	return []counter{{digest("source", source), guessesPerSource}, {digest("account", account), guessesPerAccount}}
}

// digest keeps what people typed out of the table.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// SourceOf returns what counts as one source: an IPv4 address, or the /64 that
// one IPv6 customer holds.
func SourceOf(ctx context.Context) string {
	ip := audit.RequestFrom(ctx).IP
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}

// begin counts a guess before it is made, so that many at once do not slip
// through, and refuses it when there were too many. A refused guess does not
// count: waiting always helps.
func (s *Service) begin(ctx context.Context, limits []counter) (attempt, error) {
	subjects := make([]string, 0, len(limits))
	for _, c := range limits {
		subjects = append(subjects, c.subject)
	}
	rows, err := s.opts.DB.ReserveLoginAttempt(ctx, subjects)
	if err != nil {
		return attempt{}, fmt.Errorf("count login attempt: %w", err)
	}
	var a attempt
	over := false
	for _, r := range rows {
		a.ids = append(a.ids, r.ID)
		n, err := s.opts.DB.CountLoginAttempts(ctx, database.CountLoginAttemptsParams{
			Subject: r.Subject, ID: r.ID, Seconds: guessWindow.Seconds(),
		})
		if err != nil {
			return a, fmt.Errorf("count login attempts: %w", err)
		}
		over = over || n > limitOf(limits, r.Subject)
	}
	if !over {
		return a, nil
	}
	if err := s.opts.DB.DeleteLoginAttempts(ctx, a.ids); err != nil {
		return a, fmt.Errorf("take back login attempt: %w", err)
	}
	return attempt{}, errTooMany
}

func limitOf(limits []counter, subject string) int64 {
	for _, c := range limits {
		if c.subject == subject {
			return c.limit
		}
	}
	return 0
}
