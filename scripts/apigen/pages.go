package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const generated = "Generated from the route table and the Go types; do not edit. "

// operation is one route on a page.
type operation struct {
	method, path string
	op           map[string]any
}

// pages returns a Markdown page for each section, one of all types, and an index.
func pages(doc map[string]any) map[string][]byte {
	byTag := map[string][]operation{}
	for _, path := range slices.Sorted(maps.Keys(child(doc, "paths"))) {
		item := child(child(doc, "paths"), path)
		for _, method := range slices.Sorted(maps.Keys(item)) {
			op := asMap(item[method])
			tag := fmt.Sprint(append(asList(op["tags"]), "Other")[0])
			byTag[tag] = append(byTag[tag], operation{method, path, op})
		}
	}
	out := map[string][]byte{}
	var index strings.Builder
	index.WriteString("# API\n\n" + generated + "The same as one OpenAPI 3.1 document: [openapi.json](../openapi.json), which every server has at `/api/v2/openapi.json` and shows at `/api/v2/docs`.\n\n" +
		"A request carries the header `Coder-Session-Token`. A failure has a status of 400 or more and an [Error](types.md#error).\n\n| section | routes |\n|---|---|\n")
	for _, tag := range slices.Sorted(maps.Keys(byTag)) {
		name := strings.ToLower(tag) + ".md"
		var b strings.Builder
		fmt.Fprintf(&b, "# %s\n\n%s%s\n", tag, generated, sections[tag])
		for _, o := range byTag[tag] {
			o.write(&b)
		}
		out["api/"+name] = []byte(b.String())
		fmt.Fprintf(&index, "| [%s](%s) | %d |\n", tag, name, len(byTag[tag]))
	}
	index.WriteString("| [Types](types.md) | |\n")
	out["api/README.md"] = []byte(index.String())
	out["api/types.md"] = []byte(typePage(child(child(doc, "components"), "schemas")))
	return out
}

func (o operation) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n```\n%s %s\n```\n\n%s\n", o.op["summary"], strings.ToUpper(o.method), o.path, o.op["description"])
	if params := asList(o.op["parameters"]); len(params) > 0 {
		b.WriteString("\n| parameter | in | type | meaning |\n|---|---|---|---|\n")
		for _, v := range params {
			p := asMap(v)
			fmt.Fprintf(b, "| `%s`%s | %s | %s | %s |\n", p["name"], optional(p["required"] == true), p["in"], typeText(asMap(p["schema"])),
				cell(p["description"], asMap(p["schema"])))
		}
	}
	if body := child(o.op, "requestBody"); body != nil {
		b.WriteString("\nBody: " + contentText(body) + "\n")
	}
	b.WriteString("\nAnswers:\n")
	responses := child(o.op, "responses")
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		r := asMap(responses[status])
		if status >= "400" { // and "default": the same body everywhere
			continue
		}
		fmt.Fprintf(b, "- %s: %s\n", status, strings.TrimSpace(fmt.Sprint(r["description"])+" "+contentText(r)))
	}
	if socket := child(o.op, "x-websocket"); socket != nil {
		for _, side := range []string{"client", "server"} {
			if s := asMap(socket[side]); s != nil {
				fmt.Fprintf(b, "- messages of the %s: %s\n", side, typeText(s))
			}
		}
	}
}

func contentText(body map[string]any) string {
	var out []string
	content := child(body, "content")
	for _, kind := range slices.Sorted(maps.Keys(content)) {
		schema := child(asMap(content[kind]), "schema")
		switch {
		case kind != "application/json":
			out = append(out, "`"+kind+"`")
		default:
			out = append(out, typeText(schema))
		}
	}
	return strings.Join(out, " or ")
}

func typePage(schemas map[string]any) string {
	var b strings.Builder
	b.WriteString("# Types\n\n" + generated + "A name with a question mark may be absent.\n")
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		s := asMap(schemas[name])
		fmt.Fprintf(&b, "\n## %s\n", name)
		if d, ok := s["description"].(string); ok {
			fmt.Fprintf(&b, "\n%s\n", d)
		}
		props := child(s, "properties")
		if len(props) == 0 {
			fmt.Fprintf(&b, "\n%s\n", typeText(s))
			continue
		}
		required := asList(s["required"])
		b.WriteString("\n| field | type | meaning |\n|---|---|---|\n")
		for _, key := range slices.Sorted(maps.Keys(props)) {
			p := asMap(props[key])
			fmt.Fprintf(&b, "| `%s`%s | %s | %s |\n", key, optional(slices.Contains(required, any(key))), typeText(p), cell(p["description"], p))
		}
	}
	return b.String()
}

func optional(required bool) string {
	if required {
		return ""
	}
	return "?"
}

// typeText names a type and links what has a name.
func typeText(s map[string]any) string {
	if s == nil {
		return "any"
	}
	if ref, ok := s["$ref"].(string); ok {
		name := shortRef(ref)
		return "[" + name + "](types.md#" + strings.ToLower(name) + ")"
	}
	var names []string
	for _, t := range append(asList(s["type"]), s["type"]) {
		if name, ok := t.(string); ok && name != "null" {
			names = append(names, name)
		}
	}
	text := strings.Join(names, " or ")
	switch {
	case text == "array":
		return "list of " + typeText(child(s, "items"))
	case text == "object" && child(s, "additionalProperties") != nil:
		return "map of " + typeText(child(s, "additionalProperties"))
	case text == "":
		return "any"
	case s["format"] != nil && text == "string":
		return fmt.Sprint(s["format"])
	}
	return text
}

// cell joins what is said of a value with its limits, safe inside a table.
func cell(doc any, s map[string]any) string {
	var out []string
	if text, ok := doc.(string); ok && text != "" {
		out = append(out, text)
	}
	for _, at := range []map[string]any{s, child(s, "items")} {
		if at["enum"] != nil {
			var values []string
			for _, v := range asList(at["enum"]) {
				text, _ := json.Marshal(v)
				values = append(values, "`"+string(text)+"`")
			}
			out = append(out, "One of "+strings.Join(values, ", ")+".")
		}
	}
	for _, key := range []string{"minimum", "maximum", "minLength", "maxLength", "maxItems", "maxProperties"} {
		if v, ok := s[key].(float64); ok {
			out = append(out, key+" "+strconv.FormatFloat(v, 'f', -1, 64)+".")
		}
	}
	return strings.ReplaceAll(strings.Join(out, " "), "|", `\|`)
}
