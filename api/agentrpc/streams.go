package agentrpc

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"coder.internal/api"
)

// Streams end at a replica: web apps and terminals of people who have nothing but a
// browser. They reach the agent in one of two ways, which carry the same bytes:
//
//   - On a connection that the agent holds to the replica. A replica without one
//     asks for it (tailrpc.ServerMessage.Streams), and the agent sends
//     GET PathStreams with Upgrade: StreamsProtocol and its token. On it the
//     replica opens streams of package internal/mux.
//   - Through the tunnel, each on a TCP connection to PortStreams.
//
// A stream begins with a StreamTarget (WriteTarget); the agent answers by
// WriteAnswer. After a good answer all bytes are those of the target.
const (
	PathStreams     = "/api/v2/workspaceagents/me/streams"
	StreamsProtocol = "coder-streams"
	PortStreams     = 5
)

// PortSessions is where the agent takes carriers of resumable ssh streams (package
// internal/resume) in the tunnel. The same streams go over direct TCP connections, see
// tailrpc.Node.StreamKey.
const PortSessions = 6

// Limits of streams.
const (
	MaxStreams       = 4096 // of one connection
	maxTargetAddress = 1024
	maxStreamAnswer  = 4 << 10
)

// StreamTarget is what a stream is to be joined with, as the agent sees it.
type StreamTarget struct {
	// Network is tcp (Address is host:port, the host a loopback one), unix (a path)
	// or port (Address is the number of a port that the agent serves in the tunnel).
	Network string `json:"network"`
	Address string `json:"address"`
}

// ParseTarget reads an address as it stands behind a network: unix:/path is a path
// whatever the network says.
func ParseTarget(network, address string) StreamTarget {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return StreamTarget{Network: "unix", Address: path}
	}
	return StreamTarget{Network: network, Address: address}
}

// Head is what a stream to t begins with.
func (t StreamTarget) Head() ([]byte, error) {
	if len(t.Address) > maxTargetAddress {
		return nil, api.Invalid("address", fmt.Sprintf("give at most %d bytes.", maxTargetAddress))
	}
	p, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("encode stream target: %w", err)
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(p))), p...), nil //nolint:gosec // far below
}

// ReadTarget reads what Head made, and not a byte more.
func ReadTarget(r io.Reader) (t StreamTarget, err error) {
	p, err := readSized(r, 8*maxTargetAddress)
	if err != nil {
		return t, fmt.Errorf("read stream target: %w", err)
	}
	if err := json.Unmarshal(p, &t); err != nil {
		return t, fmt.Errorf("decode stream target: %w", err)
	}
	return t, nil
}

func readSized(r io.Reader, limit int) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(head[:]))
	if n > limit {
		return nil, errors.New("it is too large")
	}
	p := make([]byte, n)
	if _, err := io.ReadFull(r, p); err != nil {
		return nil, errors.Join(io.ErrUnexpectedEOF, err)
	}
	return p, nil
}

// WriteAnswer says that the target is joined, or why not.
func WriteAnswer(w io.Writer, refusal *api.Error) error {
	var p []byte
	if refusal != nil {
		var err error
		if p, err = json.Marshal(refusal); err != nil || len(p) > maxStreamAnswer {
			p, err = json.Marshal(&api.Error{Code: refusal.Code, Message: "The agent refuses this stream."})
			if err != nil {
				return fmt.Errorf("encode stream answer: %w", err)
			}
		}
	}
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(p))), p...)) //nolint:gosec // far below
	return err
}

// ReadAnswer reads what WriteAnswer sent. A refusal is an *api.Error.
func ReadAnswer(r io.Reader) error {
	p, err := readSized(r, maxStreamAnswer)
	if err != nil {
		return fmt.Errorf("read stream answer: %w", err)
	}
	if len(p) == 0 {
		return nil
	}
	e := &api.Error{}
	if err := json.Unmarshal(p, e); err != nil || e.Code == "" {
		return errors.New("the agent's answer cannot be read")
	}
	return &api.Error{Code: e.Code, Message: e.Message}
}
