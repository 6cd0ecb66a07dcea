package mux

import (
	"io"
	"net"
	"syscall"
)

// maxDirect is how much the session's reader writes itself: what is longer would hold
// up the other streams, and costs less for each byte anyway.
const maxDirect = 4 << 10

// sinkOf is the socket of w, or nil where it has none that may be written to directly.
func sinkOf(w io.Writer) syscall.RawConn {
	switch c := w.(type) {
	case *net.TCPConn:
		raw, _ := c.SyscallConn() // nil with an error
		return raw
	case *net.UnixConn:
		raw, _ := c.SyscallConn()
		return raw
	}
	return nil
}

// direct writes as much of p to the sink as that takes at once, and returns how much
// that was. What is wrong with the sink is found by who waits in WriteTo, with the rest.
// mu is held, but not meanwhile.
func (st *Stream) direct(p []byte) (n int) {
	sink := st.sink
	st.lent = true
	st.mu.Unlock()
	_ = sink.Write(func(fd uintptr) bool {
		n = tryWrite(fd, p)
		return true // and not wait
	})
	st.mu.Lock()
	st.lent = false
	st.handed += int64(n)
	if n < len(p) || st.closed || st.rerr != nil || st.read.passed() {
		st.cond.Broadcast() // who waited for this
	}
	return n
}
