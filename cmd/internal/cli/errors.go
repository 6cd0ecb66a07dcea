package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"coder.internal/api"
	"coder.internal/api/client"
)

// Exit codes. A remote command's own status is passed on by ExitError.
const (
	exitOK       = 0
	exitFailure  = 1
	exitCanceled = 130
)

// ExitError ends the process with Code. Without Err nothing is printed.
type ExitError struct {
	Code int
	Err  error
}

// Error implements error.
func (e *ExitError) Error() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

// Unwrap returns the cause.
func (e *ExitError) Unwrap() error { return e.Err }

// ErrCanceled is what a question returns that was answered with no.
var ErrCanceled = errors.New("canceled")

// report prints err and returns the exit code that belongs to it.
func report(ctx context.Context, env *Env, err error) int {
	code := exitFailure
	var exit *ExitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		if exit.Err == nil {
			return exit.Code
		}
		code, err = exit.Code, exit.Err
	case ctx.Err() != nil && errors.Is(err, context.Canceled), errors.Is(err, ErrCanceled):
		fmt.Fprintln(env.Stderr, "canceled")
		return exitCanceled
	}
	fmt.Fprint(env.Stderr, render(env, err))
	return code
}

// render gives an error its lines: the sentence, the fields, the detail, and
// what to do about it.
func render(env *Env, err error) string {
	var b strings.Builder
	var ae *api.Error
	var ur *client.UnreachableError
	var usage *usageError
	switch {
	case errors.As(err, &ae):
		b.WriteString("error: " + prefixOf(err, ae) + Inert(ae.Message) + "\n")
		for _, v := range ae.Validations {
			if !strings.Contains(ae.Message, v.Detail) {
				b.WriteString("  " + Inert(v.Field) + ": " + Inert(v.Detail) + "\n")
			}
		}
		for line := range strings.Lines(ae.Detail) {
			b.WriteString("  " + Inert(strings.TrimRight(line, "\r\n")) + "\n")
		}
		if ae.RequestID != "" {
			b.WriteString("  request id: " + Inert(ae.RequestID) + "\n")
		}
		if ae.Code == api.CodeUnauthenticated {
			b.WriteString("  Sign in with: coder login" + loginTarget(env) + "\n")
		}
	case errors.As(err, &ur):
		b.WriteString("error: " + Inert(ur.Error()) + "\n  " + remedy(ur) + "\n")
	case errors.As(err, &usage):
		b.WriteString("error: " + usage.msg + "\n  See: " + usage.see + "\n")
	default:
		lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
		b.WriteString("error: " + Inert(lines[0]) + "\n")
		for _, l := range lines[1:] {
			b.WriteString("  " + Inert(l) + "\n")
		}
	}
	return b.String()
}

// prefixOf returns what callers wrapped around ae, "" where nothing was.
func prefixOf(err error, ae *api.Error) string {
	outer := err.Error()
	if i := strings.Index(outer, ae.Error()); i > 0 {
		return Inert(outer[:i])
	}
	return ""
}

func loginTarget(env *Env) string {
	if u, err := env.configURL(); err == nil && u != "" {
		return " " + Inert(u)
	}
	return " <url>"
}

// remedy says what to do about a server that gave no answer.
func remedy(e *client.UnreachableError) string {
	var re *client.ReachError
	if errors.As(e, &re) {
		return Inert(re.Cure)
	}
	return "Check that the server runs and that --url or CODER_URL is right."
}

// Inert makes text from elsewhere harmless for a terminal: escape sequences and
// control characters are dropped, tabs stay.
func Inert(s string) string {
	if !strings.ContainsFunc(s, dangerous) {
		return s
	}
	var b strings.Builder
	r := []rune(strings.ToValidUTF8(s, "�"))
	for i := 0; i < len(r); i++ {
		if r[i] == 0x1b || r[i] == 0x9b {
			i = skipEscape(r, i)
			continue
		}
		if !dangerous(r[i]) {
			b.WriteRune(r[i])
		}
	}
	return b.String()
}

func dangerous(c rune) bool {
	return c < 0x20 && c != '\t' || c >= 0x7f && c < 0xa0 || c == '\uFFFD' ||
		c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 // text direction
}

// skipEscape returns the index of the last rune of the sequence at i.
func skipEscape(r []rune, i int) int {
	if r[i] == 0x1b {
		if i++; i >= len(r) {
			return i
		}
		switch r[i] {
		case ']', 'P', '_', '^', 'X': // strings, up to BEL or ESC \
			for ; i < len(r); i++ {
				if r[i] == 0x07 {
					return i
				}
				if r[i] == 0x1b && i+1 < len(r) && r[i+1] == '\\' {
					return i + 1
				}
			}
			return i
		case '[':
		default:
			return i
		}
	}
	for i++; i < len(r); i++ { // control sequence: up to the final byte
		if r[i] >= 0x40 && r[i] <= 0x7e {
			return i
		}
	}
	return i
}
