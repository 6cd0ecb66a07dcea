package jobrpc_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"coder.internal/api/jobrpc"
)

// FuzzFrames: what is cut comes back whole, mixed with another message.
func FuzzFrames(f *testing.F) {
	f.Add("{}", 1)
	f.Add(strings.Repeat("é", jobrpc.MaxFrameText), 2)
	f.Add("", 0)
	f.Fuzz(func(t *testing.T, text string, repeat int) {
		if !utf8.ValidString(text) {
			return // JSON is valid text
		}
		message := []byte(strings.Repeat(text, repeat&7))
		var join jobrpc.Joiner
		var got []byte
		whole := 0
		err := jobrpc.Cut(1, message, func(fr jobrpc.Frame) error {
			if !utf8.ValidString(fr.Text) || len(fr.Text) > jobrpc.MaxFrameText {
				t.Fatalf("frame of %d bytes is no text", len(fr.Text))
			}
			if _, err := join.Add(jobrpc.Frame{ID: 2, Text: "x"}); err != nil {
				return err
			}
			m, err := join.Add(fr)
			if fr.Last {
				got, whole = m, whole+1
			}
			return err
		})
		if err != nil || whole != 1 || !bytes.Equal(got, message) {
			t.Fatalf("%d bytes became %d in %d messages: %v", len(message), len(got), whole, err)
		}
	})
}

func TestJoinerLimits(t *testing.T) {
	t.Parallel()
	var many jobrpc.Joiner
	for i := range int64(jobrpc.MaxOpenCalls) {
		if _, err := many.Add(jobrpc.Frame{ID: i, Text: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := many.Add(jobrpc.Frame{ID: 99, Text: "x"}); err == nil {
		t.Fatal("one message too many was taken")
	}
	if m, err := many.Add(jobrpc.Frame{ID: 3, Text: "y", Last: true}); err != nil || string(m) != "xy" {
		t.Fatalf("got %q, %v", m, err)
	}
	var endless jobrpc.Joiner
	part := strings.Repeat("x", jobrpc.MaxFrameText)
	for sent := 0; sent <= jobrpc.MaxMessage; sent += len(part) {
		if _, err := endless.Add(jobrpc.Frame{ID: 1, Text: part}); err != nil {
			return
		}
	}
	t.Fatal("a message without end was taken")
}
