package terraform

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTaintMarksOnlyWhatIsNamed(t *testing.T) {
	t.Parallel()
	state := `{"version":4,"serial":18446744073709551615,"outputs":{"h":{"value":"<a&b>","type":"string"}},"resources":[
 {"mode":"managed","type":"terraform_data","name":"a","instances":[{"index_key":0,"attributes":{"n":12345678901234567890}},{"index_key":1},{"index_key":0,"deposed":"x"}]},
 {"module":"module.m[\"k\"]","mode":"managed","type":"terraform_data","name":"b","instances":[{}]},
 {"mode":"data","type":"terraform_data","name":"c","instances":[{}]}]}`
	out, err := taint([]byte(state), []string{"terraform_data.a[0]", `module.m["k"].terraform_data.b`, "terraform_data.c"})
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(out), `"tainted"`))
	require.Contains(t, string(out), "18446744073709551615", "numbers keep their digits")
	require.Contains(t, string(out), "12345678901234567890")
	require.Contains(t, string(out), "<a&b>")
	var s struct {
		Resources []struct {
			Instances []struct {
				Status  string
				Deposed string
			}
		}
	}
	require.NoError(t, json.Unmarshal(out, &s))
	require.Equal(t, "tainted", s.Resources[0].Instances[0].Status)
	require.Empty(t, s.Resources[0].Instances[1].Status)
	require.Empty(t, s.Resources[0].Instances[2].Status, "a deposed object has its own fate")
	require.Equal(t, "tainted", s.Resources[1].Instances[0].Status)
	require.Empty(t, s.Resources[2].Instances[0].Status)
}

func TestUnfinishedSurvivesItsProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "unfinished.json")
	first := &unfinished{path: path, log: slog.New(slog.DiscardHandler)}
	first.begin("terraform_data.a")
	first.begin("terraform_data.b")
	first.end("terraform_data.a")
	next := &unfinished{path: path, log: slog.New(slog.DiscardHandler)}
	next.recall()
	require.Equal(t, []string{"terraform_data.b"}, next.addrs)
	require.NoError(t, next.forget())
	require.NoFileExists(t, path)
	same, marked := next.mark([]byte("x"))
	require.Equal(t, "x", string(same))
	require.False(t, marked)
}
