// Package mapfeed keeps the relay map of a deployment that takes relays from a
// URL as well as its own.
//
// It owns the last good map, in memory and in a file, so that neither a bad
// answer nor a restart while the URL is away takes relays from anybody. It never
// judges a relay. A Feed is New (a map is there), then running inside Run (it is
// asked for again and again); it needs no Close.
package mapfeed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"time"

	"github.com/coder/quartz"

	"coder.internal/api/tailrpc"
	"coder.internal/derp/derpmap"
)

const (
	// every is the pause between questions; soon is it while there is no map.
	every = 5 * time.Minute
	soon  = 15 * time.Second
	// patience bounds one question.
	patience = 10 * time.Second
)

// Config describes a Feed. All but CacheDir and Client are required.
type Config struct {
	URL  *url.URL // http or https
	Base tailrpc.RelayMap
	// CacheDir holds the file of the last good map; empty keeps none.
	CacheDir string
	Client   *http.Client // nil means http.DefaultClient
	Clock    quartz.Clock
	Log      *slog.Logger
	// Changed hears of a new map. It must not block.
	Changed func()
}

// Feed is the current map. Its methods may be called concurrently.
type Feed struct {
	cfg Config
	log *slog.Logger

	mu   sync.Mutex // guards all below
	now  tailrpc.RelayMap
	good bool // now holds regions of the URL
}

// New returns a Feed with the last good map of the file, or asks the URL for up
// to ten seconds. Where neither has one, Base alone serves, or New fails if that
// is empty.
func New(ctx context.Context, cfg Config) (*Feed, error) {
	if cfg.URL == nil || cfg.Clock == nil || cfg.Log == nil || cfg.Changed == nil {
		return nil, errors.New("mapfeed: Config has a field that is not set")
	}
	if cfg.Client == nil {
		cfg.Client = http.DefaultClient
	}
	f := &Feed{cfg: cfg, log: cfg.Log.With("component", "mapfeed"), now: cfg.Base}
	if f.restore() == nil {
		return f, nil
	}
	if err := f.refresh(ctx); err != nil {
		if len(cfg.Base.Regions) == 0 {
			return nil, err
		}
		f.log.Warn("no relay map from the URL yet; the embedded relay serves alone", "error", err)
	}
	return f, nil
}

// Map returns the map as it is now.
func (f *Feed) Map() tailrpc.RelayMap {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Run asks the URL again and again until ctx ends. What is wrong with an answer
// is logged once, until it changes.
func (f *Feed) Run(ctx context.Context) error {
	said := ""
	t := f.cfg.Clock.NewTimer(0, "mapfeed")
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		switch err := f.refresh(ctx); {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			said = ""
		case err.Error() != said:
			said = err.Error()
			f.log.Warn("relay map of the URL is not usable; the last good one stays", "error", err)
		}
		pause := every
		if !f.isGood() {
			pause = soon
		}
		t.Reset(pause, "mapfeed")
	}
}

func (f *Feed) isGood() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.good
}

// refresh asks once.
func (f *Feed) refresh(ctx context.Context) error {
	data, err := f.fetch(ctx)
	if err != nil {
		return fmt.Errorf("relay map from %s: %w", f.name(), err)
	}
	changed, err := f.take(data)
	if err != nil {
		return fmt.Errorf("relay map from %s: %w", f.name(), err)
	}
	if !changed {
		return nil
	}
	f.cfg.Changed()
	if err := f.keep(data); err != nil {
		f.log.Warn("the last good relay map is not on disk", "error", err)
	}
	return nil
}

// name is the URL without what may be a secret in it.
func (f *Feed) name() string {
	u := url.URL{Scheme: f.cfg.URL.Scheme, Host: f.cfg.URL.Host, Path: f.cfg.URL.Path}
	return u.String()
}

func (f *Feed) fetch(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.cfg.URL.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := f.cfg.Client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // the URL is named already, without its secrets
		}
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s", resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, derpmap.MaxBytes+1)) // one too many is refused by Parse
}

// take makes data the map, and reports whether it is another one.
func (f *Feed) take(data []byte) (changed bool, err error) {
	more, err := derpmap.Parse(data)
	if err != nil {
		return false, err
	}
	m, err := derpmap.With(f.cfg.Base, more)
	if err != nil {
		return false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	changed = !f.good || !reflect.DeepEqual(f.now, m)
	f.now, f.good = m, true
	return changed, nil
}

// file is named after the URL, so that another URL never serves its map.
func (f *Feed) file() string {
	sum := sha256.Sum256([]byte(f.cfg.URL.String()))
	return filepath.Join(f.cfg.CacheDir, "relay-map-"+hex.EncodeToString(sum[:8])+".json")
}

var errNoFile = errors.New("there is no file of a relay map")

func (f *Feed) restore() error {
	if f.cfg.CacheDir == "" {
		return errNoFile
	}
	data, err := os.ReadFile(f.file())
	if err != nil {
		return err
	}
	_, err = f.take(data)
	return err
}

// keep replaces the file as a whole: a crash leaves the old one or the new one.
func (f *Feed) keep(data []byte) error {
	if f.cfg.CacheDir == "" {
		return nil
	}
	if err := os.MkdirAll(f.cfg.CacheDir, 0o700); err != nil {
		return fmt.Errorf("keep relay map: %w", err)
	}
	tmp, err := os.CreateTemp(f.cfg.CacheDir, "relay-map-*.tmp")
	if err != nil {
		return fmt.Errorf("keep relay map: %w", err)
	}
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Close()); err != nil {
		_ = os.Remove(tmp.Name())
		return fmt.Errorf("keep relay map: %w", err)
	}
	if err := os.Rename(tmp.Name(), f.file()); err != nil {
		_ = os.Remove(tmp.Name())
		return fmt.Errorf("keep relay map: %w", err)
	}
	return nil
}
