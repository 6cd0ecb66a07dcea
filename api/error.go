package api

import (
	"errors"
	"strings"
	"time"
)

// Code says what kind of failure an Error is. It decides the HTTP status on the
// way out (coderd/httpapi) and is rebuilt from the response by api/client.
type Code string

// The codes. Each maps to one HTTP status; see httpapi.Status.
const (
	CodeInvalid         Code = "invalid"          // 400: a field is wrong; see Validations
	CodeUnauthenticated Code = "unauthenticated"  // 401: no or bad credential
	CodeForbidden       Code = "forbidden"        // 403: known caller without the right, object visible
	CodeNotFound        Code = "not_found"        // 404: absent, or hidden from this caller
	CodeConflict        Code = "conflict"         // 409: the state does not permit it
	CodeTooLarge        Code = "too_large"        // 413: over a stated limit
	CodeUnsupported     Code = "unsupported_type" // 415: content type not taken
	CodeRateLimited     Code = "rate_limited"     // 429: come back later
	CodeInternal        Code = "internal"         // 500: our fault; the log has the cause
	CodeUnavailable     Code = "unavailable"      // 503: try again; another replica may do
)

// ValidationError names one field and what is wrong with it.
type ValidationError struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Error is an error the user can act on, and the body of every failed response.
// Message is one sentence with the remedy; Detail may hold more lines.
type Error struct {
	Code        Code              `json:"code,omitempty"`
	Message     string            `json:"message"`
	Detail      string            `json:"detail,omitempty"`
	Validations []ValidationError `json:"validations,omitempty"`
	RequestID   string            `json:"request_id,omitempty"`
	// RetryAfter is how long to wait before another try, as the header Retry-After
	// says it in whole seconds; 0 where nothing is known.
	RetryAfter time.Duration `json:"-"`
}

// Response is the body of success responses that carry only a sentence.
type Response struct {
	Message     string            `json:"message"`
	Detail      string            `json:"detail,omitempty"`
	Validations []ValidationError `json:"validations,omitempty"`
}

// Error implements error: the message, then fields and detail where present.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for _, v := range e.Validations {
		b.WriteString("\n  " + v.Field + ": " + v.Detail)
	}
	if e.Detail != "" {
		b.WriteString("\n" + e.Detail)
	}
	return b.String()
}

// Invalid returns a CodeInvalid error about one field.
func Invalid(field, detail string) *Error {
	return &Error{Code: CodeInvalid, Message: "Invalid " + field + ": " + detail,
		Validations: []ValidationError{{Field: field, Detail: detail}}}
}

// NotFound returns the one answer for "absent" and "hidden from you".
func NotFound(what string) *Error {
	return &Error{Code: CodeNotFound, Message: what + " not found, or you have no access to it."}
}

// Conflict returns a CodeConflict error; fields may name what clashes.
func Conflict(message string, fields ...ValidationError) *Error {
	return &Error{Code: CodeConflict, Message: message, Validations: fields}
}

// CodeOf returns the code of the first *Error in err's chain, or "" if none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
