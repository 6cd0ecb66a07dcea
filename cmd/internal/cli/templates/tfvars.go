package templates

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"coder.internal/cmd/internal/cli"
)

// maxVarsFile bounds a file of variable values, in bytes.
const maxVarsFile = 1 << 20

func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read variables: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxVarsFile+1))
	if err != nil {
		return nil, fmt.Errorf("read variables: %w", err)
	}
	if len(b) > maxVarsFile {
		return nil, cli.Usage("variables-file", cli.Inert(name)+" is larger than 1 MiB.")
	}
	return b, nil
}

// tfvars reads the files that Terraform would load by itself, in its order.
func tfvars(dir string) (map[string]string, error) {
	var files []string
	for _, pattern := range []string{"terraform.tfvars", "terraform.tfvars.json", "*.auto.tfvars", "*.auto.tfvars.json"} {
		// The directory is opened as such: its name may hold what a pattern reads as a wildcard.
		found, err := match(dir, pattern)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	out := map[string]string{}
	for _, name := range files {
		b, err := readSmall(name)
		if err != nil {
			return nil, err
		}
		parse := ParseTFVars
		if strings.HasSuffix(name, ".json") {
			parse = parseJSONVars
		}
		values, err := parse(b)
		if err != nil {
			return nil, cli.Usage("variable", fmt.Sprintf("%s: %s.", cli.Inert(name), err))
		}
		for k, v := range values {
			out[k] = v
		}
	}
	return out, nil
}

func match(dir, pattern string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read template directory: %w", err)
	}
	var out []string
	for _, e := range entries {
		if ok, _ := filepath.Match(pattern, e.Name()); ok && !e.IsDir() {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	sort.Strings(out)
	return out, nil
}

func parseJSONVars(b []byte) (map[string]string, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, errors.New("it is not a JSON object")
	}
	out := make(map[string]string, len(doc))
	for k, raw := range doc {
		var s string
		if json.Unmarshal(raw, &s) == nil {
			out[k] = s
		} else {
			out[k] = string(raw)
		}
	}
	return out, nil
}

// ParseTFVars reads `name = value` definitions. Strings are unquoted; numbers,
// booleans, lists and maps are kept as they are written, which is how Terraform
// takes them from its environment. Expressions other than literals are refused.
func ParseTFVars(b []byte) (map[string]string, error) {
	s := &scanner{text: strings.ReplaceAll(strings.TrimPrefix(string(b), "\ufeff"), "\r\n", "\n"), line: 1}
	out := map[string]string{}
	for {
		s.blank(true)
		if s.pos == len(s.text) {
			return out, nil
		}
		name := s.word()
		s.blank(false)
		if name == "" || !s.take("=") {
			return nil, s.fail("expected name = value")
		}
		s.blank(false)
		v, err := s.value()
		if err != nil {
			return nil, err
		}
		s.blank(false)
		if s.pos < len(s.text) && s.text[s.pos] != '\n' {
			return nil, s.fail("unexpected text after a value")
		}
		out[name] = v
	}
}

type scanner struct {
	text string
	pos  int
	line int
}

func (s *scanner) fail(what string) error { return fmt.Errorf("line %d: %s", s.line, what) }

func (s *scanner) rest() string { return s.text[s.pos:] }

func (s *scanner) advance(n int) {
	s.line += strings.Count(s.text[s.pos:s.pos+n], "\n")
	s.pos += n
}

func (s *scanner) take(prefix string) bool {
	if !strings.HasPrefix(s.rest(), prefix) {
		return false
	}
	s.advance(len(prefix))
	return true
}

// blank skips white space and comments, over the ends of lines if lines is set.
func (s *scanner) blank(lines bool) {
	for s.pos < len(s.text) {
		switch r := s.rest(); {
		case r[0] == ' ' || r[0] == '\t' || r[0] == '\n' && lines:
			s.advance(1)
		case r[0] == '#' || strings.HasPrefix(r, "//"):
			end := strings.IndexByte(r, '\n')
			if end < 0 {
				end = len(r)
			}
			s.advance(end)
		case strings.HasPrefix(r, "/*"):
			end := strings.Index(r[2:], "*/")
			if end < 0 {
				s.advance(len(r))
			} else {
				s.advance(end + 4)
			}
		default:
			return
		}
	}
}

func (s *scanner) word() string {
	n := 0
	for r := s.rest(); n < len(r); n++ {
		c := r[n]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			break
		}
	}
	w := s.text[s.pos : s.pos+n]
	s.advance(n)
	return w
}

