package devurl

import (
	"net/url"
	"strings"
	"sync"
)

// maxVisits bounds the hosts that are remembered; when there are more, all are
// forgotten. Anybody can name many.
const maxVisits = 4096

// visits remembers what hosts of applications stand for. That never changes.
type visits struct {
	sites Sites

	mu sync.RWMutex // guards of
	of map[string]Visit
}

func newVisits(s Sites) *visits { return &visits{sites: s, of: map[string]Visit{}} }

// visit is Sites.visit.
func (c *visits) visit(host string, u *url.URL) (Visit, error) {
	c.mu.RLock()
	v, ok := c.of[host]
	c.mu.RUnlock()
	if ok {
		return v, nil
	}
	v, err := c.sites.visit(host, u.EscapedPath())
	if err != nil || v.Path {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.of) >= maxVisits {
		clear(c.of)
	}
	host = strings.Clone(host) // a part of all that the browser has sent
	if v, err = c.sites.visit(host, "/"); err == nil {
		c.of[host] = v
	}
	return v, err
}
