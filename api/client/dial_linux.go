package client

import "syscall"

// Socket options that package syscall does not name.
const (
	tcpUserTimeout = 18 // ms that data may stay unanswered
	tcpRTOMax      = 44 // ms between repetitions, Linux 6.15 and newer
)

// tuneSocket lets a connection end 30 s after the other side fell silent, and
// repeat what is lost often enough to go on at once when it is back. Both are
// wishes: older kernels refuse.
func tuneSocket(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, 30_000)
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpRTOMax, 2_000)
	})
}
