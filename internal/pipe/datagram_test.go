package pipe_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/internal/pipe"
)

func TestDatagrams(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	buf := make([]byte, pipe.MaxDatagram)
	for _, d := range []string{"one", "", string(make([]byte, pipe.MaxDatagram))} {
		require.NoError(t, pipe.WriteDatagram(&b, []byte(d)))
	}
	for _, want := range []int{3, 0, pipe.MaxDatagram} {
		n, err := pipe.ReadDatagram(&b, buf)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	_, err := pipe.ReadDatagram(&b, buf)
	require.Equal(t, io.EOF, err)
	require.Error(t, pipe.WriteDatagram(&b, make([]byte, pipe.MaxDatagram+1)))
}

func FuzzReadDatagram(f *testing.F) {
	f.Add([]byte{0, 1, 'x'})
	f.Add([]byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, in []byte) {
		buf := make([]byte, pipe.MaxDatagram)
		n, err := pipe.ReadDatagram(bytes.NewReader(in), buf)
		if err == nil && n != len(in[2:2+n]) {
			t.Fatalf("%d bytes of %d", n, len(in))
		}
	})
}
