//go:build !windows

package sshd

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
)

// maxMOTD bounds the message of the day; the rest of a longer one is not shown.
const maxMOTD = 64 << 10

// showMOTD writes the message of the day to an interactive login, unless the
// user has a ~/.hushlogin. Without a file there is no message.
func (s *session) showMOTD() {
	opts := &s.conn.srv.opts
	if opts.MOTDFile == "" {
		return
	}
	if _, err := os.Stat(filepath.Join(opts.Account.Home, ".hushlogin")); err == nil {
		return
	}
	// A FIFO or device would block the login: only regular files are read.
	if st, err := os.Stat(opts.MOTDFile); err != nil || !st.Mode().IsRegular() {
		return
	}
	f, err := os.Open(opts.MOTDFile)
	if err != nil {
		return
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxMOTD))
	if err != nil {
		return
	}
	// The client's terminal is raw: it needs both characters.
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	_, _ = s.ch.Write(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")))
}
