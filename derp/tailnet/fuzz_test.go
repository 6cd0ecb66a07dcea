package tailnet

import (
	"encoding/json"
	"testing"

	"coder.internal/api/tailrpc"
)

// FuzzParseNode: whatever the coordinator sends, a node that is taken over has
// keys and at most the stated endpoints.
func FuzzParseNode(f *testing.F) {
	n := someNode()
	n.Endpoints = []string{"10.0.0.1:7", "[fe80::1%eth0]:1"}
	good, err := json.Marshal(n)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"key":"nodekey:","disco_key":"discokey:","endpoints":["",":0"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var n tailrpc.Node
		if json.Unmarshal(b, &n) != nil {
			return
		}
		k, d, eps, ok := parseNode(n)
		if !ok {
			return
		}
		if k.IsZero() || d.IsZero() || len(eps) > tailrpc.MaxEndpoints {
			t.Fatalf("took over %s", b)
		}
		for _, e := range eps {
			if !e.IsValid() || e.Port() == 0 {
				t.Fatalf("endpoint %s of %s", e, b)
			}
		}
	})
}
