package terraform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-exec/tfexec"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/provisionerd/coderprovider"
)

// jsonInit is the first version whose init speaks JSON.
const jsonInit = "1.9.0"

// initPoll is how often an init looks whether another one has brought the
// provider that both need.
const initPoll = 50 * time.Millisecond

// source says which kept packages an init may use.
type source int

const (
	fresh  source = iota // those that a registry named lately
	none                 // the registry decides
	all                  // whatever is there: the registry does not answer
	nobody               // no further attempt
)

// init runs terraform init in the build directory. Providers come from the
// packages of earlier inits where they are fresh, else from where the operator
// says, and from the packages again when that does not answer. also names
// providers that the template itself does not.
func (r *run) init(ctx context.Context, also []string) error {
	p := r.p
	start := p.now()
	if err := p.tf.SetEnv(p.env); err != nil {
		return fmt.Errorf("set environment: %w", err)
	}
	if err := p.placeModules(); err != nil {
		return err
	}
	release, err := r.turn(ctx, also)
	if err != nil {
		return err
	}
	defer release()
	err = r.attempts(ctx)
	r.timings = append(r.timings, jobrpc.Timing{Stage: "init", Source: "terraform", Action: "init",
		Resource: "init", StartedAt: start, EndedAt: p.now()})
	if err != nil {
		return err
	}
	if err := p.verifyUsed(); err != nil {
		return err
	}
	if err := p.useProgram(); err != nil {
		return err
	}
	return p.adopt()
}

// attempts runs init with one source after the other, as long as providers are
// what is missing. What an attempt complains about is shown when it is the last.
func (r *run) attempts(ctx context.Context) error {
	known, err := r.p.packages.known(platform())
	if err != nil {
		return err
	}
	anyFresh := slices.Contains(slicesOf(known), true)
	from := none
	if anyFresh {
		from = fresh
	}
	for {
		next := nobody
		switch {
		case from == fresh:
			next = none
		case from == none && len(known) > 0:
			next = all
		}
		var held []jobrpc.Log
		log := r.s.Log
		if next != nobody {
			log = func(line jobrpc.Log) {
				if line.Level == api.LogError || line.Level == api.LogWarn {
					held = append(held, line)
					return
				}
				r.s.Log(line)
			}
		}
		err := r.initFrom(ctx, from, known, log)
		if err != nil && next != nobody && ctx.Err() == nil && aboutProviders(held) {
			from = next
			if next == all {
				r.note(api.LogWarn, stageInit, "A provider registry does not answer; providers of earlier templates are used where they fit.")
			}
			continue
		}
		for _, line := range held {
			r.s.Log(line)
		}
		return err
	}
}

