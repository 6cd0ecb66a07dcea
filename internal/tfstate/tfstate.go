// Package tfstate reads as much of a Terraform state file (format version 4) as
// is needed to tell states apart and to list what they hold. It never writes one.
package tfstate

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// State is the head of a state file and its managed resources.
type State struct {
	Serial    int64
	Lineage   string
	Resources []Resource
}

// Resource is one managed instance. ID is what its provider knows it by, empty
// where the provider gives none.
type Resource struct {
	Address  string
	Type     string
	Name     string
	Provider string
	ID       string
	// DailyCost is what a coder_metadata says that its resource costs a day.
	DailyCost int
}

// DailyCost is what all that the state holds costs a day.
func (s State) DailyCost() int {
	sum := 0
	for _, r := range s.Resources {
		sum += r.DailyCost
	}
	return sum
}

// maxDailyCost bounds one cost; no provider lets a larger one through.
const maxDailyCost = 1_000_000_000

func costOf(typ string, attributes json.RawMessage) int {
	var a struct {
		DailyCost float64 `json:"daily_cost"`
	}
	if typ != "coder_metadata" || json.Unmarshal(attributes, &a) != nil {
		return 0
	}
	return int(min(max(a.DailyCost, 0), maxDailyCost))
}

// maxID bounds the ids that are shown, in bytes.
const maxID = 512

// Parse reads a state file. Its errors are whole sentences for people.
func Parse(b []byte) (State, error) {
	var doc struct {
		Version   *int   `json:"version"`
		Serial    int64  `json:"serial"`
		Lineage   string `json:"lineage"`
		Resources []struct {
			Module    string `json:"module"`
			Mode      string `json:"mode"`
			Type      string `json:"type"`
			Name      string `json:"name"`
			Provider  string `json:"provider"`
			Instances []struct {
				Key        any             `json:"index_key"`
				Attributes json.RawMessage `json:"attributes"`
			} `json:"instances"`
		} `json:"resources"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return State{}, fmt.Errorf("it is not the JSON of a Terraform state: %w", err)
	}
	switch {
	case doc.Version == nil:
		return State{}, errors.New("it is not a Terraform state: it has no version")
	case *doc.Version != 4:
		return State{}, fmt.Errorf("it has the format version %d; only version 4 (Terraform 0.12 and newer) can be used", *doc.Version)
	case doc.Lineage == "":
		return State{}, errors.New("it is not a Terraform state: it has no lineage")
	case doc.Serial < 0:
		return State{}, errors.New("its serial is negative")
	}
	s := State{Serial: doc.Serial, Lineage: doc.Lineage}
	for _, r := range doc.Resources {
		if r.Mode != "managed" {
			continue
		}
		for _, i := range r.Instances {
			addr := r.Type + "." + r.Name
			if r.Module != "" {
				addr = r.Module + "." + addr
			}
			switch k := i.Key.(type) {
			case string:
				addr += fmt.Sprintf("[%q]", k)
			case float64:
				addr += fmt.Sprintf("[%d]", int64(k))
			}
			s.Resources = append(s.Resources, Resource{Address: addr, Type: r.Type, Name: r.Name,
				Provider: provider(r.Provider), ID: idOf(i.Attributes), DailyCost: costOf(r.Type, i.Attributes)})
		}
	}
	return s, nil
}

// provider is the address within provider["registry.terraform.io/a/b"].
func provider(s string) string {
	if _, rest, ok := strings.Cut(s, `provider["`); ok {
		s, _, _ = strings.Cut(rest, `"`)
	}
	return s
}

func idOf(attributes json.RawMessage) string {
	var a struct {
		ID any `json:"id"`
	}
	if json.Unmarshal(attributes, &a) != nil {
		return ""
	}
	switch id := a.ID.(type) {
	case string:
		if len(id) > maxID {
			return strings.ToValidUTF8(id[:maxID], "") + "…"
		}
		return id
	case float64:
		return fmt.Sprint(id)
	}
	return ""
}

// Follows reports whether next may take the place of s: of the same lineage and
// newer, or the same. The reason is a sentence for people.
func (s State) Follows(next State) error {
	switch {
	case s.Lineage != next.Lineage:
		return fmt.Errorf("it has the lineage %q, the present state %q: it is the state of something else", next.Lineage, s.Lineage)
	case next.Serial < s.Serial:
		return fmt.Errorf("its serial is %d, that of the present state is %d: it is older", next.Serial, s.Serial)
	}
	return nil
}
