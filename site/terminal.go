package site

import (
	"bytes"
	"fmt"
	"html"
	"io/fs"
	"regexp"
	"strings"
)

// terminalFile is the document of terminals. It is one of its own because the library
// that draws them writes style elements, which no other page may have.
const terminalFile = "terminal.html"

// terminalPath is where terminals are: /@owner/workspace[.agent]/terminal.
var terminalPath = regexp.MustCompile(`^/@[^/]+/[^/]+/terminal/?$`)

// rendererTag stands in terminal.html in the place of how terminals are drawn.
const rendererTag = `<meta name="terminal-renderer" content="canvas">`

// Renderers are the ways to draw terminals. canvas is what the browser is fastest at.
var Renderers = []string{"canvas", "webgl", "dom"}

// page is a document with the policy that it is sent with.
type page struct {
	*asset
	csp string
}

// newPage takes the document name out of assets, and writes into it where it is.
func newPage(assets map[string]*asset, name string, o Options, csp string) (page, error) {
	found, ok := assets[name]
	if !ok || !bytes.Contains(found.plain, []byte(baseTag)) {
		return page{}, fmt.Errorf("read the dashboard: %s is missing or has no <base>; build it again with make site", name)
	}
	delete(assets, name)
	text := found.plain
	if o.Base != "/" {
		text = bytes.Replace(text, []byte(baseTag), []byte(`<base href="`+html.EscapeString(o.Base)+`">`), 1)
	}
	if o.Renderer != "" {
		text = bytes.Replace(text, []byte(rendererTag), []byte(strings.Replace(rendererTag, "canvas", html.EscapeString(o.Renderer), 1)), 1)
	}
	if !bytes.Equal(text, found.plain) { // the compressed forms are those of the usual text
		found = newAsset(name, text)
	}
	return page{found, csp}, nil
}

// pages are the documents of dist.
func readPages(dist fs.FS, o Options) (assets map[string]*asset, index, terminal page, err error) {
	if assets, err = readAssets(dist); err != nil {
		return nil, page{}, page{}, fmt.Errorf("read the dashboard: %w", err)
	}
	var csp, terminalCSP string
	if csp, err = policyOf(dashboardCSP, o.CSP); err == nil {
		terminalCSP, err = policyOf(terminalPolicy(), o.CSP)
	}
	if err != nil {
		return nil, page{}, page{}, err
	}
	if index, err = newPage(assets, "index.html", o, csp); err == nil {
		terminal, err = newPage(assets, terminalFile, o, terminalCSP)
	}
	return assets, index, terminal, err
}

// terminalPolicy is that of the dashboard, with style elements.
func terminalPolicy() string {
	return strings.Replace(dashboardCSP, "style-src 'self'", "style-src 'self' 'unsafe-inline'", 1)
}