func slicesOf(m map[string]bool) []bool {
	out := make([]bool, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

// aboutProviders reports whether init failed because of where providers come from.
func aboutProviders(lines []jobrpc.Log) bool {
	return slices.ContainsFunc(lines, func(l jobrpc.Log) bool {
		return l.Level == api.LogError && strings.HasPrefix(l.Output, "Error: ") && strings.Contains(l.Output, "provider")
	})
}

// initFrom runs init once.
func (r *run) initFrom(ctx context.Context, from source, known map[string]bool, log func(jobrpc.Log)) error {
	p := r.p
	var kept []string
	for addr, isFresh := range known {
		if from == all || from == fresh && isFresh {
			kept = append(kept, addr)
		}
	}
	slices.Sort(kept)
	if err := writeCLIConfig(p.opts, p.env["TF_CLI_CONFIG_FILE"], p.packages.mirror(), kept); err != nil {
		return err
	}
	out := newOutput(log, p.now, stageInit)
	out.warned = &r.warned
	var plain strings.Builder
	err := r.guarded(ctx, func(ctx context.Context) error {
		if !older(p.opts.Binary.Version, jsonInit) {
			return p.tf.InitJSON(ctx, out, tfexec.Upgrade(false))
		}
		p.tf.SetStdout(&plain)
		return p.tf.Init(ctx, tfexec.Upgrade(false))
	})
	if plain.Len() > 0 {
		_, _ = out.Write([]byte(plain.String()))
	}
	if err != nil {
		return r.explain(ctx, err, out, "terraform init")
	}
	return nil
}

// turn waits while another init on this host fetches the same providers for the
// first time, so that each is fetched once. The function it returns ends the turn.
func (r *run) turn(ctx context.Context, also []string) (func(), error) {
	for {
		missing, err := r.p.missing(also)
		if err != nil || len(missing) == 0 {
			return func() {}, err
		}
		sum := sha256.Sum256([]byte(strings.Join(missing, "\n")))
		unlock, err := lockFile(filepath.Join(r.p.packages.dir, hex.EncodeToString(sum[:8])+".lock"), true)
		if err == nil {
			// They may have come between the look and the lock.
			again, err := r.p.missing(also)
			if err == nil && slices.Equal(missing, again) {
				return unlock, nil
			}
			unlock()
			if err != nil {
				return nil, err
			}
			continue
		}
		t := r.p.opts.Clock.NewTimer(initPoll, "init")
		select {
		case <-ctx.Done():
			t.Stop()
			return nil, fmt.Errorf("wait for providers: %w", context.Cause(ctx))
		case <-t.C:
		}
	}
}

// missing lists the providers of the template in the build directory for which a
// registry will be asked.
func (p *Provisioner) missing(also []string) ([]string, error) {
	known, err := p.packages.known(platform())
	if err != nil {
		return nil, err
	}
	have := map[string]bool{coderprovider.Address: true}
	for addr, isFresh := range known {
		have[addr] = isFresh
	}
	dir, _, err := layout(p.opts.MirrorDir)
	if err != nil {
		return nil, err
	}
	if dir != "" {
		mirrored, err := mirroredProviders(dir)
		if err != nil {
			return nil, err
		}
		for _, addr := range mirrored {
			have[addr] = true
		}
	}
	module, _ := p.module(p.build) // terraform itself reports what is wrong
	wanted := slices.Clone(also)
	for name, req := range module.RequiredProviders {
		wanted = append(wanted, providerAddress(name, req.Source))
	}
	wanted = slices.DeleteFunc(wanted, func(addr string) bool {
		return have[addr] || strings.HasPrefix(addr, "terraform.io/builtin/")
	})
	slices.Sort(wanted)
	return slices.Compact(wanted), nil
}

// providerAddress is the full address of what a template calls name.
func providerAddress(name, source string) string {
	switch strings.Count(source, "/") {
	case 2:
		return strings.ToLower(source)
	case 1:
		return "registry.terraform.io/" + strings.ToLower(source)
	}
	if name == "terraform" {
		return "terraform.io/builtin/terraform"
	}
	return "registry.terraform.io/hashicorp/" + strings.ToLower(name)
}

func platform() string { return runtime.GOOS + "_" + runtime.GOARCH }

// adopt keeps the packages that init brought and lets the initialised directory
// link to them. From then on their checksums say nothing that a build would have
// to compute again: terraform would do so at each start, 12 ms for a small
// provider. See packages. Ours is this program.
func (p *Provisioner) adopt() error {
	entries, err := p.readLock()
	if err != nil {
		return err
	}
	kept := map[string]bool{coderprovider.Address: true}
	for _, l := range entries {
		path := filepath.Join(p.build, ".terraform", "providers", filepath.FromSlash(l.address), l.version, platform())
		real, err := p.resolve(path)
		if kept[l.address] || errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("keep provider package: %w", err)
		}
		if filepath.Dir(real) == p.packages.dir {
			p.packages.use(real)
		} else if real, err = p.packages.add(p.opts.User, real, l.address, l.version, platform(), l.hashes); err != nil {
			// A build without it verifies the checksum by itself.
			p.log.Warn("keep a provider package", "provider", l.address, "version", l.version, "error", err)
			continue
		}
		if err := p.as(func() error { return errors.Join(removeAll(path), os.Symlink(real, path)) }); err != nil {
			return fmt.Errorf("link provider package: %w", err)
		}
		kept[l.address] = true
	}
	return p.as(func() error {
		return editLock(p.build, func(address, entry string) string {
			if kept[address] {
				return lockedHashes.ReplaceAllString(entry, "")
			}
			return entry
		})
	})
}

// readLock reads the lock file of the build directory.
func (p *Provisioner) readLock() (out []locked, err error) {
	err = p.as(func() (err error) { out, err = readLock(p.build); return err })
	return out, err
}

// resolve follows links in the build directory.
func (p *Provisioner) resolve(path string) (real string, err error) {
	err = p.as(func() (err error) { real, err = filepath.EvalSymlinks(path); return err })
	return real, err
}

// verifyUsed checks what init took from the operator's bundle.
func (p *Provisioner) verifyUsed() error {
	entries, err := p.readLock()
	if err != nil {
		return err
	}
	var used []string
	for _, l := range entries {
		real, err := p.resolve(filepath.Join(p.build, ".terraform", "providers", filepath.FromSlash(l.address), l.version, platform()))
		if err == nil && filepath.Dir(real) != p.packages.dir {
			used = append(used, l.address)
		}
	}
	return p.verifyProviders(used)
}
