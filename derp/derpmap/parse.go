package derpmap

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"coder.internal/api/tailrpc"
)

// Limits of a relay map from outside. Every node measures every region.
const (
	MaxBytes    = 1 << 20
	maxRegions  = 64
	maxNodes    = 32
	maxNameLen  = 128
	maxHostLen  = 253
	hostChars   = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	defaultSTUN = 3478
)

// The fields of the map that DERP servers are described by everywhere. Those
// that are left out say what only matters to other clients.
type (
	fileMap struct {
		Regions map[string]*fileRegion
	}
	fileRegion struct {
		RegionID   int
		RegionCode string
		RegionName string
		Nodes      []*fileNode
	}
	fileNode struct {
		Name             string
		RegionID         int
		HostName         string
		CertName         string
		DERPPort         int
		STUNPort         int
		STUNOnly         bool
		InsecureForTests bool
		// ForceHTTP is for relays without TLS, in a test or behind a tunnel.
		ForceHTTP bool
	}
)

// Parse reads the regions of a map in the JSON that DERP servers are described
// by everywhere (tailcfg.DERPMap). A null region is left out. An error says the
// line or the field.
func Parse(data []byte) (map[int]tailrpc.Region, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("is larger than %d bytes", MaxBytes)
	}
	var f fileMap
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&f); err != nil {
		return nil, where(data, dec.InputOffset(), err)
	}
	if _, err := dec.Token(); err == nil || dec.More() {
		return nil, fmt.Errorf("line %d: there is something after the end of the map", line(data, dec.InputOffset()))
	}
	if len(f.Regions) > maxRegions {
		return nil, fmt.Errorf("Regions: there are %d, at most %d are allowed", len(f.Regions), maxRegions)
	}
	out := map[int]tailrpc.Region{}
	for _, k := range slices.Sorted(maps.Keys(f.Regions)) {
		fr := f.Regions[k]
		if fr == nil {
			continue
		}
		r, err := fr.region(k)
		if err != nil {
			return nil, err
		}
		out[r.ID] = r
	}
	if len(out) == 0 {
		return nil, errors.New("Regions: there is no region")
	}
	return out, nil
}

// where adds the line to an error of the decoder.
func where(data []byte, at int64, err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("line %d: is not JSON: it ends too early", line(data, int64(len(data))))
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: is not JSON: %w", line(data, syntax.Offset), err)
	case errors.As(err, &wrong):
		field := wrong.Field
		if field == "" {
			field = "the map"
		}
		return fmt.Errorf("line %d: %s must not be of type %s", line(data, wrong.Offset), field, wrong.Value)
	}
	return fmt.Errorf("line %d: is not JSON: %w", line(data, at), err)
}

func line(data []byte, at int64) int {
	return 1 + bytes.Count(data[:max(0, min(at, int64(len(data))))], []byte("\n"))
}

func (f *fileRegion) region(k string) (tailrpc.Region, error) {
	field := "Regions." + k
	if len(k) > 16 {
		field = "Regions." + k[:16] + "…"
	}
	id, err := strconv.Atoi(k)
	if err != nil || id < 1 || id > 65535 {
		return tailrpc.Region{}, fmt.Errorf("%s: the key of a region must be its id, 1 to 65535", field)
	}
	switch {
	case f.RegionID != 0 && f.RegionID != id:
		return tailrpc.Region{}, fmt.Errorf("%s.RegionID: is %d, not the key %d", field, f.RegionID, id)
	case !printable(f.RegionCode):
		return tailrpc.Region{}, fmt.Errorf("%s.RegionCode: must be 1 to %d printable characters", field, maxNameLen)
	case f.RegionName != "" && !printable(f.RegionName):
		return tailrpc.Region{}, fmt.Errorf("%s.RegionName: must be at most %d printable characters", field, maxNameLen)
	case len(f.Nodes) > maxNodes:
		return tailrpc.Region{}, fmt.Errorf("%s.Nodes: there are %d, at most %d are allowed", field, len(f.Nodes), maxNodes)
	}
	r := tailrpc.Region{ID: id, Code: f.RegionCode, Name: f.RegionName}
	if r.Name == "" {
		r.Name = r.Code
	}
	return r, f.nodes(field, &r)
}

