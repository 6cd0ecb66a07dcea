package main

import (
	"bufio"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

//go:embed template
var template embed.FS

// book is the ledger that the template writes.
type book struct{ path string }

func newBook(dir string) (*book, error) {
	b := &book{path: filepath.Join(dir, "ledger")}
	script, err := template.ReadFile("template/entry.sh")
	if err != nil {
		return nil, err
	}
	return b, os.WriteFile(b.path+".entry.sh", script, 0o755) //nolint:gosec // the template runs it
}

// count is what the ledger says.
type count struct {
	creates, destroys, again, doubles int
	live                              map[string]bool
}

// read counts the lines; a line of another shape is an error.
func (b *book) read() (count, error) {
	c := count{live: map[string]bool{}}
	f, err := os.Open(b.path)
	if err != nil {
		return c, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		what, rest, _ := strings.Cut(lines.Text(), " ")
		key, _, _ := strings.Cut(rest, " ")
		switch what {
		case "create":
			c.creates++
			if c.live[key] {
				return c, fmt.Errorf("%s was made twice", key)
			}
			c.live[key] = true
		case "destroy":
			c.destroys++
			delete(c.live, key)
		case "again":
			c.again++
		case "double":
			c.doubles++
		default:
			return c, fmt.Errorf("unknown line in the ledger: %q", lines.Text())
		}
	}
	return c, lines.Err()
}

// of returns the live things of one workspace.
func (c count) of(workspace string) []string {
	var out []string
	for key := range c.live {
		if strings.HasPrefix(key, workspace+"/") {
			out = append(out, key)
		}
	}
	return out
}

// result is the line that the program prints.
type result struct {
	Kills     map[string]int `json:"kills"`
	Builds    int            `json:"builds"`
	Failed    int            `json:"failed_builds"`
	Retried   int            `json:"retried_builds"`
	Creates   int            `json:"creates"`
	Destroys  int            `json:"destroys"`
	Again     int            `json:"again"`
	Orphans   int            `json:"orphans"`
	Doubles   int            `json:"doubles"`
	Processes int            `json:"processes_left"`
	Seed      uint64         `json:"seed"`
	Seconds   float64        `json:"seconds"`
}

// verdict is nil when the ledger balances.
func (r result) verdict() error {
	if r.Orphans != 0 || r.Doubles != 0 || r.Creates != r.Destroys || r.Processes != 0 {
		return fmt.Errorf("the ledger does not balance: %d made, %d gone, %d orphans, %d doubles, %d processes left",
			r.Creates, r.Destroys, r.Orphans, r.Doubles, r.Processes)
	}
	return nil
}
