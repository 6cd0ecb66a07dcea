package option

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// rawFlag keeps what was typed; Resolve parses it, so that all sources fail with
// the same words.
type rawFlag struct {
	text string
	list bool
	typ  string
}

func (f *rawFlag) String() string { return f.text }
func (f *rawFlag) Type() string   { return f.typ }
func (f *rawFlag) Set(s string) error {
	if f.list && f.text != "" {
		s = f.text + "," + s
	}
	f.text = s
	return nil
}

// AddFlags declares a flag for every option.
func (s Set) AddFlags(fs *pflag.FlagSet) {
	for _, o := range s {
		typ := o.Value.Type()
		f := fs.VarPF(&rawFlag{list: typ == "string-array", typ: typ}, o.Flag, o.Short, o.usage())
		f.DefValue = o.Default
		f.Hidden = o.Hidden
		if typ == "bool" {
			f.NoOptDefVal = "true"
		}
	}
}

func (o *Option) usage() string {
	if o.Env == "" {
		return o.Doc
	}
	return o.Doc + " [$" + o.Env + "]"
}

// Changed returns the flags of the table that were typed, by name.
func (s Set) Changed(fs *pflag.FlagSet) map[string]string {
	out := map[string]string{}
	for _, o := range s {
		if f := fs.Lookup(o.Flag); f != nil && f.Changed {
			out[o.Flag] = f.Value.String()
		}
	}
	return out
}

// Markdown returns the reference page of the table, grouped as declared.
func (s Set) Markdown() string {
	var b strings.Builder
	group := ""
	for _, o := range s {
		if o.Hidden {
			continue
		}
		if o.Group != group {
			group = o.Group
			fmt.Fprintf(&b, "\n## %s\n\n| flag | environment | YAML | type | default | meaning |\n|---|---|---|---|---|---|\n", group)
		}
		flag := "`--" + o.Flag + "`"
		if o.Short != "" {
			flag = "`-" + o.Short + "`, " + flag
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", flag, code(o.Env), code(o.YAML),
			strings.ReplaceAll(o.Value.Type(), "|", `\|`), code(o.Default), strings.ReplaceAll(o.Doc, "|", `\|`))
	}
	return b.String()
}

func code(s string) string {
	if s == "" {
		return "–"
	}
	return "`" + strings.ReplaceAll(s, "|", `\|`) + "`"
}
