package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Files of the comparison, below the top of the repository.
const (
	surfaceFile    = "scripts/apigen/testdata/surface.json"
	differenceFile = "scripts/apigen/testdata/differences.txt"
)

// surface is the API that clients know. A type in it is "#Name" for a schema,
// [T] for a list, {"map":T} for a map, or "type:format".
type surface struct {
	Routes  []surfaceRoute           `json:"routes"`
	Schemas map[string]surfaceSchema `json:"schemas"`
}

type surfaceRoute struct {
	Path, Method string
	Auth         []string
	Params       []struct{ Name, In string }
	Body         any
	Responses    map[string]any
}

type surfaceSchema struct {
	Type     string
	Fields   map[string]any
	Required []string
	Enum     []any
	Map      any
}

// comparison finds what differs between the surface and our document.
type comparison struct {
	ref     surface
	schemas map[string]any
	found   map[string]bool
	seen    map[string]bool
}

// compare returns the differences, sorted. Routes that we do not have are none: they
// are not built yet.
func compare(root string, doc map[string]any) ([]string, error) {
	c := comparison{schemas: child(child(doc, "components"), "schemas"), found: map[string]bool{}, seen: map[string]bool{}}
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(surfaceFile)))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &c.ref); err != nil {
		return nil, fmt.Errorf("%s: %w", surfaceFile, err)
	}
	byName := map[string]surfaceRoute{}
	for _, r := range c.ref.Routes {
		byName[r.Method+" "+plainPath(r.Path)] = r
	}
	for path, item := range child(doc, "paths") {
		for method, op := range asMap(item) {
			name := strings.ToUpper(method) + " " + path
			if r, ok := byName[strings.ToUpper(method)+" "+plainPath(path)]; ok {
				c.route(name, r, asMap(op))
			} else {
				c.differs("%s: ours alone", name)
			}
		}
	}
	return slices.Sorted(maps.Keys(c.found)), nil
}

var anyPlaceholder = regexp.MustCompile(`\{[^}]+\}`)

// plainPath is a path without the names of its placeholders.
func plainPath(path string) string { return anyPlaceholder.ReplaceAllString(path, "{}") }

func (c *comparison) differs(format string, args ...any) {
	c.found[fmt.Sprintf(format, args...)] = true
}

func (c *comparison) route(name string, r surfaceRoute, op map[string]any) {
	if open := len(asList(op["security"])) == 0; open != (len(r.Auth) == 0) {
		c.differs("%s: ours is public: %v", name, open)
	}
	theirs, ours := map[string]bool{}, map[string]bool{}
	for _, p := range r.Params {
		theirs[p.Name] = p.In == "query"
	}
	for _, v := range asList(op["parameters"]) {
		p := asMap(v)
		ours[fmt.Sprint(p["name"])] = p["in"] == "query"
	}
	for p, query := range theirs {
		if query && !ours[p] {
			c.differs("%s: query %s: missing", name, p)
		}
	}
	for p, query := range ours {
		if query && !theirs[p] {
			c.differs("%s: query %s: ours alone", name, p)
		}
	}
	body := child(op, "requestBody")
	switch {
	case (r.Body != nil) != (body != nil):
		c.differs("%s: body: ours has one: %v", name, body != nil)
	case body != nil && jsonOf(body) != nil:
		c.compareTypes(name+" body", r.Body, jsonOf(body), true)
	}
	for status, t := range r.Responses {
		if status >= "4" {
			continue // all failures have one body
		}
		answer := child(child(op, "responses"), status)
		if answer == nil {
			c.differs("%s: status %s: ours %s", name, status, strings.Join(goodStatuses(op), ", "))
		} else if t != nil {
			c.compareTypes(name+" "+status, t, jsonOf(answer), false)
		}
	}
}

func goodStatuses(op map[string]any) []string {
	var out []string
	for _, s := range slices.Sorted(maps.Keys(child(op, "responses"))) {
		if s < "4" {
			out = append(out, s)
		}
	}
	return out
}

func jsonOf(body map[string]any) map[string]any {
	return child(child(child(body, "content"), "application/json"), "schema")
}

