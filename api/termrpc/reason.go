package termrpc

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	reasonHead = "The terminal has ended with exit code "
	reasonTail = "."
)

// Reason is what a websocket's close says of a program that has ended.
func Reason(exitCode int) string { return fmt.Sprint(reasonHead, exitCode, reasonTail) }

// ExitCode is what Reason was given; ok is false for other texts.
func ExitCode(reason string) (code int, ok bool) {
	text, head := strings.CutPrefix(reason, reasonHead)
	text, tail := strings.CutSuffix(text, reasonTail)
	code, err := strconv.Atoi(text)
	return code, head && tail && err == nil
}
