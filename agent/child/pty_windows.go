package child

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"
)

// PTYSupported says whether this Windows has pseudo consoles, as those since
// version 1809 do.
func PTYSupported() bool {
	return windows.NewLazySystemDLL("kernel32.dll").NewProc("CreatePseudoConsole").Find() == nil
}

// conPTY is a pseudo console with our ends of its two pipes.
type conPTY struct {
	in, out *os.File // what is typed, what is shown

	mu      sync.Mutex
	console windows.Handle
	closed  bool
}

// StartPTY starts cmd on a new pseudo console. prepare is for systems whose
// terminals have a far end. cmd can be waited for as after its own Start.
func StartPTY(cmd *exec.Cmd, size PTYSize, _ func(far *os.File)) (PTY, error) {
	p := &conPTY{}
	var theirIn, theirOut windows.Handle
	var err error
	if p.in, theirIn, err = consolePipe(windows.PIPE_ACCESS_OUTBOUND, windows.GENERIC_READ); err != nil {
		return nil, err
	}
	if p.out, theirOut, err = consolePipe(windows.PIPE_ACCESS_INBOUND, windows.GENERIC_WRITE); err != nil {
		_ = p.in.Close()
		_ = windows.CloseHandle(theirIn)
		return nil, err
	}
	err = windows.CreatePseudoConsole(coord(size), theirIn, theirOut, 0, &p.console)
	// The console has its own copies.
	_ = windows.CloseHandle(theirIn)
	_ = windows.CloseHandle(theirOut)
	if err != nil {
		_ = p.in.Close()
		_ = p.out.Close()
		return nil, fmt.Errorf("create pseudo console: %w", err)
	}
	if err := p.start(cmd); err != nil {
		_ = p.Close()
		return nil, err
	}
	return p, nil
}

// consolePipe makes a pipe whose near end takes deadlines, which anonymous pipes do
// not. Nobody else can be at the far end: there is one, and it is opened here.
func consolePipe(access, far uint32) (near *os.File, theirs windows.Handle, err error) {
	id, err := windows.GenerateGUID()
	if err != nil {
		return nil, 0, fmt.Errorf("name pipe: %w", err)
	}
	path := `\\.\pipe\coder-agent-` + strings.Trim(id.String(), "{}")
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, 0, fmt.Errorf("name pipe: %w", err)
	}
	const buffer = 64 << 10
	ours, err := windows.CreateNamedPipe(name, access|windows.FILE_FLAG_OVERLAPPED|windows.FILE_FLAG_FIRST_PIPE_INSTANCE,
		windows.PIPE_TYPE_BYTE|windows.PIPE_REJECT_REMOTE_CLIENTS, 1, buffer, buffer, 0, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("make pipe: %w", err)
	}
	theirs, err = windows.CreateFile(name, far, 0, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		_ = windows.CloseHandle(ours)
		return nil, 0, fmt.Errorf("open pipe: %w", err)
	}
	return os.NewFile(uintptr(ours), path), theirs, nil
}

// start creates the process on the console: os/exec cannot.
func (p *conPTY) start(cmd *exec.Cmd) error {
	attributes, err := windows.NewProcThreadAttributeList(1)
	if err != nil {
		return fmt.Errorf("make attributes: %w", err)
	}
	defer attributes.Delete()
	// The value of this attribute is the handle itself, not where it stands.
	value := *(*unsafe.Pointer)(unsafe.Pointer(&p.console))
	if err := attributes.Update(windows.PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE, value, unsafe.Sizeof(p.console)); err != nil {
		return fmt.Errorf("set attributes: %w", err)
	}
	si := &windows.StartupInfoEx{ProcThreadAttributeList: attributes.List()}
	si.Cb = uint32(unsafe.Sizeof(*si))
	si.Flags = windows.STARTF_USESTDHANDLES // none: those of the agent must not get through
	path, err := windows.UTF16PtrFromString(cmd.Path)
	if err != nil {
		return fmt.Errorf("path of program: %w", err)
	}
	line, err := windows.UTF16PtrFromString(windows.ComposeCommandLine(cmd.Args))
	if err != nil {
		return fmt.Errorf("command line: %w", err)
	}
	var dir *uint16
	if cmd.Dir != "" {
		if dir, err = windows.UTF16PtrFromString(cmd.Dir); err != nil {
			return fmt.Errorf("directory: %w", err)
		}
	}
	env := environBlock(cmd.Environ())
	var pi windows.ProcessInformation
	err = windows.CreateProcess(path, line, nil, nil, false,
		windows.CREATE_UNICODE_ENVIRONMENT|windows.EXTENDED_STARTUPINFO_PRESENT, &env[0], dir, &si.StartupInfo, &pi)
	if err != nil {
		return &os.PathError{Op: "start", Path: cmd.Path, Err: err}
	}
	defer windows.CloseHandle(pi.Thread)  //nolint:errcheck // ours to forget
	defer windows.CloseHandle(pi.Process) //nolint:errcheck // it keeps the number from being used again until here
	cmd.Process, err = os.FindProcess(int(pi.ProcessId))
	if err != nil {
		_ = windows.TerminateProcess(pi.Process, 1)
		return fmt.Errorf("find process: %w", err)
	}
	return nil
}

// environBlock is an environment as CreateProcess takes it. Entries with a NUL are
// left out.
func environBlock(environ []string) []uint16 {
	var block []uint16
	for _, kv := range environ {
		if kv != "" && !strings.ContainsRune(kv, 0) {
			block = append(append(block, utf16.Encode([]rune(kv))...), 0)
		}
	}
	if len(block) == 0 {
		block = append(block, 0)
	}
	return append(block, 0)
}

func coord(p PTYSize) windows.Coord {
	clamp := func(v uint32) int16 { return int16(max(1, min(v, 1<<15-1))) } //nolint:gosec // bounded
	return windows.Coord{X: clamp(p.Cols), Y: clamp(p.Rows)}
}

func (p *conPTY) Read(b []byte) (int, error)         { return p.out.Read(b) }
func (p *conPTY) Write(b []byte) (int, error)        { return p.in.Write(b) }
func (p *conPTY) SetReadDeadline(t time.Time) error  { return p.out.SetReadDeadline(t) }
func (p *conPTY) SetWriteDeadline(t time.Time) error { return p.in.SetWriteDeadline(t) }

// Resize implements PTY.
func (p *conPTY) Resize(size PTYSize) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return os.ErrClosed
	}
	return windows.ResizePseudoConsole(p.console, coord(size))
}

// Close ends the console and what runs on it. The pipes go first: a console waits
// for its last output to be read.
func (p *conPTY) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return os.ErrClosed
	}
	p.closed = true
	err := errors.Join(p.in.Close(), p.out.Close())
	windows.ClosePseudoConsole(p.console)
	return err
}

// PTYEnded reports whether a read failed because the console has ended.
func PTYEnded(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, os.ErrClosed)
}
