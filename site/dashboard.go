package site

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// baseTag stands in index.html in the place of the path that browsers see.
const baseTag = `<base href="/">`

// asset is one file in the forms that can be sent.
type asset struct {
	kind            string // content type
	etag            string
	plain, gzip, br []byte
}

// newDashboard returns the handler of the files in dist. What is no file is a page of
// the dashboard itself, so it gets index.html, or a terminal, which has its own.
func newDashboard(dist fs.FS, o Options) (http.Handler, error) {
	assets, index, terminal, err := readPages(dist, o)
	if err != nil {
		return nil, err
	}
	return guard(index.csp, func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		found, ok := assets[name]
		hashed := strings.HasPrefix(name, "assets/")
		switch {
		case ok && hashed:
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		case hashed || strings.HasPrefix(name, "icon/"):
			// A page of an older release asks for a part that is gone: a page instead
			// of it would only confuse.
			w.Header().Set("Cache-Control", "no-store")
			http.NotFound(w, r)
			return
		case !ok && terminalPath.MatchString(r.URL.Path):
			w.Header().Set("Content-Security-Policy", terminal.csp)
			found = terminal.asset
			w.Header().Set("Cache-Control", "no-cache")
		case !ok:
			found = index.asset
			fallthrough
		default:
			w.Header().Set("Cache-Control", "no-cache")
		}
		found.serve(w, r)
	}), nil
}

// readAssets reads all files of dist by their names. A name with .gz or .br is a
// form of the one without.
func readAssets(dist fs.FS) (map[string]*asset, error) {
	out := map[string]*asset{}
	return out, fs.WalkDir(dist, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		ext := path.Ext(name)
		if ext == ".gz" || ext == ".br" {
			return nil // read with its file
		}
		text, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		a := newAsset(name, text)
		for ext, form := range map[string]*[]byte{".gz": &a.gzip, ".br": &a.br} {
			if *form, err = fs.ReadFile(dist, name+ext); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		out[name] = a
		return nil
	})
}

func newAsset(name string, text []byte) *asset {
	return &asset{kind: kindOf(name), etag: fmt.Sprintf("%x", sha256.Sum256(text))[:20], plain: text}
}

// kindOf does not ask the system, whose tables differ.
func kindOf(name string) string {
	kinds := map[string]string{".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
		".svg": "image/svg+xml", ".woff2": "font/woff2", ".json": "application/json", ".png": "image/png", ".txt": "text/plain; charset=utf-8"}
	if kind := kinds[path.Ext(name)]; kind != "" {
		return kind
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return "application/octet-stream"
}

// serve sends the smallest form that the client takes.
func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	body, form := a.plain, ""
	takes := accepted(r.Header.Values("Accept-Encoding"))
	switch {
	case a.br != nil && takes["br"]:
		body, form = a.br, "br"
	case a.gzip != nil && takes["gzip"]:
		body, form = a.gzip, "gzip"
	}
	if a.br != nil || a.gzip != nil {
		h.Add("Vary", "Accept-Encoding")
	}
	tag := a.etag
	if form != "" {
		h.Set("Content-Encoding", form)
		h.Set("Content-Length", strconv.Itoa(len(body))) // ServeContent leaves it out for encoded bodies
		tag += "-" + form
	}
	h.Set("ETag", `"`+tag+`"`)
	if r.Header.Get("Range") != "" {
		r = r.Clone(r.Context())
		r.Header.Del("Range") // a part of a compressed body helps nobody
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// accepted reads Accept-Encoding: names with a weight above 0.
func accepted(values []string) map[string]bool {
	out := map[string]bool{}
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if weight, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q="); ok {
			if q, err := strconv.ParseFloat(weight, 64); err != nil || q <= 0 {
				continue
			}
		}
		out[strings.ToLower(strings.TrimSpace(name))] = true
	}
	return out
}
