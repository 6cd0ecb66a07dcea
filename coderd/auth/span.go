package auth

import (
	"fmt"
	"strings"
	"time"
)

// span writes a duration as people give it: 30d, 36h, 90m, and not 720h0m0s.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= day && d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d >= time.Hour:
		d = d.Round(time.Minute)
	}
	text := d.String()
	for _, nothing := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, nothing) {
			text = text[:len(text)-2]
		}
	}
	return text
}