func (f *fileRegion) nodes(field string, r *tailrpc.Region) error {
	first := ""
	for i, n := range f.Nodes {
		at := fmt.Sprintf("%s.Nodes[%d]", field, i)
		if n == nil {
			return fmt.Errorf("%s: is null", at)
		}
		rn, err := n.node(at, r.ID)
		if err != nil {
			return err
		}
		if rn.Name == "" {
			rn.Name = fmt.Sprintf("%d-%d", r.ID, i)
		}
		if first == "" {
			first = rn.URL
		}
		r.Nodes = append(r.Nodes, rn)
	}
	if first == "" {
		return fmt.Errorf("%s.Nodes: at least one must be a relay, that is, not STUNOnly", field)
	}
	// A node with STUN alone stands for the region's first relay, since an empty
	// URL would mean this deployment's own.
	for i := range r.Nodes {
		if r.Nodes[i].URL == "" {
			r.Nodes[i].URL = first
		}
	}
	return nil
}

// printable reports whether text is 1 to maxNameLen letters, digits, signs and
// spaces. It is a loop because the expression for it costs 8 ms and 5 MB at each
// start of the program.
func printable(text string) bool {
	if text == "" || utf8.RuneCountInString(text) > maxNameLen {
		return false
	}
	for _, r := range text {
		if r != ' ' && !unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) {
			return false
		}
	}
	return true
}

// hostName reports whether text has the form of a DNS name, with or without a dot
// at its end. Names in use have underscores.
func hostName(text string) bool {
	if len(text) > maxHostLen || strings.HasPrefix(text, "-") {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(text, "."), ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, hostChars) != "" {
			return false
		}
	}
	return true
}

// node returns a node without a URL where it is for STUN alone.
func (f *fileNode) node(at string, region int) (tailrpc.RelayNode, error) {
	fail := func(field, says string) (tailrpc.RelayNode, error) {
		return tailrpc.RelayNode{}, fmt.Errorf("%s.%s: %s", at, field, says)
	}
	ip, ipErr := netip.ParseAddr(f.HostName)
	switch {
	case f.RegionID != 0 && f.RegionID != region:
		return fail("RegionID", fmt.Sprintf("is %d, but the node stands in region %d", f.RegionID, region))
	case f.Name != "" && !printable(f.Name):
		return fail("Name", "must be at most 128 printable characters")
	case ipErr != nil && !hostName(f.HostName):
		return fail("HostName", "must be a host name or an IP address, without scheme and port")
	case ipErr == nil && ip.Zone() != "":
		return fail("HostName", "must be an address without a zone")
	case f.DERPPort < 0 || f.DERPPort > 65535:
		return fail("DERPPort", "must be 0 to 65535")
	case f.STUNPort < -1 || f.STUNPort > 65535:
		return fail("STUNPort", "must be a port, 0 for 3478, or -1 for none")
	case f.STUNOnly && f.STUNPort == -1:
		return fail("STUNPort", "is -1, but the node is STUNOnly")
	case f.InsecureForTests:
		return fail("InsecureForTests", "is not supported; let clients trust the authority of the relay's certificate")
	case f.CertName != "" && f.CertName != f.HostName:
		return fail("CertName", "is not supported; the certificate must name the host")
	}
	n := tailrpc.RelayNode{Name: f.Name}
	if f.STUNPort >= 0 {
		port := f.STUNPort
		if port == 0 {
			port = defaultSTUN
		}
		n.STUN = net.JoinHostPort(f.HostName, strconv.Itoa(port))
	}
	if f.STUNOnly {
		return n, nil
	}
	u := url.URL{Scheme: "https", Host: f.HostName}
	if f.ForceHTTP {
		u.Scheme = "http"
	}
	if f.DERPPort != 0 {
		u.Host = net.JoinHostPort(f.HostName, strconv.Itoa(f.DERPPort))
	} else if ip.Is6() {
		u.Host = "[" + f.HostName + "]"
	}
	n.URL = u.String()
	return n, nil
}

// With returns base with more regions. A region id that base has already is an
// error: nodes would not know which one is meant.
func With(base tailrpc.RelayMap, more map[int]tailrpc.Region) (tailrpc.RelayMap, error) {
	out := base
	out.Regions = map[int]tailrpc.Region{}
	maps.Copy(out.Regions, base.Regions)
	for id, r := range more {
		if have, ok := base.Regions[id]; ok {
			return base, fmt.Errorf("Regions.%d: the id is that of the embedded relay (%s); choose another here or with --derp-server-region-id", id, have.Name)
		}
		if base.BlockDirect {
			r = withoutSTUN(r)
		}
		out.Regions[id] = r
	}
	return out, nil
}

// withoutSTUN is for deployments in which nobody may ask for a direct path.
func withoutSTUN(r tailrpc.Region) tailrpc.Region {
	r.Nodes = slices.Clone(r.Nodes)
	for i := range r.Nodes {
		r.Nodes[i].STUN = ""
	}
	return r
}
