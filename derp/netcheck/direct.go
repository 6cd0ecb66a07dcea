package netcheck

import "context"

// STUN walks the one hop that direct paths depend on.
func STUN(ctx context.Context, c Config) Step {
	c.fill()
	defer c.Transport.CloseIdleConnections()
	r := &run{Config: c, report: &Report{}}
	r.stun(ctx)
	return r.report.Steps[0]
}
