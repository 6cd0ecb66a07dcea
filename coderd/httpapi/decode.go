package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// maxDepth is how deep a body of JSON may be nested. Ours need no more than ten.
const maxDepth = 64

// decode is json.Unmarshal for text that others wrote: what is not UTF-8, or nested
// to exhaust whoever walks it, is refused before anything is made of it.
func decode(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errors.New("the body is not UTF-8 text")
	}
	if depthOf(data) > maxDepth {
		return fmt.Errorf("the body is nested deeper than %d levels", maxDepth)
	}
	err := json.Unmarshal(data, v)
	if wrong := (*json.SyntaxError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("the body is not JSON: %w", err)
	}
	return err
}

// depthOf returns how deep brackets stand in each other outside of strings.
func depthOf(data []byte) int {
	depth, deepest := 0, 0
	quoted := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}
