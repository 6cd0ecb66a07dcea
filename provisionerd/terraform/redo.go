package terraform

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-exec/tfexec"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
)

// redo is what a killed run has left unfinished: by address, the ids of the
// objects. Terraform runs no destroy-time provisioner for a tainted resource, so
// what a creation had begun, such as a process, would stay for ever. A resource
// that we have tainted is therefore given back its place and replaced by name:
// its provisioners clean up, and it is made anew.
type redo map[string]string

// unmark returns the state without the marks of taint, and what they stood at.
// A state without marks is returned as it is.
func unmark(state []byte) ([]byte, redo, error) {
	if !bytes.Contains(state, []byte(unfinishedMark)) {
		return state, nil, nil
	}
	found := redo{}
	out, err := editInstances(state, func(addr string, inst map[string]any) {
		if inst[unfinishedMark] != true {
			return
		}
		delete(inst, unfinishedMark)
		delete(inst, "status")
		found[addr] = objectID(inst)
	})
	return out, found, err
}

func objectID(inst map[string]any) string {
	attrs, _ := inst["attributes"].(map[string]any)
	return fmt.Sprint(attrs["id"])
}

func (r redo) has(addr string) bool {
	_, ok := r[addr]
	return ok
}

// addresses are those of r, sorted.
func (r redo) addresses() []string {
	out := make([]string, 0, len(r))
	for addr := range r {
		out = append(out, addr)
	}
	slices.Sort(out)
	return out
}

// apply runs the build and, when the clean-up of something unfinished fails, runs
// it once more without that: it may never have begun, and nobody must be needed.
func (r *run) apply(ctx context.Context, work *jobrpc.BuildWork) error {
	err := r.applyOnce(ctx, work)
	if err == nil || ctx.Err() != nil || len(r.redo) == 0 || r.killed() {
		return err
	}
	given, giveErr := r.giveUp()
	if giveErr != nil || len(given) == 0 {
		return err
	}
	for _, addr := range given {
		r.note(api.LogWarn, stageApply, fmt.Sprintf("%s was left unfinished by a killed build and could not be cleaned up; it is dropped without that.", addr))
	}
	r.redo = nil
	return r.applyOnce(ctx, work)
}

// killed reports whether somebody has asked for the end of the job's processes.
func (r *run) killed() bool {
	select {
	case <-r.s.Kill:
		return true
	default:
		return false
	}
}

// giveUp taints the objects of r.redo that are still in the state, for good, and
// returns their addresses.
func (r *run) giveUp() ([]string, error) {
	var state []byte
	err := r.p.as(func() (err error) {
		state, err = readPlain(r.p.stateFile(), jobrpc.MaxStateBytes)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	var left []string
	out, err := editInstances(state, func(addr string, inst map[string]any) {
		if id, ok := r.redo[addr]; ok && id == objectID(inst) {
			inst["status"] = "tainted"
			left = append(left, addr)
		}
	})
	if err != nil || len(left) == 0 {
		return nil, err
	}
	slices.Sort(left)
	if err := r.p.as(func() error { return writePrivate(r.p.stateFile(), out) }); err != nil {
		return nil, fmt.Errorf("write state: %w", err)
	}
	return left, nil
}

// replaceApply and replacePlan make Terraform replace what is to be redone.
func (r *run) replaceApply() []tfexec.ApplyOption {
	var out []tfexec.ApplyOption
	for _, addr := range r.redo.addresses() {
		out = append(out, tfexec.Replace(addr))
	}
	return out
}

func (r *run) replacePlan() []tfexec.PlanOption {
	var out []tfexec.PlanOption
	for _, addr := range r.redo.addresses() {
		out = append(out, tfexec.Replace(addr))
	}
	return out
}
