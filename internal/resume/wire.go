package resume

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// ID names a session. The client draws it at random; it is no secret towards the
// owner of the session, and of no use to others.
type ID [16]byte

// Frames are a kind, three bytes of length, and as many bytes. An ack and a pong
// hold what was received, and up to where the other side may send.
const (
	frameData byte = iota + 1
	frameAck
	frameFin  // this direction has ended; counts as one byte more
	framePing // asks for a pong at once
	framePong
	frameEnd // the session is over for the sender
)

const (
	frameHead = 4
	ackLength = 16
	// maxData bounds one frame of data.
	maxData = 128 << 10
	// window is what a side may be sent beyond what was read from it, and what is kept
	// until it is acknowledged. A channel of SSH has as much.
	window = 2 << 20
	// firstBuffer is where buffers begin.
	firstBuffer = 64 << 10
	// ackEvery is after how many bytes an acknowledgement is sent unasked.
	ackEvery = 256 << 10
	// ackSlow is sent one after ackPause, so that a slow way shows that it goes on.
	ackSlow  = 16 << 10
	ackPause = 200 * time.Millisecond
)

var errProtocol = errors.New("the other side breaks the protocol of sessions")

func appendHead(b []byte, kind byte, n int) []byte {
	return append(b, kind, byte(n>>16), byte(n>>8), byte(n))
}

func appendAck(b []byte, kind byte, received, limit uint64) []byte {
	b = appendHead(b, kind, ackLength)
	b = binary.BigEndian.AppendUint64(b, received)
	return binary.BigEndian.AppendUint64(b, limit)
}

// readHead returns the kind and the length of the next frame, which is one that its
// kind may have.
func readHead(r io.Reader, buf *[frameHead]byte) (kind byte, n int, err error) {
	if _, err := io.ReadFull(r, buf[:]); err != nil {
		return 0, 0, err
	}
	kind, n = buf[0], int(buf[1])<<16|int(buf[2])<<8|int(buf[3])
	fits := false
	switch kind {
	case frameData:
		fits = n > 0 && n <= maxData
	case frameAck, framePong:
		fits = n == ackLength
	case frameFin, framePing, frameEnd:
		fits = n == 0
	}
	if !fits {
		return kind, n, fmt.Errorf("%w: a frame of kind %d with %d bytes", errProtocol, kind, n)
	}
	return kind, n, nil
}

func readAck(r io.Reader) (received, limit uint64, err error) {
	var b [ackLength]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0, 0, err
	}
	return binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:]), nil
}

// greeting opens a carrier.
type greeting struct {
	id ID
	// fresh asks for a new session; without it there must be one.
	fresh bool
	// watched says that the client asks for an answer every few seconds: a silent
	// carrier may be given up.
	watched bool
	// turn grows with each carrier of a session, so that a late one does not displace
	// a newer.
	turn     uint32
	received uint64
}

const (
	greetingMagic  = "crs1"
	greetingLength = 4 + 16 + 1 + 4 + 8
	answerLength   = 1 + 8
)

const (
	flagFresh byte = 1 << iota
	flagWatched
)

func (g greeting) bytes() []byte {
	b := append([]byte(greetingMagic), g.id[:]...)
	var flags byte
	if g.fresh {
		flags |= flagFresh
	}
	if g.watched {
		flags |= flagWatched
	}
	b = binary.BigEndian.AppendUint32(append(b, flags), g.turn)
	return binary.BigEndian.AppendUint64(b, g.received)
}

func readGreeting(r io.Reader) (greeting, error) {
	var g greeting
	var b [greetingLength]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return g, err
	}
	flags := b[20]
	if string(b[:4]) != greetingMagic || flags&^(flagFresh|flagWatched) != 0 {
		return g, fmt.Errorf("%w: not a greeting", errProtocol)
	}
	copy(g.id[:], b[4:20])
	g.fresh, g.watched = flags&flagFresh != 0, flags&flagWatched != 0
	g.turn, g.received = binary.BigEndian.Uint32(b[21:]), binary.BigEndian.Uint64(b[25:])
	return g, nil
}

// Answers to a greeting, followed by what the server has received.
const (
	answerYes byte = iota + 1
	answerUnknown
	answerFull
	answerLate // a newer carrier is there
)

func answer(status byte, received uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{status}, received)
}

func readAnswer(r io.Reader) (status byte, received uint64, err error) {
	var b [answerLength]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0, 0, err
	}
	return b[0], binary.BigEndian.Uint64(b[1:]), nil
}
