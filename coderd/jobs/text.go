package jobs

import "coder.internal/database"

// CleanText makes foreign text storable: no NUL, valid UTF-8, at most limit bytes
// with a mark where it was cut.
func CleanText(s string, limit int) string {
	s = database.Storable(s)
	if len(s) <= limit {
		return s
	}
	const mark = "…"
	cut := max(limit-len(mark), 0)
	// Not inside a character: continuation bytes start with the bits 10.
	for cut > 0 && s[cut]&0xc0 == 0x80 {
		cut--
	}
	return s[:cut] + mark
}
