package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/coder/websocket"

	"coder.internal/api"
	"coder.internal/api/termrpc"
)

// Terminal is a terminal of a workspace as a browser has it.
type Terminal struct{ conn *websocket.Conn }

// Terminal opens the terminal of that id, or comes back to it.
func (c *Client) Terminal(ctx context.Context, agent, id api.ID, command string) (*Terminal, error) {
	header := http.Header{}
	header.Set(api.SessionTokenHeader, c.token)
	q := url.Values{"reconnect": {id.String()}, "width": {"120"}, "height": {"40"}, "command": {command}}
	address := "ws" + strings.TrimPrefix(c.URL, "http") + "/api/v2/workspaceagents/" + agent.String() + "/pty?" + q.Encode()
	conn, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	conn.SetReadLimit(maxAnswer)
	return &Terminal{conn}, nil
}

// Type sends what a keyboard would.
func (t *Terminal) Type(ctx context.Context, text string) error {
	p, err := json.Marshal(termrpc.Input{Data: text})
	if err != nil {
		return err
	}
	return t.conn.Write(ctx, websocket.MessageBinary, p)
}

// Await reads until the output holds mark.
func (t *Terminal) Await(ctx context.Context, mark string) error {
	var tail []byte
	for {
		_, p, err := t.conn.Read(ctx)
		if err != nil {
			return fmt.Errorf("wait for %q in terminal: %w", mark, err)
		}
		tail = append(tail, p...)
		if bytes.Contains(tail, []byte(mark)) {
			return nil
		}
		if keep := len(mark) - 1; len(tail) > keep {
			tail = append(tail[:0], tail[len(tail)-keep:]...)
		}
	}
}

// Close leaves the terminal, which goes on.
func (t *Terminal) Close() { _ = t.conn.CloseNow() }
