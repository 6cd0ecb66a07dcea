package terraform

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/internal/archive"
	"coder.internal/provisionerd"
)

// modulesDir is where terraform init puts the modules that it fetches, and
// modulesList the file in it that says which is which.
const (
	modulesDir  = ".terraform/modules"
	modulesList = "modules.json"
)

// keepModules hands in what init has fetched, so that no other host has to. Without
// it the version is as good as before: this host has its initialised directory. It
// comes after the plans, and what it says belongs to their stage: an import that
// fails brings nothing.
func (r *run) keepModules(ctx context.Context) {
	p := r.p
	if r.s.KeepModules == nil || r.job.ArchiveHash == "" {
		return
	}
	// The stored copy is ours: no process of the job can change it meanwhile.
	entry, release, err := p.store.open(p.store.key(r.job))
	if err != nil || entry == "" {
		p.log.Warn("no stored template to take modules from", "job_id", r.job.ID, "error", err)
		return
	}
	defer release()
	data, err := packModules(filepath.Join(entry, filepath.FromSlash(modulesDir)))
	if err == nil && data == nil {
		return
	}
	if err == nil {
		err = r.s.KeepModules(ctx, data)
	}
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		r.note(api.LogWarn, stagePlan, "The modules of this template are not kept with the version: "+notKept(err)+
			". Other provisioners fetch them for themselves.")
		return
	}
	r.note(api.LogDebug, stagePlan, fmt.Sprintf("The modules of this template are kept with the version (%d bytes).", len(data)))
	own := *r.job
	own.ModulesHash = hashOf(data)
	key := p.store.key(&own)
	if p.store.has(key) {
		return
	}
	if err := p.store.publish(key, nil, entry); err != nil {
		p.log.Warn("store an initialised template", "job_id", r.job.ID, "error", err)
	}
}

// notKept words why modules are not kept.
func notKept(err error) string {
	if errors.Is(err, archive.ErrTooLarge) {
		return fmt.Sprintf("they have more than %d MiB compressed, or %d MiB or %d files expanded",
			jobrpc.MaxModulesBytes>>20, jobrpc.MaxArchiveBytes>>20, jobrpc.MaxArchiveFiles)
	}
	return strings.TrimSuffix(first(err.Error()), ".")
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// packModules packs the modules of an initialised directory. It returns nil when
// none came from elsewhere. The history of Git repositories is left out.
func packModules(dir string) ([]byte, error) {
	list, err := readModules(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	remote := false
	for _, m := range list {
		remote = remote || strings.HasPrefix(filepath.ToSlash(m.Dir), modulesDir+"/")
	}
	if !remote {
		return nil, nil
	}
	return archive.Pack(dir, limits(), jobrpc.MaxModulesBytes, func(name string) bool { return path.Base(name) == ".git" })
}

// readModules reads the list of modules in dir. It refuses places outside of the
// template's directory.
func readModules(dir string) ([]installed, error) {
	b, err := readPlain(filepath.Join(dir, modulesList), maxSource)
	if err != nil {
		return nil, fmt.Errorf("read list of modules: %w", err)
	}
	var list struct {
		Modules []installed `json:"Modules"`
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("read list of modules: %w", err)
	}
	if len(list.Modules) > maxCalls {
		return nil, fmt.Errorf("there are more than %d modules", maxCalls)
	}
	for _, m := range list.Modules {
		if !filepath.IsLocal(filepath.FromSlash(m.Dir)) {
			return nil, fmt.Errorf("module %q lies outside of the template", m.Key)
		}
	}
	return list.Modules, nil
}

// versionModules puts the modules that the import has handed in where terraform
// init looks before it fetches. Init compares their sources and versions with what
// the template says.
func (r *run) versionModules(ctx context.Context) error {
	if r.job.ModulesHash == "" || r.s.Modules == nil {
		return nil
	}
	rc, err := r.s.Modules(ctx)
	if err != nil {
		return fmt.Errorf("fetch the modules of the template version: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(rc, jobrpc.MaxModulesBytes+1))
	if err := errors.Join(err, rc.Close()); err != nil {
		return fmt.Errorf("fetch the modules of the template version: %w", err)
	}
	if hashOf(data) != r.job.ModulesHash {
		return damagedModules("their hash is another one")
	}
	err = r.p.as(func() error {
		dir := filepath.Join(r.p.build, filepath.FromSlash(modulesDir))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("place modules: %w", err)
		}
		err := archive.Unpack(bytes.NewReader(data), archive.TarGzip, dir, limits())
		var bad *archive.Error
		if errors.As(err, &bad) || errors.Is(err, archive.ErrTooLarge) {
			return damagedModules(err.Error())
		}
		if err != nil {
			return err
		}
		if _, err := readModules(dir); err != nil {
			return damagedModules(err.Error())
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.note(api.LogDebug, stageInit, "Using the modules that are kept with this template version.")
	return nil
}

func damagedModules(why string) error {
	return &provisionerd.Failure{Message: "The modules kept with this template version cannot be used: " + why +
		". Push the template again."}
}
