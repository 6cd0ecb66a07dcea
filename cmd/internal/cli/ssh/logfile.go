package ssh

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// maxLogFile bounds the log of one connection, which may be up for weeks.
const maxLogFile = 32 << 20

// logFile is the log of one connection in --log-dir. Each has a file of its own:
// editors open many at once.
type logFile struct {
	mu   sync.Mutex // guards left
	f    *os.File
	left int
}

// openLog makes the directory and a new file, readable by the user only.
func openLog(dir string, now time.Time) (*slog.Logger, *logFile, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make log directory: %w", err)
	}
	name := fmt.Sprintf("coder-ssh-%s-%d-*.log", now.UTC().Format("20060102-150405"), os.Getpid())
	f, err := os.CreateTemp(filepath.Clean(dir), name)
	if err != nil {
		return nil, nil, fmt.Errorf("make log file: %w", err)
	}
	l := &logFile{f: f, left: maxLogFile}
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})), l, nil
}

// Write drops what is above the limit, after a line that says so.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left <= 0 {
		return len(p), nil
	}
	n, err := l.f.Write(p)
	if l.left -= len(p); l.left <= 0 && err == nil {
		_, err = l.f.WriteString("msg=\"the log is full\"\n")
	}
	return n, err
}

// Close ends the file. What is logged later is lost.
func (l *logFile) Close() error { return l.f.Close() }
