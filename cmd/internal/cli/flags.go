package cli

import (
	"encoding/csv"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"coder.internal/api"
)

// envAnnotation is the flag annotation that names the environment variable.
const envAnnotation = "env"

// Bind lets the environment variable name set flag where the command line does
// not. It panics on a flag that does not exist: that is a mistake in the code.
func Bind(fs *pflag.FlagSet, flag, name string) {
	f := fs.Lookup(flag)
	if f == nil {
		panic("cli: no flag " + flag)
	}
	if f.Annotations == nil {
		f.Annotations = map[string][]string{}
	}
	f.Annotations[envAnnotation] = []string{name}
	f.Usage += " ($" + name + ")"
}

// applyEnv gives the flags of cmd that were not on the command line the values
// of their variables. An empty variable counts as not set.
func applyEnv(cmd *cobra.Command, getenv func(string) string) error {
	var first error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		names := f.Annotations[envAnnotation]
		if f.Changed || len(names) == 0 || first != nil {
			return
		}
		v := getenv(names[0])
		if v == "" {
			return
		}
		if err := f.Value.Set(v); err != nil {
			first = api.Invalid("$"+names[0], fmt.Sprintf("%q does not fit --%s: %s.", Inert(v), f.Name, err))
			return
		}
		f.Changed = true
	})
	return first
}

// listValue is a string-array flag: it may be given many times, and each value
// may be a comma-separated list with CSV quoting. What is not CSV is one value.
type listValue struct{ to *[]string }

// List adds a string-array flag.
func List(fs *pflag.FlagSet, to *[]string, name, short, usage string) {
	fs.VarP(&listValue{to}, name, short, usage)
}

// String implements pflag.Value.
func (l *listValue) String() string {
	if l.to == nil {
		return ""
	}
	return strings.Join(*l.to, ",")
}

// Set implements pflag.Value.
func (l *listValue) Set(s string) error {
	r := csv.NewReader(strings.NewReader(s))
	fields, err := r.Read()
	if err != nil || r.InputOffset() != int64(len(s)) {
		fields = []string{s}
	}
	*l.to = append(*l.to, fields...)
	return nil
}

// Type implements pflag.Value.
func (l *listValue) Type() string { return "string-array" }

// enumValue takes one of a few words.
type enumValue struct {
	to      *string
	allowed []string
}

// Enum adds a flag that takes one of allowed; the value of to is the default.
func Enum(fs *pflag.FlagSet, to *string, name, short, usage string, allowed ...string) {
	fs.VarP(&enumValue{to, allowed}, name, short, usage)
}

// String implements pflag.Value.
func (e *enumValue) String() string {
	if e.to == nil {
		return ""
	}
	return *e.to
}

// Set implements pflag.Value.
func (e *enumValue) Set(s string) error {
	for _, a := range e.allowed {
		if s == a {
			*e.to = s
			return nil
		}
	}
	return fmt.Errorf("must be one of %s", strings.Join(e.allowed, ", "))
}

// Type implements pflag.Value.
func (e *enumValue) Type() string { return strings.Join(e.allowed, "|") }

// Yes adds the flag that answers every question with yes.
func Yes(fs *pflag.FlagSet, to *bool) {
	fs.BoolVarP(to, "yes", "y", false, "answer all questions with yes")
}

// Org adds the flag that names an organization.
func Org(fs *pflag.FlagSet, to *string) {
	fs.StringVarP(to, "org", "O", "", "organization, by name or id")
	Bind(fs, "org", "CODER_ORGANIZATION")
}
