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
	var handlers []slog.Handler
	opts := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, sink := range []struct {
		path string
		make func(io.Writer) slog.Handler
	}{
		{c.Human, func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, opts) }},
		{c.JSON, func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, opts) }},
		{c.Stackdriver, func(w io.Writer) slog.Handler {
			return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: stackdriver})
		}},
	} {
		switch sink.path {
		case "":
		case "/dev/stderr":
			handlers = append(handlers, sink.make(stderr))
		case "/dev/stdout":
			handlers = append(handlers, sink.make(stdout))
		default:
			f, err := os.OpenFile(sink.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				return nil, nil, fmt.Errorf("open log file: %w", err)
			}
			closers = append(closers, f)
			handlers = append(handlers, sink.make(f))
		}
	}
	closeAll := func() error {
		var errs []error
		for _, c := range closers {
			errs = append(errs, c.Close())
		}
		return errors.Join(errs...)
	}
	return slog.New(&filtered{next: slog.NewMultiHandler(handlers...), verbose: c.Verbose, filter: filter}), closeAll, nil
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
