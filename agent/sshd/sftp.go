package sshd

import (
	"errors"
	"io"
	"path"
	"strings"

	"github.com/pkg/sftp"
)

// serveSFTP blocks until the client ends the subsystem. Relative paths are taken
// from the directory in which commands start, so that scp, sftp and rsync agree.
func (s *session) serveSFTP() {
	defer close(s.done)
	opts := &s.conn.srv.opts
	code := 0
	server, err := sftp.NewServer(openStream{s.ch}, sftp.WithServerWorkingDirectory(opts.Account.Directory(opts.Directory)))
	if err == nil {
		err = server.Serve()
		_ = server.Close() // files that the client left open
	}
	if err != nil && !errors.Is(err, io.EOF) {
		opts.Log.Debug("sftp ended", "error", err)
		code = 1
	}
	s.sendStatus(code)
	_ = s.ch.CloseWrite()
	_ = s.ch.Close()
}

// openStream keeps the channel open when the SFTP library is done with it: the
// exit status has to follow, or clients take the transfer for broken.
type openStream struct{ io.ReadWriter }

// Close does nothing.
func (openStream) Close() error { return nil }

// transfersFiles recognises the usual programs for moving files in a command. It
// keeps honest people honest: whoever has a shell can always move bytes.
func transfersFiles(line string) bool {
	for _, part := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(";|&()\n`", r) }) {
		for _, word := range strings.Fields(part) {
			word = strings.Trim(word, `"'`)
			switch path.Base(word) {
			case "nc", "rsync", "scp", "sftp":
				return true
			case "exec", "env", "command", "sudo", "nohup", "time":
				continue // the program is the next word
			}
			if !strings.HasPrefix(word, "-") && !strings.Contains(word, "=") {
				break // the program is another one; its arguments do not matter
			}
		}
	}
	return false
}
