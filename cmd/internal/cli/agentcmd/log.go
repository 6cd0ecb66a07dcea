package agentcmd

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"coder.internal/cmd/internal/cli"
)

// maxLog bounds the log file; what was before is kept once, as .old.
const maxLog = 5 << 20

// logger builds the log of the flags, and a func that closes its files.
func (o *options) logger(env *cli.Env) (*slog.Logger, func(), error) {
	level := slog.LevelInfo
	if env.Global.Verbose {
		level = slog.LevelDebug
	}
	opts := &slog.HandlerOptions{Level: level}
	var all []slog.Handler
	var files []io.Closer
	closeAll := func() {
		for _, f := range files {
			_ = f.Close()
		}
	}
	for _, s := range []struct {
		path string
		make func(io.Writer) slog.Handler
	}{
		{o.logHuman, func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, opts) }},
		{o.logJSON, func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, opts) }},
		{o.logStackdriver, func(w io.Writer) slog.Handler {
			return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: stackdriver})
		}},
		{filepath.Join(o.logDir, "coder-agent.log"), func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, opts) }},
	} {
		switch s.path {
		case "":
		case "/dev/stderr":
			all = append(all, s.make(env.Stderr))
		case "/dev/stdout":
			all = append(all, s.make(env.Stdout))
		default:
			f := &capped{path: s.path}
			if err := f.open(); err != nil {
				closeAll()
				return nil, nil, fmt.Errorf("open log: %w", err)
			}
			files = append(files, f)
			all = append(all, s.make(f))
		}
	}
	return slog.New(slog.NewMultiHandler(all...)), closeAll, nil
}

// stackdriver gives the fields the names that Google's logging reads.
func stackdriver(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.LevelKey:
		a.Key = "severity"
	case slog.MessageKey:
		a.Key = "message"
	}
	return a
}

// capped is a log file that begins anew when it is full.
type capped struct {
	path string

	mu   sync.Mutex // guards what follows
	f    *os.File
	size int64
}

func (c *capped) open() error {
	// Not through a link: the directory may be one that everybody can write to.
	if st, err := os.Lstat(c.path); err == nil && !st.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", c.path)
	}
	f, err := os.OpenFile(c.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	c.f, c.size = f, st.Size()
	return nil
}

// Write implements io.Writer.
func (c *capped) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size+int64(len(p)) > maxLog {
		_ = c.f.Close()
		_ = os.Rename(c.path, c.path+".old")
		if err := c.open(); err != nil {
			return 0, err
		}
	}
	n, err := c.f.Write(p)
	c.size += int64(n)
	return n, err
}

// Close implements io.Closer.
func (c *capped) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.f.Close()
}
