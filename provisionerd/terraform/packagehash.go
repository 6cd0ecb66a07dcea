package terraform

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"coder.internal/internal/bundle"
	"coder.internal/internal/runas"
)

// packageFiles lists the files of a package, sorted, as slash-separated names.
// Links are followed, as Terraform does.
func packageFiles(dir string) ([]string, error) {
	var names []string
	var total int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if !info.Mode().IsRegular() || strings.Contains(rel, "\n") {
			return fmt.Errorf("%s is not a regular file", rel)
		}
		names = append(names, rel)
		if total += info.Size(); total > maxPackageBytes || len(names) > maxPackageFiles {
			return fmt.Errorf("it is larger than %d bytes or %d files", maxPackageBytes, maxPackageFiles)
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

// hashPackage computes the hash that Terraform writes into lock files ("h1:").
func hashPackage(dir string) (string, error) {
	names, err := packageFiles(dir)
	if err != nil {
		return "", err
	}
	all := sha256.New()
	for _, name := range names {
		sum, err := bundle.HashFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(all, "%s  %s\n", sum, name)
	}
	return "h1:" + base64.StdEncoding.EncodeToString(all.Sum(nil)), nil
}

// copyPackage copies the files of src, which belongs to from, into dst, which
// exists.
func copyPackage(from *runas.User, src, dst string) error {
	var names []string
	modes := map[string]fs.FileMode{}
	err := from.Do(func() (err error) {
		names, err = packageFiles(src)
		for _, name := range names {
			info, statErr := os.Stat(filepath.Join(src, filepath.FromSlash(name)))
			if statErr != nil {
				return statErr
			}
			modes[name] = info.Mode().Perm()
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		to := filepath.Join(dst, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := copyFile(from, filepath.Join(src, filepath.FromSlash(name)), nil, to, modes[name]|0o600); err != nil {
			return err
		}
	}
	return nil
}

// fileRecords looks at the files of a package without reading them.
func fileRecords(dir string) ([]fileRecord, error) {
	names, err := packageFiles(dir)
	if err != nil {
		return nil, err
	}
	var out []fileRecord
	for _, name := range names {
		info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		out = append(out, fileRecord{Name: name, Size: info.Size(), Mode: uint32(info.Mode()),
			ModTime: info.ModTime().UnixNano(), Changed: changeTime(info)})
	}
	return out, nil
}
