package wsconn_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/internal/wsconn"
)

type message struct {
	Text string `json:"text"`
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// pair returns the client's and the server's end of a real websocket.
func pair(t *testing.T, limit int64) (client, server *wsconn.Conn) {
	t.Helper()
	got := make(chan *wsconn.Conn, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := wsconn.Accept(w, r, wsconn.AcceptOptions{ReadLimit: limit})
		if err == nil {
			got <- c
		}
	}))
	t.Cleanup(srv.Close)
	client, err := wsconn.Dial(testContext(t), srv.URL, wsconn.DialOptions{})
	require.NoError(t, err)
	server = <-got
	t.Cleanup(func() { _ = client.CloseNow(); _ = server.CloseNow() })
	return client, server
}

func bothKinds(t *testing.T, f func(t *testing.T, a, b *wsconn.Conn)) {
	t.Run("websocket", func(t *testing.T) {
		t.Parallel()
		a, b := pair(t, 0)
		f(t, a, b)
	})
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		a, b := wsconn.Pipe()
		f(t, a, b)
	})
}

func TestMessagesBothWays(t *testing.T) {
	t.Parallel()
	bothKinds(t, func(t *testing.T, a, b *wsconn.Conn) {
		ctx := testContext(t)
		var m message
		require.NoError(t, a.Write(ctx, message{Text: "there"}))
		require.NoError(t, b.Read(ctx, &m))
		require.Equal(t, "there", m.Text)
		require.NoError(t, b.Write(ctx, message{Text: "back"}))
		require.NoError(t, a.Read(ctx, &m))
		require.Equal(t, "back", m.Text)
	})
}

func TestCloseReachesReader(t *testing.T) {
	t.Parallel()
	bothKinds(t, func(t *testing.T, a, b *wsconn.Conn) {
		ctx := testContext(t)
		go func() { _ = a.Close(wsconn.CodeTryLater, "later") }()
		err := b.Read(ctx, &message{})
		var ce *wsconn.CloseError
		require.ErrorAs(t, err, &ce)
		require.Equal(t, wsconn.CodeTryLater, ce.Code)
		require.Equal(t, "later", ce.Reason)
		require.True(t, wsconn.IsClosed(err))
		require.Error(t, b.Write(ctx, message{}))
	})
}

func TestReadLimit(t *testing.T) {
	t.Parallel()
	a, b := pair(t, 100)
	ctx := testContext(t)
	require.NoError(t, a.Write(ctx, message{Text: strings.Repeat("x", 200)}))
	require.Error(t, b.Read(ctx, &message{}))
	err := a.Read(ctx, &message{})
	var ce *wsconn.CloseError
	require.ErrorAs(t, err, &ce)
	require.Equal(t, wsconn.CodeTooBig, ce.Code)
}

func TestWrongShapeIsProtocolError(t *testing.T) {
	t.Parallel()
	a, b := pair(t, 0)
	ctx := testContext(t)
	require.NoError(t, a.Write(ctx, []int{1}))
	go func() { _ = b.Read(ctx, &message{}) }()
	err := a.Read(ctx, &message{})
	var ce *wsconn.CloseError
	require.ErrorAs(t, err, &ce)
	require.Equal(t, wsconn.CodeProtocol, ce.Code)
}

func TestPing(t *testing.T) {
	t.Parallel()
	bothKinds(t, func(t *testing.T, a, b *wsconn.Conn) {
		ctx, cancel := context.WithCancel(testContext(t))
		// Reads on both sides, since only a reader sees pings and answers.
		go func() { _ = a.Read(ctx, &message{}) }()
		go func() { _ = b.Read(ctx, &message{}) }()
		answers := 0
		err := a.Ping(ctx, time.Millisecond, 5000, func() {
			if answers++; answers == 3 {
				cancel()
			}
		})
		require.NoError(t, err)
		require.Equal(t, 3, answers)
	})
}

func TestPingGivesUpSilentPeer(t *testing.T) {
	t.Parallel()
	a, _ := pair(t, 0) // nobody reads on the other side, so nobody answers
	ctx := testContext(t)
	read := make(chan error, 1)
	go func() { read <- a.Read(ctx, &message{}) }()
	require.ErrorContains(t, a.Ping(ctx, 10*time.Millisecond, 2, nil), "does not answer pings")
	require.Error(t, <-read)
}

func TestDialRefused(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "who are you", http.StatusUnauthorized)
	}))
	t.Cleanup(srv.Close)
	_, err := wsconn.Dial(testContext(t), srv.URL, wsconn.DialOptions{})
	var se *wsconn.StatusError
	require.ErrorAs(t, err, &se)
	require.Equal(t, http.StatusUnauthorized, se.StatusCode)
	require.Contains(t, string(se.Body), "who are you")
}

func TestForeignOriginRefused(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = wsconn.Accept(w, r, wsconn.AcceptOptions{})
	}))
	t.Cleanup(srv.Close)
	_, err := wsconn.Dial(testContext(t), srv.URL, wsconn.DialOptions{
		Header: http.Header{"Origin": {"https://evil.example"}},
	})
	var se *wsconn.StatusError
	require.ErrorAs(t, err, &se)
	require.Equal(t, http.StatusForbidden, se.StatusCode)
}

func TestRawMessages(t *testing.T) {
	t.Parallel()
	bothKinds(t, func(t *testing.T, a, b *wsconn.Conn) {
		ctx := testContext(t)
		require.NoError(t, a.WriteRaw(ctx, []byte{0, 0xff, '{'}))
		p, err := b.ReadRaw(ctx)
		require.NoError(t, err)
		require.Equal(t, []byte{0, 0xff, '{'}, p)
		require.NoError(t, b.Write(ctx, message{Text: "json"}))
		p, err = a.ReadRaw(ctx)
		require.NoError(t, err)
		require.JSONEq(t, `{"text":"json"}`, string(p))
	})
}
