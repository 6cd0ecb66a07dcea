package terraform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
)

// unfinished knows which resources Terraform has begun to create and not
// finished. Terraform writes such a resource into its state before the
// resource's provisioners have run, and marks it as tainted only when it lives
// to see them fail. If it is killed in between, the next run would take the
// resource for complete: a machine without its agent. So every state that does
// not come from an orderly end of Terraform has these resources marked as
// tainted, which makes the next run create them anew. Our next run undoes the
// mark and replaces them, so that what they have begun is cleaned up; see redo.
//
// The set is kept in a file as well, for the process that comes after a crash.
type unfinished struct {
	path string
	log  *slog.Logger

	mu    sync.Mutex
	addrs []string
}

// begin notes that Terraform creates addr.
func (u *unfinished) begin(addr string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !slices.Contains(u.addrs, addr) {
		u.addrs = append(u.addrs, addr)
		u.store()
	}
}

// end notes that Terraform has finished addr, well or not.
func (u *unfinished) end(addr string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if i := slices.Index(u.addrs, addr); i >= 0 {
		u.addrs = slices.Delete(u.addrs, i, i+1)
		u.store()
	}
}

// store writes the file; mu is held. A crash leaves the old or the new one.
func (u *unfinished) store() {
	b, err := json.Marshal(u.addrs)
	if err == nil {
		err = os.WriteFile(u.path+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(u.path+".new", u.path)
	}
	if err != nil {
		u.log.Warn("note unfinished resources", "error", err)
	}
}

// recall reads what a process before this one left behind.
func (u *unfinished) recall() {
	b, err := os.ReadFile(u.path)
	if err != nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	var left []string
	if err := json.Unmarshal(b, &left); err != nil {
		u.log.Warn("read unfinished resources", "error", err)
		return
	}
	for _, addr := range left {
		if !slices.Contains(u.addrs, addr) {
			u.addrs = append(u.addrs, addr)
		}
	}
}

// forget empties the set and removes the file.
func (u *unfinished) forget() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.addrs = nil
	if err := os.Remove(u.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// mark returns state with the unfinished resources tainted, and whether there are
// any. A state that cannot be changed is returned as it is: losing it would be
// worse.
func (u *unfinished) mark(state []byte) ([]byte, bool) {
	u.mu.Lock()
	addrs := slices.Clone(u.addrs)
	u.mu.Unlock()
	if len(addrs) == 0 || len(state) == 0 {
		return state, false
	}
	out, err := taint(state, addrs)
	if err != nil {
		u.log.Warn("mark unfinished resources", "error", err)
		return state, false
	}
	return out, true
}

// unfinishedMark stands in an instance that taint has marked. Terraform ignores
// it and leaves it out of the states that it writes; see redo.
const unfinishedMark = "coder_unfinished"

// taint sets the status of the managed instances at addrs to "tainted" and marks
// them as ours.
func taint(state []byte, addrs []string) ([]byte, error) {
	return editInstances(state, func(addr string, inst map[string]any) {
		if slices.Contains(addrs, addr) {
			inst["status"], inst[unfinishedMark] = "tainted", true
		}
	})
}

// editInstances calls edit for the managed instances of a state (format version
// 4), without deposed ones, and leaves everything else as it is.
func editInstances(state []byte, edit func(addr string, inst map[string]any)) ([]byte, error) {
	var doc map[string]any
	dec := json.NewDecoder(bytes.NewReader(state))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	resources, _ := doc["resources"].([]any)
	for _, r := range resources {
		res, _ := r.(map[string]any)
		if res["mode"] != "managed" {
			continue
		}
		n := node{}
		n.module, _ = res["module"].(string)
		n.typ, _ = res["type"].(string)
		n.name, _ = res["name"].(string)
		instances, _ := res["instances"].([]any)
		for _, i := range instances {
			inst, ok := i.(map[string]any)
			if !ok || inst["deposed"] != nil {
				continue
			}
			n.key = inst["index_key"]
			n.address()
			edit(n.addr, inst)
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("write state: %w", err)
	}
	return out.Bytes(), nil
}
