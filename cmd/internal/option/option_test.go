package option_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/option"
)

type config struct {
	addr  string
	on    bool
	n     int
	d     time.Duration
	list  []string
	url   *url.URL
	level string
}

func table(c *config) option.Set {
	return option.Set{
		{Flag: "http-address", Env: "X_HTTP_ADDRESS", YAML: "networking.http.httpAddress", Default: "127.0.0.1:3000", Value: option.HostPort(&c.addr)},
		{Flag: "on", Env: "X_ON", YAML: "networking.on", Value: option.Bool(&c.on)},
		{Flag: "daemons", Env: "X_DAEMONS", YAML: "provisioning.daemons", Default: "3", Value: option.Int(&c.n, 0, 100)},
		{Flag: "wait", Env: "X_WAIT", YAML: "wait", Default: "1s", Value: option.Duration(&c.d)},
		{Flag: "list", Env: "X_LIST", YAML: "list", Value: option.Strings(&c.list)},
		{Flag: "access-url", Env: "X_URL", YAML: "networking.accessURL", Value: option.URL(&c.url)},
		{Flag: "level", Env: "X_LEVEL", YAML: "level", Default: "low", Value: option.Enum(&c.level, "low", "high")},
	}
}

func resolve(t *testing.T, args []string, env map[string]string, yaml string) (config, error) {
	t.Helper()
	var c config
	s := table(&c)
	fs := pflag.NewFlagSet("t", pflag.ContinueOnError)
	s.AddFlags(fs)
	require.NoError(t, fs.Parse(args))
	err := s.Resolve(option.Source{Flags: s.Changed(fs), Getenv: func(k string) string { return env[k] },
		File: "c.yaml", YAML: []byte(yaml)})
	return c, err
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	yaml := "networking:\n  http:\n    httpAddress: 1.1.1.1:1\nprovisioning:\n  daemons: 7\nwait: 2d\nlist: [a, b]\n"
	c, err := resolve(t, []string{"--http-address", ":9", "--on"}, map[string]string{"X_HTTP_ADDRESS": ":8", "X_DAEMONS": "5"}, yaml)
	require.NoError(t, err)
	require.Equal(t, ":9", c.addr)
	require.Equal(t, 5, c.n)
	require.Equal(t, 48*time.Hour, c.d)
	require.Equal(t, []string{"a", "b"}, c.list)
	require.True(t, c.on)
	require.Equal(t, "low", c.level)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		args []string
		env  map[string]string
		yaml string
		want string
	}{
		{"flag", []string{"--http-address=x"}, nil, "", `option --http-address (from flag --http-address): "x" is not an address and port such as 127.0.0.1:3000 or :3000`},
		{"env", nil, map[string]string{"X_DAEMONS": "1000"}, "", `option --daemons (from environment variable X_DAEMONS): "1000" is not a whole number from 0 to 100`},
		{"yaml value", nil, nil, "wait: soon\n", `option --wait (from c.yaml:1): "soon" is not a duration such as 90s, 1h30m or 7d`},
		{"yaml key", nil, nil, "networking:\n  accesURL: x\n", `option networking.accesURL (from c.yaml:2): this key is not known; did you mean networking.accessURL?`},
		{"yaml far key", nil, nil, "zzz: 1\n", "option zzz (from c.yaml:1): this key is not known; `coder server --write-config` prints all keys"},
		{"yaml section", nil, nil, "wait:\n  x: 1\n", `option --wait (from c.yaml:2): takes a value, not a section`},
		{"yaml list", nil, nil, "wait: [1s]\n", `option --wait (from c.yaml:1): takes one value, not a list`},
		{"url", []string{"--access-url=ftp://x"}, nil, "", `option --access-url (from flag --access-url): "ftp://x" is not a URL that starts with http:// or https://`},
		{"enum", []string{"--level=mid"}, nil, "", `option --level (from flag --level): "mid" is not one of low, high`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := resolve(t, tc.args, tc.env, tc.yaml)
			require.EqualError(t, err, tc.want)
		})
	}
}

