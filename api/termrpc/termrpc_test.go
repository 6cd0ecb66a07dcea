package termrpc_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"coder.internal/api"
	"coder.internal/api/termrpc"
)

func TestFrames(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	for _, p := range []string{"", "one", strings.Repeat("x", 1000)} {
		if err := termrpc.WriteFrame(&b, termrpc.KindOutput, []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	var buf []byte
	for _, want := range []string{"", "one", strings.Repeat("x", 1000)} {
		var kind byte
		var got []byte
		var err error
		kind, got, buf, err = termrpc.ReadFrame(&b, buf, 1000)
		if err != nil || kind != termrpc.KindOutput || string(got) != want {
			t.Fatalf("got %d %q %v", kind, got, err)
		}
	}
	if _, _, _, err := termrpc.ReadFrame(&b, buf, 1000); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if _, _, _, err := termrpc.ReadFrame(strings.NewReader("\x03\x00\x00\x00\x09abc"), nil, 8); !errors.Is(err, termrpc.ErrTooLarge) {
		t.Fatal(err)
	}
	if _, _, _, err := termrpc.ReadFrame(strings.NewReader("\x03\x00\x00\x00\x05abc"), nil, 8); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
}

func TestInput(t *testing.T) {
	t.Parallel()
	in, err := termrpc.ParseInput([]byte(`{"data":"ls\r"}{"height":24,"width":80} `))
	if err != nil || len(in) != 2 || in[0].Data != "ls\r" || in[1] != (termrpc.Input{Height: 24, Width: 80}) {
		t.Fatalf("%v %v", in, err)
	}
	for _, bad := range []string{"{", `{"data":1}`, `[]`, `{"height":-1}`, `{"height":70000}`} {
		if _, err := termrpc.ParseInput([]byte(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

func TestInit(t *testing.T) {
	t.Parallel()
	good := termrpc.Init{ID: api.NewID(), Command: "ls"}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*termrpc.Init){
		func(i *termrpc.Init) { i.ID = api.ID{} },
		func(i *termrpc.Init) { i.Command = "a\x00b" },
		func(i *termrpc.Init) { i.Command = strings.Repeat("x", termrpc.MaxCommand+1) },
		func(i *termrpc.Init) { i.Container = strings.Repeat("x", 257) },
	} {
		i := good
		change(&i)
		if api.CodeOf(i.Validate()) != api.CodeInvalid {
			t.Errorf("%+v was taken", i)
		}
	}
}
