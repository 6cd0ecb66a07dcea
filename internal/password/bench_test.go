package password_test

import (
	"testing"

	"coder.internal/internal/password"
)

// BenchmarkHash is what a login costs.
func BenchmarkHash(b *testing.B) {
	h := password.New(1)
	for b.Loop() {
		if _, err := h.Hash(b.Context(), "correct-horse-battery"); err != nil {
			b.Fatal(err)
		}
	}
}
