package serve

import (
	_ "time/tzdata" // quiet hours name time zones, and a host may have no list of them

	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/internal/clock"
)

// limiter returns what bounds how often routes are asked, nil for nothing.
func (c *Config) limiter() httpapi.Limiter {
	if c.DisableRateLimits || c.APIRateLimit <= 0 {
		return nil
	}
	return httpmw.NewRateLimit(c.APIRateLimit, clock.Real())
}
