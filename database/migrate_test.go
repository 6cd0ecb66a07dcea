package database

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestReadMigrations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files []string
		want  string // of the error; none when empty
	}{
		"in order":   {[]string{"000002_b.up.sql", "000001_a.up.sql"}, ""},
		"twice":      {[]string{"000002_b.up.sql", "000002_a.up.sql"}, "two migrations have the number 000002"},
		"no number":  {[]string{"first_a.up.sql"}, `"first_a.up.sql": want NNNNNN_name.up.sql`},
		"short":      {[]string{"1_a.up.sql"}, "want NNNNNN_name.up.sql"},
		"zero":       {[]string{"000000_a.up.sql"}, "want NNNNNN_name.up.sql"},
		"down":       {[]string{"000001_a.down.sql"}, "want NNNNNN_name.up.sql"},
		"no  name":   {[]string{"000001.sql"}, "want NNNNNN_name.up.sql"},
		"not a file": {[]string{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := fstest.MapFS{}
			for _, f := range c.files {
				files["migrations/"+f] = &fstest.MapFile{Data: []byte("select 1")}
			}
			all, err := readMigrations(files)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			require.Len(t, all, len(c.files))
			for i, m := range all {
				require.EqualValues(t, i+1, m.version)
			}
		})
	}
}

func TestSupported(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{"15.18 (Debian 15.18-0+deb12u1)": true, "13.0": true, "18beta1": true,
		"14": true, "12.22": false, "9.6.24": false, "": false, "x": false} {
		require.Equal(t, want, supported(version), version)
	}
}
