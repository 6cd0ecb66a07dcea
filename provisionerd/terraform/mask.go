package terraform

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/internal/runas"
)

// masked stands where a secret was, in Terraform's own words.
const masked = "(sensitive value)"

// minSecret is the shortest text that is masked. Shorter ones, and the words of
// plainWords, would take apart every line they happen to occur in.
const minSecret = 4

var plainWords = map[string]bool{"true": true, "false": true, "null": true}

// uuid is what tokens of coder_agent look like.
var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// mask takes the secrets of one job out of the text that people will read.
// Terraform hides what it knows to be sensitive; a template, a provider or a
// program that a template starts may still print it.
type mask struct {
	user      *runas.User // whose the state file is
	stateFile string      // where Terraform writes the tokens that it makes

	mu      sync.Mutex
	secrets []string // longest first, so that one within another does not spoil it
	replace *strings.Replacer
}

// add makes secrets known. Of a secret with several lines each counts, and of one
// that is JSON each text in it.
func (m *mask) add(secrets ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range secrets {
		for _, part := range parts(s) {
			if len(part) >= minSecret && !plainWords[part] && !slices.Contains(m.secrets, part) {
				m.secrets = append(m.secrets, part)
			}
		}
	}
	slices.SortStableFunc(m.secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	pairs := make([]string, 0, 2*len(m.secrets))
	for _, s := range m.secrets {
		pairs = append(pairs, s, masked)
	}
	m.replace = strings.NewReplacer(pairs...)
}

// addTokens makes the tokens of agents known.
func (m *mask) addTokens(tokens []api.Secret) {
	for _, t := range tokens {
		m.add(t.Reveal())
	}
}

// hide returns text without the secrets.
func (m *mask) hide(text string) string {
	m.mu.Lock()
	replace := m.replace
	m.mu.Unlock()
	if replace != nil {
		text = replace.Replace(text)
	}
	// A token may be printed before the watcher has seen the state that has it.
	var state []byte
	return uuid.ReplaceAllStringFunc(text, func(id string) string {
		if state == nil {
			state = m.state()
		}
		if isToken(state, id) {
			return masked
		}
		return id
	})
}

// noState stands for a state file that is not there: nothing has been made.
const noState = "{}"

// state returns the text of the state file, never nil; empty if it cannot be read.
func (m *mask) state() []byte {
	var b []byte
	err := m.user.Do(func() (err error) { b, err = readPlain(m.stateFile, jobrpc.MaxStateBytes); return err })
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []byte(noState)
	case err != nil || b == nil:
		return []byte{}
	}
	return b
}

// isToken reports whether id is a token in the state. Terraform empties the file
// and writes it anew; while it is not whole, every id counts as one.
func isToken(state []byte, id string) bool {
	if !json.Valid(state) {
		return true
	}
	return bytes.Contains(state, []byte(`"token": "`+id+`"`)) || bytes.Contains(state, []byte(`"token":"`+id+`"`))
}

// parts returns the texts that give a secret away.
func parts(secret string) []string {
	out := []string{strings.TrimSpace(secret)}
	for line := range strings.SplitSeq(secret, "\n") {
		out = append(out, strings.TrimSpace(line))
	}
	var value any
	if json.Unmarshal([]byte(secret), &value) == nil {
		out = append(out, leaves(value)...)
	}
	return out
}

// leaves returns the texts in a JSON value, keys aside.
func leaves(value any) []string {
	var out []string
	switch v := value.(type) {
	case string:
		out = append(out, parts(v)...)
	case []any:
		for _, e := range v {
			out = append(out, leaves(e)...)
		}
	case map[string]any:
		for _, e := range v {
			out = append(out, leaves(e)...)
		}
	}
	return out
}