func TestWriteYAMLReadsBack(t *testing.T) {
	t.Parallel()
	var c config
	s := table(&c)
	require.NoError(t, s.Resolve(option.Source{Getenv: func(string) string { return "" },
		Flags: map[string]string{"list": "a,b", "access-url": "https://x.example/y/"}}))
	text, err := s.WriteYAML()
	require.NoError(t, err)
	back, err := resolve(t, nil, nil, string(text))
	require.NoError(t, err)
	require.Equal(t, c.list, back.list)
	require.Equal(t, "https://x.example/y", back.url.String())
	require.Equal(t, c.d, back.d)
}

func TestUnknownEnv(t *testing.T) {
	t.Parallel()
	var c config
	require.Equal(t, []string{"X_DEAMONS"}, table(&c).UnknownEnv([]string{"X_DEAMONS=1", "X_ON=1", "HOME=/", "X_OK=1"}, "X_", "X_OK"))
}

// list is a Records value of sections with a name and a size.
type list struct{ to *[]option.Record }

func (list) Type() string         { return "list" }
func (list) String() string       { return "" }
func (l list) Set(t string) error { return option.RecordsText(l, t) }
func (list) Prefixes() []string   { return []string{"X_THING", "X_OLD"} }
func (list) Keys() []string       { return []string{"name", "size_mb"} }
func (l list) SetRecords(r []option.Record) error {
	*l.to = r
	return nil
}

func TestRecords(t *testing.T) {
	t.Parallel()
	read := func(flags, env map[string]string, yaml string) ([]option.Record, error) {
		var got []option.Record
		s := option.Set{{Flag: "things", YAML: "things", Value: list{&got}, Secret: true}}
		err := s.Resolve(option.Source{Flags: flags, Getenv: func(k string) string { return env[k] }, File: "c.yaml", YAML: []byte(yaml)})
		require.Equal(t, []string{"X_THING_00_NAME", "X_THING_0_NAMES", "X_THING_100_NAME"}, s.UnknownEnv(
			[]string{"X_THING_0_NAME=a", "X_THING_0_NAMES=b", "X_OLD_7_SIZE_MB=1", "X_THING_00_NAME=1", "X_THING_100_NAME=1"}, "X_"))
		return got, err
	}
	yaml := "things:\n- name: a\n  size_mb: 3\n- name: [b, c]\n"
	got, err := read(nil, nil, yaml)
	require.NoError(t, err)
	require.Equal(t, []option.Record{{Source: "c.yaml:2", Fields: map[string]string{"name": "a", "size_mb": "3"}},
		{Source: "c.yaml:4", Fields: map[string]string{"name": "b,c"}}}, got)
	got, err = read(nil, map[string]string{"X_THING_0_NAME": "e", "X_OLD_0_NAME": "old"}, yaml)
	require.NoError(t, err)
	require.Equal(t, []option.Record{{Source: "X_THING_0", Fields: map[string]string{"name": "e"}}}, got)
	got, err = read(nil, map[string]string{"X_OLD_0_NAME": "old"}, yaml)
	require.NoError(t, err)
	require.Equal(t, "X_OLD_0", got[0].Source)
	got, err = read(map[string]string{"things": `[{"name":"j"}]`}, nil, yaml)
	require.NoError(t, err)
	require.Equal(t, "j", got[0].Fields["name"])
	for want, tc := range map[string]struct {
		env  map[string]string
		yaml string
	}{
		"option --things (from environment variables X_THING_2_*): the numbers must start at 0 and have no gap; X_THING_1_* are not set": {env: map[string]string{"X_THING_0_NAME": "a", "X_THING_2_NAME": "a"}},
		`option --things (from c.yaml:2): c.yaml:2: the key "nmae" is not known; did you mean name?`:                                     {yaml: "things:\n- nmae: a\n"},
		`option --things (from c.yaml:1): takes a list of sections`:                                                                      {yaml: "things: x\n"},
		`option --things (from c.yaml:2): c.yaml:2: each entry is a section of keys and values`:                                          {yaml: "things:\n- x\n"},
		`option --things (from c.yaml:2): c.yaml:2: name takes a value, not a section`:                                                   {yaml: "things:\n- name: {a: b}\n"},
	} {
		_, err := read(nil, tc.env, tc.yaml)
		require.EqualError(t, err, want)
	}
}

func FuzzYAML(f *testing.F) {
	f.Add("networking:\n  http:\n    httpAddress: :1\n")
	f.Add("a: &a [*a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		var c config
		_ = table(&c).Resolve(option.Source{Getenv: func(string) string { return "" }, File: "f", YAML: []byte(text)})
	})
}
