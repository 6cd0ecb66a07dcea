package apps

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/keys"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

const (
	ticketFor  = time.Minute
	sessionFor = 12 * time.Hour
)

// What signed claims are for.
const (
	forTicket  = "ticket"
	forSession = "session"
)

// claims are what is signed. A ticket has an id, by which it works once, and the
// state of the browser that it was made for.
type claims struct {
	For    string    `json:"for"`
	ID     api.ID    `json:"id,omitzero"`
	State  string    `json:"state,omitempty"`
	Origin string    `json:"origin"`
	KeyID  string    `json:"key"`
	UserID api.ID    `json:"user"`
	Until  time.Time `json:"until"`
}

func (s *Service) sign(ctx context.Context, c claims) (string, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode %s of an application: %w", c.For, err)
	}
	return s.signer.Sign(ctx, text)
}

// open reads claims of one purpose and origin that still hold, and who they are of.
func (s *Service) open(ctx context.Context, text, purpose, origin string) (claims, rbac.Subject, error) {
	var c claims
	raw, err := s.signer.Open(ctx, text)
	if errors.Is(err, keys.ErrBadSignature) {
		return c, rbac.Subject{}, rbac.ErrUnauthenticated
	}
	if err != nil {
		return c, rbac.Subject{}, err
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, rbac.Subject{}, fmt.Errorf("decode what we signed: %w", err)
	}
	if c.For != purpose || c.Origin != origin || !s.opts.Clock.Now().Before(c.Until) {
		return c, rbac.Subject{}, rbac.ErrUnauthenticated
	}
	subject, err := s.opts.Auth.CallerOfKey(ctx, c.KeyID)
	if err == nil && subject.UserID != c.UserID {
		err = rbac.ErrUnauthenticated
	}
	return c, subject, err
}

// session returns who a session of an origin belongs to.
func (s *Service) session(ctx context.Context, text, origin string) (rbac.Subject, error) {
	_, subject, err := s.open(ctx, text, forSession, origin)
	return subject, err
}

// ticket makes a ticket for an origin, with the key that the caller came with.
func (s *Service) ticket(ctx context.Context, who rbac.Subject, keyID, origin, state string) (string, error) {
	return s.sign(ctx, claims{For: forTicket, ID: api.NewID(), State: state, Origin: origin, KeyID: keyID, UserID: who.UserID,
		Until: s.opts.Clock.Now().Add(ticketFor)})
}

// Redeem implements devurl.Apps.
func (s *Service) Redeem(ctx context.Context, ticket, origin, state string) (string, time.Duration, error) {
	c, _, err := s.open(ctx, ticket, forTicket, origin)
	if err != nil {
		return "", 0, err
	}
	if state == "" || subtle.ConstantTimeCompare([]byte(state), []byte(c.State)) != 1 {
		return "", 0, rbac.ErrUnauthenticated
	}
	// The row outlives the ticket, whatever the clocks say.
	n, err := s.db.UseAppTicket(ctx, database.UseAppTicketParams{ID: c.ID, Seconds: keys.MaxSigned.Seconds()})
	if err != nil {
		return "", 0, fmt.Errorf("use ticket: %w", err)
	}
	if n == 0 {
		return "", 0, rbac.ErrUnauthenticated
	}
	if err := s.db.DeleteOldAppTickets(ctx); err != nil {
		s.log.Warn("used tickets not removed", "error", err)
	}
	session, err := s.sign(ctx, claims{For: forSession, Origin: origin, KeyID: c.KeyID, UserID: c.UserID, Until: s.opts.Clock.Now().Add(sessionFor)})
	return session, sessionFor, err
}
