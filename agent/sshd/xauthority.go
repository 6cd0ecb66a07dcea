package sshd

import (
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"coder.internal/agent/child"
)

// Address families of an Xauthority file.
const (
	familyLocal = 256
	familyWild  = 65535
)

// xauthEntries names the cookie of one display. The file is written here and not
// by xauth: it is one of its own for each session, so it needs no lock, works
// where home cannot be written, and leaves nothing in the user's file. There are
// two entries because most libraries look for the host's name, and the other one
// is right when that changes.
func xauthEntries(display int, protocol string, cookie []byte) []byte {
	var out []byte
	field := func(b string) {
		out = binary.BigEndian.AppendUint16(out, uint16(len(b)))
		out = append(out, b...)
	}
	entry := func(family uint16, address string) {
		out = binary.BigEndian.AppendUint16(out, family)
		field(address)
		field(strconv.Itoa(display))
		field(protocol)
		field(string(cookie))
	}
	if host, err := os.Hostname(); err == nil && len(host) <= 255 {
		entry(familyLocal, host)
	}
	entry(familyWild, "")
	return out
}

// ownXauthority is the file that the session would have had, so that displays of
// the workspace itself can still be used. It comes behind the new entries, which
// are found first. What cannot be read or is too large is left out.
func (s *session) ownXauthority() []byte {
	opts := &s.conn.srv.opts
	path := child.Get(opts.Environ, "XAUTHORITY")
	if path == "" {
		path = filepath.Join(opts.Account.Home, ".Xauthority")
	}
	// A named pipe would block.
	if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() || st.Size() > maxXauthority {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxXauthority))
	if err != nil {
		return nil
	}
	return b
}
