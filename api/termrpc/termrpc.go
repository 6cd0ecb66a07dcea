// Package termrpc is the contract of terminals: between a server and an agent over
// the tunnel, and between a browser and the server.
//
// A server connects to Port of the agent and sends one frame of KindInit. Either
// side then sends frames as it likes:
//
//	server → agent   KindInit once, KindInput, KindAlive
//	agent → server   KindOutput, KindEnd as the last one, KindAlive
//
// A frame is one byte of kind, four of length (big-endian), and the payload. The
// first output of a terminal that exists already draws its whole picture on any
// terminal, which it resets first. A connection that ends without KindEnd is
// broken: the terminal goes on, and the server may connect again with the same id.
// Each side sends KindAlive after AliveInterval of silence and gives the other one
// up after Silence.
//
// Between browser and server it is a websocket: JSON messages of Input one way,
// text or binary, and binary messages of plain output the other way.
package termrpc

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"coder.internal/api"
)

// Port is where agents serve terminals.
const Port = 2

// Kinds of frames.
const (
	KindInit   byte = 1 // Init
	KindInput  byte = 2 // one Input or several, one after another
	KindOutput byte = 3 // bytes of the terminal
	KindEnd    byte = 4 // End
	KindAlive  byte = 5 // nothing
)

// Limits.
const (
	MaxInput      = 1 << 20  // bytes of an input frame
	MaxOutput     = 64 << 10 // bytes of an output frame
	MaxCommand    = 32 << 10 // bytes of a command
	Window        = 1 << 20  // bytes that a browser which says what it has drawn has not drawn yet
	AliveInterval = 10 * time.Second
	Silence       = 30 * time.Second
)

// Init opens a terminal, or comes back to it. Command, Container and
// ContainerUser count for a new one only. An empty command is the login shell.
type Init struct {
	ID            api.ID `json:"id"`
	Height        uint16 `json:"height"`
	Width         uint16 `json:"width"`
	Command       string `json:"command,omitempty"`
	Container     string `json:"container,omitempty"`
	ContainerUser string `json:"container_user,omitempty"`
}

// Validate says what is wrong with i.
func (i Init) Validate() error {
	switch {
	case i.ID.IsZero():
		return api.Invalid("reconnect", "give a UUID that you have made for this terminal.")
	case len(i.Command) > MaxCommand || strings.ContainsRune(i.Command, 0):
		return api.Invalid("command", fmt.Sprintf("give at most %d bytes and no NUL.", MaxCommand))
	case len(i.Container) > 256 || len(i.ContainerUser) > 256:
		return api.Invalid("container", "give at most 256 bytes.")
	}
	return nil
}

// Input is what a viewer types, and the size of its window where that changed.
//
// Ack is how many bytes of output a browser has drawn since it connected. From the
// first one on, the server sends at most Window bytes more than were drawn: a browser
// cannot stop reading, and would keep in memory what it has no time to draw. Agents do
// not get it.
type Input struct {
	Data   string `json:"data,omitempty"`
	Height uint16 `json:"height,omitempty"`
	Width  uint16 `json:"width,omitempty"`
	Ack    uint64 `json:"ack,omitempty"`
}

// ParseInput reads the messages of one input frame.
func ParseInput(p []byte) ([]Input, error) {
	var out []Input
	for d := json.NewDecoder(bytes.NewReader(p)); ; {
		var in Input
		err := d.Decode(&in)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("decode terminal input: %w", err)
		}
		out = append(out, in)
	}
}

// End says that there is no terminal (any more). Error is a sentence for the user
// where it could not be opened; else the program has ended with ExitCode.
type End struct {
	Error    string `json:"error,omitempty"`
	ExitCode int    `json:"exit_code"`
}

// HeaderSize is the length of what precedes a payload.
const HeaderSize = 5

// PutHeader writes a frame's header into b, which has HeaderSize bytes.
func PutHeader(b []byte, kind byte, size int) {
	b[0] = kind
	binary.BigEndian.PutUint32(b[1:], uint32(size)) //nolint:gosec // callers are far below
}

// WriteFrame sends one frame in one write.
func WriteFrame(w io.Writer, kind byte, payload []byte) error {
	b := make([]byte, HeaderSize+len(payload))
	PutHeader(b, kind, len(payload))
	copy(b[HeaderSize:], payload)
	_, err := w.Write(b)
	return err
}

// ErrTooLarge is returned for a frame above the limit.
var ErrTooLarge = errors.New("terminal frame is too large")

// ReadFrame reads one frame of at most limit bytes into buf, which it grows. The
// payload is valid until buf is used again. io.EOF means that there is none.
func ReadFrame(r io.Reader, buf []byte, limit int) (kind byte, payload, grown []byte, err error) {
	var head [HeaderSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, buf, err
	}
	n := int64(binary.BigEndian.Uint32(head[1:]))
	if n > int64(limit) {
		return 0, nil, buf, ErrTooLarge
	}
	if int64(cap(buf)) < n {
		buf = make([]byte, n)
	}
	if _, err := io.ReadFull(r, buf[:n]); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, buf, err
	}
	return head[0], buf[:n], buf, nil
}
