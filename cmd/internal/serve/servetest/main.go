//go:build linux

package servetest

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"coder.internal/cmd/internal/cli/server"
	"coder.internal/database/dbtest"
	"coder.internal/provisionerd/coderprovider"
)

// programName is what the test binary is called when it is the product.
const programName = "coder"

// binary is the path of the product; set by Main before any test runs.
var binary string

// Main runs the tests of a package that uses this one:
//
//	func TestMain(m *testing.M) { servetest.Main(m) }
func Main(m *testing.M) {
	Program()
	Tests(m)
}

// Program becomes the product, and does not return, in a process that was
// started as the product.
func Program() {
	if coderprovider.Wanted() {
		coderprovider.Serve()
		os.Exit(0)
	}
	if filepath.Base(os.Args[0]) == programName {
		os.Exit(server.Program())
	}
}

// Tests runs the tests with a copy of this binary as the product.
func Tests(m *testing.M) {
	dir, err := os.MkdirTemp("", "coder-e2e-bin-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err == nil {
		binary = filepath.Join(dir, programName)
		err = copySelf(binary)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "servetest:", err)
		os.Exit(1)
	}
	// The code of failed tests ends the process after Main returns.
	defer os.RemoveAll(dir) //nolint:errcheck // nothing can be done about it
	dbtest.Main(m)
}

// Binary returns the path of the product.
func Binary() string { return binary }

func copySelf(to string) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	in, err := os.Open(self)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	if _, err = io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}
