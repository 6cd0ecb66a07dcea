package main

import (
	"maps"
	"slices"
	"strings"
)

// about says what the values in paths are, where no type does.
var about = map[string]string{
	"user": "Username, id, or me.", "organization": "Id or name of the organization.", "organizationname": "Name of the organization.",
	"template": "Id of the template.", "templatename": "Name of the template.", "templateversion": "Id of the template version.",
	"templateversionname": "Name of the template version.", "workspace": "Id of the workspace.", "workspacename": "Name of the workspace.",
	"workspacebuild": "Id of the build.", "buildnumber": "Number of the build in its workspace.", "workspaceagent": "Id of the agent.",
	"agent": "Name of the agent.", "job": "Id of the job.", "jobID": "Id of the job.", "keyid": "Id of the key.", "keyname": "Name of the token.",
	"group": "Id of the group.", "groupName": "Name of the group.", "roleName": "Name of the custom role.", "devcontainer": "Id of the dev container.",
	"provisionerkey": "Name of the key, or the key itself.", "externalauth": "Id of the provider.", "fileID": "Id of the archive.",
	"stray": "Id of the stray.", "name": "Name of the file.", "file": "Name of the file.", "os": "Operating system, as Go names it.", "arch": "Architecture, as Go names it.",
	"limit": "Most rows to return; 0 means the default.", "offset": "How many rows to leave out.", "after_id": "Id of the last row of the page before.",
	"q": "Search text: words, and key:value terms that narrow.",
}

// sections say what the tags hold.
var sections = map[string]string{
	"Applications": "Applications of workspaces in browsers.", "PortSharing": "Ports of workspaces that others may open.",
	"Agents": "Agents in workspaces: what people ask about them and what they call themselves.", "Audit": "Who did what.",
	"Authorization": "Signing in and asking what one may do.", "Debug": "Health and its causes.", "Files": "Archives of templates.",
	"General": "The deployment itself.", "Git": "Sign-ins to services outside.", "Organizations": "Organizations and their members.",
	"Provisioning": "Provisioner daemons, their keys and jobs.", "Templates": "Templates, their versions and parameters.",
	"Users": "People, their keys and settings.", "Workspaces": "Workspaces, builds and their resources.",
}

// complete adds to the document what types alone do not say: comments, the values
// of named types, sections and the head.
func complete(doc map[string]any, words map[string]*comment) {
	doc["openapi"] = "3.1.0"
	doc["info"] = map[string]any{"title": "Coder API", "version": "v2",
		"description": "All routes of a Coder server. Bodies are JSON unless a route says otherwise. A failure has a status of 400 or more and the body Error. " +
			"Requests that change something may be sent again when the answer did not arrive.",
		"license": map[string]any{"name": "Apache-2.0", "identifier": "Apache-2.0"}}
	doc["servers"] = []any{map[string]any{"url": "/", "description": "The server that answers this document."}}
	used := map[string]bool{}
	for _, item := range child(doc, "paths") {
		for _, v := range asMap(item) {
			op := asMap(v)
			for _, t := range asList(op["tags"]) {
				if name, ok := t.(string); ok {
					used[name] = true
				}
			}
			for _, p := range asList(op["parameters"]) {
				describeParameter(asMap(p), words)
			}
		}
	}
	var tags []any
	for _, name := range slices.Sorted(maps.Keys(used)) {
		tag := map[string]any{"name": name}
		if sections[name] != "" {
			tag["description"] = sections[name]
		}
		tags = append(tags, tag)
	}
	doc["tags"] = tags
	for name, v := range child(child(doc, "components"), "schemas") {
		describeSchema(asMap(v), name, words)
	}
}

func describeParameter(p map[string]any, words map[string]*comment) {
	name, _ := p["name"].(string)
	if p["description"] == nil && about[name] != "" {
		p["description"] = about[name]
	}
	if s := asMap(p["schema"]); s != nil {
		delete(s, "description") // huma says it twice
	}
}

func describeSchema(s map[string]any, name string, words map[string]*comment) {
	c := words[name]
	if c == nil {
		return
	}
	if s["description"] == nil && c.doc != "" {
		s["description"] = c.doc
	}
	fields := fieldsOf(c, words, 0)
	for key, v := range child(s, "properties") {
		p, f := asMap(v), fields[key]
		if f.doc != "" && p["description"] == nil {
			p["description"] = f.doc // 3.1 lets it stand beside $ref
		}
		if t := words[f.typ]; t != nil && len(t.enum) > 1 {
			addEnum(p, t.enum)
		}
	}
}

// fieldsOf are the fields of c with those of what it embeds.
func fieldsOf(c *comment, words map[string]*comment, depth int) map[string]field {
	out := map[string]field{}
	if depth < 5 {
		for _, e := range c.embeds {
			if inner := words[e]; inner != nil {
				maps.Copy(out, fieldsOf(inner, words, depth+1))
			}
		}
	}
	maps.Copy(out, c.fields)
	return out
}

// addEnum puts values at the text inside p: itself, what a list holds, or what a
// map holds.
func addEnum(p map[string]any, values []any) {
	switch {
	case p["enum"] != nil || p["$ref"] != nil:
	case isText(p["type"]):
		if list, ok := p["type"].([]any); ok && slices.Contains(list, any("null")) {
			values = append(slices.Clone(values), nil)
		}
		p["enum"] = values
	default:
		for _, key := range []string{"items", "additionalProperties"} {
			if inner := asMap(p[key]); inner != nil {
				addEnum(inner, values)
			}
		}
	}
}

func isText(t any) bool {
	list, ok := t.([]any)
	return t == "string" || ok && slices.Contains(list, any("string"))
}

func child(m map[string]any, key string) map[string]any { return asMap(m[key]) }

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

// shortRef is the name behind a reference to a schema.
func shortRef(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }
