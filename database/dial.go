package database

import (
	"context"
	"net"
	"time"
)

// unackedLimit is how long sent data may stay without an acknowledgement
// before the connection counts as dead.
const unackedLimit = 15 * time.Second

// dial opens a connection whose death we notice within unackedLimit, idle or
// not, whatever the system's defaults are.
func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 2},
		Control:         setUnackedLimit,
	}
	return d.DialContext(ctx, network, addr)
}
