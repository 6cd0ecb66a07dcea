package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// Column is one column of a table of T.
type Column[T any] struct {
	Name  string
	Value func(T) string
}

// Output prints rows of T as a table or as JSON.
type Output[T any] struct {
	Columns []Column[T]
	Default []string // columns that are shown unless -c says otherwise
	Text    func(io.Writer, []T) error
	Empty   string // printed to standard error when a table has no rows

	layout
}

// layout is what does not depend on the type of the rows, so that the program has it
// once.
type layout struct {
	format  string
	chosen  []string
	formats []string
}

// Flags adds -c and -o. The first format is the default.
func (o *Output[T]) Flags(fs *pflag.FlagSet, formats ...string) {
	o.flags(fs, o.names(), o.Default, formats)
}

// ColumnFlag adds -c alone.
func (o *Output[T]) ColumnFlag(fs *pflag.FlagSet) { o.columnFlag(fs, o.names(), o.Default) }

// Print writes rows in the chosen format.
func (o *Output[T]) Print(env *Env, rows []T) error {
	switch o.format {
	case "json":
		if rows == nil {
			rows = []T{}
		}
		return PrintJSON(env.Stdout, rows)
	case "text":
		return o.Text(env.Stdout, rows)
	}
	columns, err := o.pick(o.names(), o.Default)
	if err != nil {
		return err
	}
	if len(rows) == 0 && o.Empty != "" {
		_, err := fmt.Fprintln(env.Stderr, o.Empty)
		return err
	}
	return printCells(env.Stdout, o.names(), columns, len(rows), func(row, column int) string {
		return o.Columns[column].Value(rows[row])
	})
}

// Shows reports whether a table is wanted that has the column name.
func (o *Output[T]) Shows(name string) bool {
	if o.format != "table" {
		return false
	}
	columns, err := o.pick(o.names(), o.Default)
	return err == nil && slices.ContainsFunc(columns, func(i int) bool { return o.Columns[i].Name == name })
}

func (o *Output[T]) names() []string {
	names := make([]string, len(o.Columns))
	for i, c := range o.Columns {
		names[i] = c.Name
	}
	return names
}

func (l *layout) flags(fs *pflag.FlagSet, names, shown, formats []string) {
	if len(formats) == 0 {
		formats = []string{"table", "json"}
	}
	l.columnFlag(fs, names, shown)
	l.format, l.formats = formats[0], formats
	Enum(fs, &l.format, "output", "o", "output format", formats...)
}

func (l *layout) columnFlag(fs *pflag.FlagSet, names, shown []string) {
	l.format = "table"
	if len(names) > 0 {
		List(fs, &l.chosen, "column", "c", "columns to show: "+strings.Join(names, ", ")+
			" (default "+strings.Join(shown, ",")+")")
	}
}

// Format returns the chosen format.
func (l *layout) Format() string { return l.format }

// pick returns the places of the columns to show among names.
func (l *layout) pick(names, shown []string) ([]int, error) {
	if len(l.chosen) > 0 {
		shown = l.chosen
	}
	var out []int
	for _, want := range shown {
		i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(strings.TrimSpace(want), name) })
		if i < 0 {
			return nil, Usage("column", fmt.Sprintf("There is no column %q; there are %s.", Inert(want), strings.Join(names, ", ")))
		}
		out = append(out, i)
	}
	return out, nil
}

// printCells writes the chosen columns of a number of rows below their names.
func printCells(w io.Writer, names []string, columns []int, rows int, cell func(row, column int) string) error {
	cells := make([][]string, rows+1)
	for _, c := range columns {
		cells[0] = append(cells[0], strings.ToUpper(names[c]))
		for row := range rows {
			cells[row+1] = append(cells[row+1], Inert(cell(row, c)))
		}
	}
	return Table(w, cells)
}

// PrintJSON writes v as indented JSON.
func PrintJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Table writes rows with their cells aligned by two spaces.
func Table(w io.Writer, rows [][]string) error {
	var width []int
	for _, r := range rows {
		for i, c := range r {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, r := range rows {
		var line strings.Builder
		for i, c := range r {
			line.WriteString(c)
			line.WriteString(strings.Repeat(" ", width[i]-utf8.RuneCountInString(c)+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Ago says how long before now t was, in one unit.
func (e *Env) Ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := e.Clock.Since(t)
	if d < 0 {
		return "in " + short(-d)
	}
	return short(d) + " ago"
}

func short(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// Elapsed writes a duration as people read it: 0.4s, 12.3s, 2m05s.
func Elapsed(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
}

// Time writes a point in time for tables.
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// TimeOr is Time with a word for the time that never was.
func TimeOr(t time.Time, never string) string {
	if t.IsZero() {
		return never
	}
	return Time(t)
}
