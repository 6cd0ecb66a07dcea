package terraform

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
)

// node is one resource instance, out of a state or out of a plan.
type node struct {
	config string // address without instance keys; what deps speak of
	addr   string
	module string // with instance keys
	typ    string
	name   string
	key    any // nil, a number or a string
	data   bool
	attrs  map[string]any
	deps   map[string]bool // config addresses, transitively
}

// rawState is what we read of state format version 4.
type rawState struct {
	Version   int    `json:"version"`
	Serial    int64  `json:"serial"`
	Lineage   string `json:"lineage"`
	Resources []struct {
		Module    string `json:"module"`
		Mode      string `json:"mode"`
		Type      string `json:"type"`
		Name      string `json:"name"`
		Provider  string `json:"provider"`
		Instances []struct {
			Key          any             `json:"index_key"`
			Deposed      string          `json:"deposed"`
			Attributes   json.RawMessage `json:"attributes"`
			Dependencies []string        `json:"dependencies"`
		} `json:"instances"`
	} `json:"resources"`
}

// parseState reads a state file. It fails on anything that is not whole.
func parseState(b []byte) (*rawState, error) {
	if len(b) > jobrpc.MaxStateBytes {
		return nil, fmt.Errorf("state is larger than %d bytes", jobrpc.MaxStateBytes)
	}
	s := new(rawState)
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	if s.Version != 4 {
		return nil, fmt.Errorf("read state: format version %d is not known", s.Version)
	}
	return s, nil
}

// nodes returns the instances in a state, without deposed ones.
func (s *rawState) nodes() ([]*node, error) {
	var out []*node
	for _, r := range s.Resources {
		for _, i := range r.Instances {
			if i.Deposed != "" {
				continue
			}
			n := &node{module: r.Module, typ: r.Type, name: r.Name, key: i.Key, data: r.Mode == "data", deps: map[string]bool{}}
			n.address()
			if len(i.Attributes) > 0 {
				if err := json.Unmarshal(i.Attributes, &n.attrs); err != nil {
					return nil, fmt.Errorf("read attributes of %s: %w", n.addr, err)
				}
			}
			for _, d := range i.Dependencies {
				n.deps[d] = true
			}
			out = append(out, n)
		}
	}
	return out, nil
}

// address fills in the addresses from the parts.
func (n *node) address() {
	local := n.typ + "." + n.name
	if n.data {
		local = "data." + local
	}
	n.config, n.addr = local, local
	if n.module != "" {
		n.config, n.addr = configModule(n.module)+"."+local, n.module+"."+local
	}
	switch k := n.key.(type) {
	case float64:
		n.addr += fmt.Sprintf("[%d]", int64(k))
	case json.Number:
		n.addr += "[" + k.String() + "]"
	case string:
		n.addr += fmt.Sprintf("[%q]", k)
	}
}

// instanceKey matches one instance key in a module path.
var instanceKey = regexp.MustCompile(`\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]`)

func configModule(path string) string { return instanceKey.ReplaceAllString(path, "") }

// providers returns the addresses of the providers that a state needs, without
// those that are built into Terraform.
func (s *rawState) providers() map[string]bool {
	out := map[string]bool{}
	for _, r := range s.Resources {
		if _, rest, ok := strings.Cut(r.Provider, `provider["`); ok {
			addr, _, _ := strings.Cut(rest, `"]`)
			if !strings.HasPrefix(addr, "terraform.io/builtin/") {
				out[addr] = true
			}
		}
	}
	return out
}

// agentTokens returns the tokens of the agents in a state.
func (s *rawState) agentTokens() []api.Secret {
	var out []api.Secret
	for _, r := range s.Resources {
		if r.Type != "coder_agent" || r.Mode != "managed" {
			continue
		}
		for _, i := range r.Instances {
			var a struct {
				Token string `json:"token"`
			}
			if json.Unmarshal(i.Attributes, &a) == nil && a.Token != "" {
				out = append(out, api.Secret(a.Token))
			}
		}
	}
	return out
}

// readState returns the state in a file if it is whole, else nil.
func readState(path string) ([]byte, *rawState) {
	b, err := readPlain(path, jobrpc.MaxStateBytes)
	if err != nil {
		return nil, nil
	}
	s, err := parseState(b)
	if err != nil {
		return nil, nil
	}
	return b, s
}

// newestState returns the newer of the state file and the last snapshot. The
// state file may be cut short, when its writer was killed.
func (p *Provisioner) newestState() []byte {
	file, fs := p.readState()
	return p.newer(file, fs)
}

// readState reads the state file of the job.
func (p *Provisioner) readState() (b []byte, s *rawState) {
	_ = p.as(func() error { b, s = readState(p.stateFile()); return nil }) // no state is an answer
	return b, s
}

// newer returns a state or the last snapshot.
func (p *Provisioner) newer(file []byte, fs *rawState) []byte {
	last, ls := readState(p.lastState())
	if fs == nil || ls != nil && ls.Lineage == fs.Lineage && ls.Serial > fs.Serial {
		return last
	}
	return file
}

// errNoState says that a run left no state that can be read.
var errNoState = errors.New("terraform left no readable state")
