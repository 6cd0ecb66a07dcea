package api

import (
	"fmt"
	"log/slog"
)

// Secret is text that must not be printed by accident: every formatting verb
// and slog shows a mark instead. JSON carries the real value, because the wire
// is where it belongs; Reveal is the one way to read it in code.
type Secret string

const redacted = "[redacted]"

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }

// Format implements fmt.Formatter for all verbs.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
