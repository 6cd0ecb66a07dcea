package terraform

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"

	"coder.internal/api"
	"coder.internal/provisionerd"
)

// maxStderr is how much of the end of standard error is told.
const maxStderr = 2000

// explain turns the end of a terraform process into the error of the job: the
// limit it has broken, who ended it, what it said itself, or how it died.
func (r *run) explain(ctx context.Context, err error, out *output, what string) error {
	if r.broke != nil {
		r.note(api.LogError, out.stage, r.broke.failure.Message)
		return r.broke.failure
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
	if text := out.result(); text != "" {
		if message, ok := r.providerDied(text, err.Error(), out.stage); ok {
			return &provisionerd.Failure{Message: message}
		}
		return &provisionerd.Failure{Message: r.mask.hide(text)}
	}
	// Without a diagnostic, the end of standard error is all there is.
	text := strings.TrimSpace(err.Error())
	if len(text) > maxStderr {
		text = "…" + strings.ToValidUTF8(text[len(text)-maxStderr:], "")
	}
	for _, line := range strings.Split(text, "\n") {
		r.note(api.LogError, out.stage, line)
	}
	if message, ok := died(err); ok {
		return &provisionerd.Failure{Message: message}
	}
	return &provisionerd.Failure{Message: r.mask.hide(what + " ended with an error: " + text)}
}

// died words the end of a process by a signal that we did not send.
func died(err error) (string, bool) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return "", false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return "", false
	}
	if status.Signal() == syscall.SIGKILL {
		return "Terraform was killed (signal 9); the machine may be out of memory. What it had saved of its state is kept.", true
	}
	return fmt.Sprintf("Terraform was ended by signal %d (%s). What it had saved of its state is kept.", int(status.Signal()), status.Signal()), true
}
