package jobrpc

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"coder.internal/api"
)

// The calls of a remote daemon travel over one websocket, see WirePath. Daemon and
// server exchange Frames. A message (a Request or a Response as JSON) is cut into
// frames of one ID, the last of which says Last; frames of different messages may
// mix, so that a heartbeat does not wait behind a state of many megabytes.
//
// The connection stands for nothing but who calls: any call may be sent again over
// another connection, to another replica. The caller chooses the ids; none is used
// twice on one connection. MethodCancel takes back a call that nobody waits for.
//
// With the id PushID, which no call has, the server speaks first: MethodCancelHint
// says that the daemon should make the next Update of a job now. It is a hint: it
// may be lost or come for nothing, and a daemon that does not know it loses time
// only.

// Methods of a Request, with the type of their parameters and result.
const (
	MethodAcquire  = "acquire"  // AcquireRequest → *Job, null when the wait is over
	MethodUpdate   = "update"   // UpdateRequest → UpdateResponse
	MethodComplete = "complete" // CompleteRequest → null
	MethodFail     = "fail"     // FailRequest → null
	MethodArchive  = "archive"  // ArchiveRequest → ArchivePart
	MethodCancel   = "cancel"   // CancelRequest; has no response

	// Since version 1.1.
	MethodModules     = "modules"      // ArchiveRequest → ArchivePart, of the version's modules
	MethodKeepModules = "keep_modules" // ModulesRequest → null
	MethodCancelHint  = "cancel_hint"  // CancelHint, from the server; has no response

	// Since version 1.2.
	MethodQuota = "quota" // QuotaRequest → QuotaResponse
)

// PushID is the id of what the server sends without being asked.
const PushID = 0

// Parameters of the request that opens the websocket.
const (
	ParamDaemonID   = "id"
	ParamDaemonName = "name"
	ParamTag        = "tag" // KEY=VALUE, any number
	ParamVersion    = "version"
	ParamAPIVersion = "api_version"
)

// WireVersion is the version of this protocol; a server refuses another major one.
const WireVersion = "1.2"

// Limits of the wire.
const (
	MaxFrameText   = 512 << 10 // bytes of JSON text in one frame
	MaxFrameBytes  = 2 << 20   // of one frame as sent
	MaxMessage     = 96 << 20  // bytes of one message
	MaxOpenCalls   = 16        // of one connection at a time
	MaxArchivePart = 256 << 10
)

// Frame is one websocket message.
type Frame struct {
	ID   int64  `json:"id"`
	Text string `json:"text"`
	Last bool   `json:"last,omitempty"`
}

// Request is a call.
type Request struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// Response is the answer to the Request of the same id.
type Response struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  *api.Error      `json:"error,omitempty"`
}

// CancelRequest names the call that nobody waits for any more.
type CancelRequest struct {
	ID int64 `json:"id"`
}

// CancelHint names the job that somebody wants to end.
type CancelHint struct {
	JobID api.ID `json:"job_id"`
}

// ArchiveRequest asks for a part of the archive of a running attempt.
type ArchiveRequest struct {
	JobID   api.ID `json:"job_id"`
	Attempt int    `json:"attempt"`
	Offset  int    `json:"offset"`
}

// ArchivePart is at most MaxArchivePart bytes; Total is the length of the whole.
type ArchivePart struct {
	Data  []byte `json:"data"`
	Total int    `json:"total"`
}

// Cut calls emit with the frames of a message.
func Cut(id int64, message []byte, emit func(Frame) error) error {
	for {
		n := min(len(message), MaxFrameText)
		for n < len(message) && n > 0 && !utf8.RuneStart(message[n]) {
			n--
		}
		if err := emit(Frame{ID: id, Text: string(message[:n]), Last: n == len(message)}); err != nil {
			return err
		}
		if message = message[n:]; len(message) == 0 {
			return nil
		}
	}
}

// Joiner puts messages together again. The zero value is ready; it is for one
// goroutine.
type Joiner struct {
	parts map[int64][]byte
	size  int
}

// Add takes a frame and returns the message that it completes, else nil. An error
// means that the peer breaks the limits; the connection has to end.
func (j *Joiner) Add(f Frame) ([]byte, error) {
	had, started := j.parts[f.ID]
	if !started && len(j.parts) >= MaxOpenCalls {
		return nil, fmt.Errorf("more than %d messages at a time", MaxOpenCalls)
	}
	if j.size+len(f.Text) > MaxMessage {
		return nil, fmt.Errorf("messages of more than %d bytes", MaxMessage)
	}
	if f.Last {
		delete(j.parts, f.ID)
		j.size -= len(had)
		return append(had, f.Text...), nil
	}
	if len(f.Text) == 0 {
		return nil, fmt.Errorf("empty frame of message %d", f.ID)
	}
	if j.parts == nil {
		j.parts = map[int64][]byte{}
	}
	j.parts[f.ID] = append(had, f.Text...)
	j.size += len(f.Text)
	return nil, nil
}