func (s *scanner) value() (string, error) {
	r := s.rest()
	switch {
	case r == "" || r[0] == '\n':
		return "", s.fail("a value is missing")
	case r[0] == '"':
		return s.quoted()
	case strings.HasPrefix(r, "<<"):
		return s.heredoc()
	case r[0] == '[' || r[0] == '{':
		return s.collection()
	}
	n := strings.IndexAny(r, " \t\n#/,")
	if n < 0 {
		n = len(r)
	}
	w := r[:n]
	if w != "true" && w != "false" && w != "null" {
		if _, err := strconv.ParseFloat(w, 64); err != nil {
			return "", s.fail("only literal values are possible here")
		}
	}
	s.advance(n)
	return w, nil
}

// quotedEnd returns the length of the quoted string that r begins with, 0 if it
// does not end on its line.
func quotedEnd(r string) int {
	for i := 1; i < len(r) && r[i] != '\n'; i++ {
		switch r[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

func (s *scanner) quoted() (string, error) {
	n := quotedEnd(s.rest())
	if n == 0 {
		return "", s.fail("a quoted value does not end on its line")
	}
	raw := s.rest()[:n]
	if strings.Contains(strings.ReplaceAll(raw, "$${", ""), "${") || strings.Contains(strings.ReplaceAll(raw, "%%{", ""), "%{") {
		return "", s.fail("only literal values are possible here; write $${ for a plain ${")
	}
	raw = strings.NewReplacer("$${", "${", "%%{", "%{").Replace(raw)
	v, err := strconv.Unquote(raw)
	if err != nil {
		return "", s.fail("a quoted value has an unknown escape")
	}
	s.advance(n)
	return v, nil
}

func (s *scanner) heredoc() (string, error) {
	s.take("<<")
	indented := s.take("-")
	mark := s.word()
	if mark == "" || !s.take("\n") {
		return "", s.fail("a heredoc needs a marker")
	}
	var lines []string
	for s.pos < len(s.text) {
		line, _, _ := strings.Cut(s.rest(), "\n")
		if strings.TrimSpace(line) == mark {
			s.advance(len(line))
			if indented {
				unindent(lines)
			}
			return strings.Join(lines, ""), nil
		}
		lines = append(lines, line+"\n")
		s.advance(min(len(line)+1, len(s.rest())))
	}
	return "", s.fail("a heredoc does not end")
}

func unindent(lines []string) {
	least := -1
	for _, l := range lines {
		if strings.TrimSpace(l) != "" {
			if n := len(l) - len(strings.TrimLeft(l, " \t")); least < 0 || n < least {
				least = n
			}
		}
	}
	for i, l := range lines {
		lines[i] = l[min(max(least, 0), len(l)-1):]
	}
}

// collection returns a list or map as it is written.
func (s *scanner) collection() (string, error) {
	r := s.rest()
	depth := 0
	for i := 0; i < len(r); i++ {
		switch r[i] {
		case '"':
			n := quotedEnd(r[i:])
			if n == 0 {
				return "", s.fail("a quoted value does not end on its line")
			}
			i += n - 1
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				s.advance(i + 1)
				return r[:i+1], nil
			}
		}
	}
	return "", s.fail("a list or map does not end")
}
