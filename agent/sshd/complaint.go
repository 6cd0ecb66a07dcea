package sshd

import (
	"log/slog"
	"sync"
	"time"
)

// complainEvery is the shortest time between two lines of one kind. A flood must
// be seen in the log, and must not flood it.
const complainEvery = 10 * time.Second

// complaint is one kind of warning. The zero value is ready.
type complaint struct {
	mu     sync.Mutex
	last   time.Time
	unsaid int
}

// warn logs, or counts for the next line, which tells how many there were.
func (c *complaint) warn(log *slog.Logger, message string, args ...any) {
	c.mu.Lock()
	now, unsaid := time.Now(), c.unsaid
	if !c.last.IsZero() && now.Sub(c.last) < complainEvery {
		c.unsaid++
		c.mu.Unlock()
		return
	}
	c.last, c.unsaid = now, 0
	c.mu.Unlock()
	log.Warn(message, append(args, "unsaid", unsaid)...)
}