// compareTypes compares their type with our schema at a place.
func (c *comparison) compareTypes(at string, theirs any, ours map[string]any, request bool) {
	if theirs == "any" || theirs == nil {
		return
	}
	if ours == nil {
		c.differs("%s: type: ours is not JSON", at)
		return
	}
	schema := c.resolve(ours)
	typ := typeOf(schema)
	switch t := theirs.(type) {
	case []any:
		if typ != "array" {
			c.differs("%s: type %s, theirs array", at, typ)
		} else if len(t) > 0 {
			c.compareTypes(at+"[]", t[0], child(schema, "items"), request)
		}
	case map[string]any:
		if t["type"] != nil { // a text with its values
			if typ != t["type"] {
				c.differs("%s: type %s, theirs %s", at, typ, t["type"])
			}
			c.compareValues(at, asList(t["enum"]), asList(schema["enum"]))
		} else if typ != "object" {
			c.differs("%s: type %s, theirs map", at, typ)
		} else if inner := child(schema, "additionalProperties"); inner != nil {
			c.compareTypes(at+"{}", t["map"], inner, request)
		}
	case string:
		if name, ok := strings.CutPrefix(t, "#"); ok {
			c.compareNamed(at, name, ours, schema, request)
			return
		}
		if want, _, _ := strings.Cut(t, ":"); typ != "" && typ != want {
			c.differs("%s: type %s, theirs %s", at, typ, want)
		}
	}
}

func (c *comparison) compareNamed(at, name string, ours, schema map[string]any, request bool) {
	ref, known := c.ref.Schemas[name]
	if !known {
		return
	}
	typ := typeOf(schema)
	if ref.Fields == nil {
		if ref.Type != "" && typ != ref.Type {
			c.differs("%s: type %s, theirs %s", at, typ, ref.Type)
		}
		c.compareValues(at, ref.Enum, asList(schema["enum"]))
		return
	}
	if typ != "object" {
		c.differs("%s: type %s, theirs object", at, typ)
		return
	}
	if key := fmt.Sprint(name, ours["$ref"], request); c.seen[key] {
		return
	} else if ours["$ref"] != nil {
		c.seen[key] = true
	}
	props := child(schema, "properties")
	if props == nil {
		c.differs("%s: ours is any object", at)
		return
	}
	for f, t := range ref.Fields {
		if props[f] == nil {
			c.differs("%s.%s: missing", name, f)
			continue
		}
		c.compareTypes(name+"."+f, t, asMap(props[f]), request)
		if request && slices.Contains(asList(schema["required"]), any(f)) && !slices.Contains(ref.Required, f) {
			c.differs("%s.%s: ours is required", name, f)
		}
	}
	for f := range props {
		if ref.Fields[f] == nil {
			c.differs("%s.%s: ours alone", name, f)
		}
	}
}

// compareValues compares the values that a text may have. A schema of ours without
// any takes all.
func (c *comparison) compareValues(at string, theirs, ours []any) {
	if len(theirs) == 0 || len(ours) == 0 {
		return
	}
	for _, v := range theirs {
		if v != "" && !slices.Contains(ours, v) {
			c.differs("%s: value %v: missing", at, v)
		}
	}
	for _, v := range ours {
		if v != nil && v != "" && !slices.Contains(theirs, v) {
			c.differs("%s: value %v: ours alone", at, v)
		}
	}
}

func (c *comparison) resolve(s map[string]any) map[string]any {
	for range 10 {
		ref, ok := s["$ref"].(string)
		if !ok {
			break
		}
		s = asMap(c.schemas[shortRef(ref)])
	}
	return s
}

func typeOf(s map[string]any) string {
	for _, t := range append(asList(s["type"]), s["type"]) {
		if name, ok := t.(string); ok && name != "null" {
			return name
		}
	}
	return ""
}

// prune takes lines out of differences.txt that differ no more, and reasons that
// have no line left. Lines are added by hand alone, since each needs a reason.
func prune(root string, found []string) error {
	path := filepath.Join(root, filepath.FromSlash(differenceFile))
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var out []string
	for _, block := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		var kept []string
		lines := 0
		for _, line := range strings.Split(block, "\n") {
			comment := strings.HasPrefix(line, "#")
			if !comment && !slices.Contains(found, strings.TrimSpace(line)) {
				continue
			}
			if !comment {
				lines++
			}
			kept = append(kept, line)
		}
		if lines > 0 || strings.HasPrefix(block, "##") { // ## begins the head of the file
			out = append(out, strings.Join(kept, "\n"))
		}
	}
	return os.WriteFile(path, []byte(strings.Join(out, "\n\n")+"\n"), 0o644) //nolint:gosec // a public file
}
