package httpapi

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLibraryMessagesBecomeSentences(t *testing.T) {
	t.Parallel()
	for detail, want := range map[string]string{
		"expected required property username to be present":   "this field is required.",
		`expected value to be one of "none, everyone"`:        "use one of none, everyone.",
		`expected value to be one of ", fira-code"`:           `use one of "", fira-code.`,
		"expected length <= 128":                              "use at most 128 characters.",
		"expected number >= 0":                                "use a number of at least 0.",
		"expected array length <= 100":                        "give at most 100 entries.",
		"expected integer":                                    "use a whole number.",
		"expected string to be RFC 4122 uuid: invalid length": "use a UUID.",
		"expected string to be RFC 3339 date-time":            "use a time such as 2026-01-31T15:04:05Z.",
		"expected string to match pattern ^[a-z]+$":           "expected string to match pattern ^[a-z]+$",
		"the body is not JSON: unexpected end of JSON input":  "the body is not JSON: unexpected end of JSON input",
		"expected number to be a multiple of 2":               "expected number to be a multiple of 2",
		"expected array items to be unique":                   "an entry is there twice.",
		"expected object with at most 5 properties":           "give at most 5 entries.",
		"expected property a to be present when b is present": "expected property a to be present when b is present",
	} {
		require.Equal(t, want, plain(detail))
	}
}
