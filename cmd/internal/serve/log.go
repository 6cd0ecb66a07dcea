package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
)

// NewLogger builds the logger of a process. The returned function closes the
// files. stderr and stdout stand for /dev/stderr and /dev/stdout.
func NewLogger(c LogConfig, stdout, stderr io.Writer) (*slog.Logger, func() error, error) {
	filter, err := compile(c.Filter)
	if err != nil {
		return nil, nil, err
	}
	var closers []io.Closer
	var handlers fanout
	open := func(path string) (io.Writer, error) {
		switch path {
		case "/dev/stderr":
			return stderr, nil
		case "/dev/stdout":
			return stdout, nil
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open log file: %w", err)
		}
		closers = append(closers, f)
		return f, nil
	}
	opts := &slog.HandlerOptions{Level: slog.LevelDebug}
	if c.Human != "" {
		w, err := open(c.Human)
		if err != nil {
			return nil, nil, err
		}
		handlers = append(handlers, slog.NewTextHandler(w, opts))
	}
	if c.JSON != "" {
		w, err := open(c.JSON)
		if err != nil {
			return nil, nil, err
		}
		handlers = append(handlers, slog.NewJSONHandler(w, opts))
	}
	closeAll := func() error {
		var errs []error
		for _, c := range closers {
			errs = append(errs, c.Close())
		}
		return errors.Join(errs...)
	}
	return slog.New(&filtered{next: handlers, verbose: c.Verbose, filter: filter}), closeAll, nil
}

func compile(patterns []string) ([]*regexp.Regexp, error) {
	var out []*regexp.Regexp
	for _, p := range patterns {
		re, err := regexp.Compile(p)
		if err != nil {
			return nil, fmt.Errorf("option --log-filter: %w", err)
		}
		out = append(out, re)
	}
	return out, nil
}

// filtered lets Info and above pass, and those Debug lines whose component or
// message matches.
type filtered struct {
	next      slog.Handler
	verbose   bool
	filter    []*regexp.Regexp
	component string
}

func (f *filtered) Enabled(_ context.Context, l slog.Level) bool {
	return l >= slog.LevelInfo || f.verbose || len(f.filter) > 0
}

func (f *filtered) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelInfo && !f.verbose && !f.matches(r.Message) {
		return nil
	}
	return f.next.Handle(ctx, r)
}

func (f *filtered) matches(message string) bool {
	for _, re := range f.filter {
		if re.MatchString(f.component) || re.MatchString(message) {
			return true
		}
	}
	return false
}

func (f *filtered) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := *f
	out.next = f.next.WithAttrs(attrs)
	for _, a := range attrs {
		if a.Key == "component" {
			out.component = a.Value.String()
		}
	}
	return &out
}

func (f *filtered) WithGroup(name string) slog.Handler {
	out := *f
	out.next = f.next.WithGroup(name)
	return &out
}

// fanout sends each record to all handlers.
type fanout []slog.Handler

func (f fanout) Enabled(context.Context, slog.Level) bool { return true }

func (f fanout) Handle(ctx context.Context, r slog.Record) error {
	var errs []error
	for _, h := range f {
		errs = append(errs, h.Handle(ctx, r.Clone()))
	}
	return errors.Join(errs...)
}

func (f fanout) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := make(fanout, len(f))
	for i, h := range f {
		out[i] = h.WithAttrs(attrs)
	}
	return out
}

func (f fanout) WithGroup(name string) slog.Handler {
	out := make(fanout, len(f))
	for i, h := range f {
		out[i] = h.WithGroup(name)
	}
	return out
}
