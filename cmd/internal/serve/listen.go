package serve

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A server that was just killed may hold its port for a moment longer.
const (
	portTries = 6
	portPause = 100 * time.Millisecond
)

// listen opens address; the error is one line that names the option and the
// cure. It blocks for up to half a second when the address is in use.
func listen(flag, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	for i := 1; i < portTries && errors.Is(err, syscall.EADDRINUSE); i++ {
		time.Sleep(portPause)
		l, err = net.Listen("tcp", address)
	}
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("option --%s: %s is in use by another process; stop it or choose another address", flag, address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("option --%s: no permission to listen on %s; ports below 1024 need CAP_NET_BIND_SERVICE", flag, address)
	}
	return nil, fmt.Errorf("option --%s: listen on %s: %w", flag, address, err)
}

// httpServer is an http.Server with the limits that all of ours have. Bodies and
// answers have no total time limit, because streams live long; handlers that
// read small bodies set their own.
func httpServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           closing(h),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		// OPTIONS * is for nobody here, and gets the answer to other odd paths.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// closing ends a connection after a request of HTTP/1 whose length its chunks tell.
// Such a request may have had a Content-Length too, which net/http leaves out of
// sight: a balancer in front may believe that one, and take what follows for another
// request (RFC 9112, 6.1).
func closing(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

// silentGrace is how long a connection that has sent nothing yet may still send a
// request to a stopping server.
const silentGrace = 250 * time.Millisecond

// silent holds the connections without a first request. Clients open spare ones,
// and Shutdown would wait 5 s for each.
type silent struct {
	mu    sync.Mutex // guards conns
	conns map[net.Conn]struct{}
}

// track is the server's ConnState.
func (s *silent) track(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateNew {
		s.conns[c] = struct{}{}
		return
	}
	delete(s.conns, c)
}

func (s *silent) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close() // nobody waits for an answer on it
	}
}

// serveHTTP serves l until ctx ends, then lets running requests end for grace.
func serveHTTP(ctx context.Context, srv *http.Server, l net.Listener, grace time.Duration) error {
	spare := &silent{conns: map[net.Conn]struct{}{}}
	srv.ConnState = spare.track
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	timer := time.AfterFunc(min(silentGrace, grace), spare.close)
	defer timer.Stop()
	if err := srv.Shutdown(stop); err != nil {
		_ = srv.Close() // the grace is over: cut what is left
	}
	<-failed
	return nil
}

// redirectTo sends GET and HEAD to the same path below target and refuses the
// rest: a body or a token must not be repeated in clear.
func redirectTo(target string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead || !strings.HasPrefix(r.RequestURI, "/") {
			http.Error(w, "use "+target, http.StatusMisdirectedRequest)
			return
		}
		http.Redirect(w, r, target+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	})
}

// withSTS adds Strict-Transport-Security to HTTPS answers.
func withSTS(maxAge int, options []string, h http.Handler) http.Handler {
	if maxAge <= 0 {
		return h
	}
	value := strings.Join(append([]string{"max-age=" + strconv.Itoa(maxAge)}, options...), "; ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil {
			w.Header().Set("Strict-Transport-Security", value)
		}
		h.ServeHTTP(w, r)
	})
}

func certPool(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read CA file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no PEM certificate", file)
	}
	return pool, nil
}
