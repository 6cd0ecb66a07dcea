// Package provisionerdtest has what tests of the daemon loop and of job sources
// need: a scripted Provisioner, a job queue in memory, and a conformance test
// that every JobSource must pass.
//
// It owns no behaviour of the product. The queue in memory speaks the contract of
// jobrpc, with numbered attempts and leases, and forgets everything at its end.
package provisionerdtest

import (
	"context"

	"coder.internal/api/jobrpc"
	"coder.internal/provisionerd"
)

// Script is a Provisioner made of functions. A nil function succeeds with an
// empty result.
type Script struct {
	OnImport  func(ctx context.Context, job *jobrpc.Job, s provisionerd.Session) (*jobrpc.ImportResult, error)
	OnBuild   func(ctx context.Context, job *jobrpc.Job, s provisionerd.Session) (*jobrpc.BuildResult, error)
	OnPlan    func(ctx context.Context, job *jobrpc.Job, s provisionerd.Session) (*jobrpc.PlanResult, error)
	OnSalvage func() ([]byte, error)
	OnDiscard func() error
}

var _ provisionerd.Provisioner = (*Script)(nil)

// Import implements provisionerd.Provisioner.
func (s *Script) Import(ctx context.Context, job *jobrpc.Job, sess provisionerd.Session) (*jobrpc.ImportResult, error) {
	if s.OnImport == nil {
		return &jobrpc.ImportResult{}, nil
	}
	return s.OnImport(ctx, job, sess)
}

// Build implements provisionerd.Provisioner.
func (s *Script) Build(ctx context.Context, job *jobrpc.Job, sess provisionerd.Session) (*jobrpc.BuildResult, error) {
	if s.OnBuild == nil {
		return &jobrpc.BuildResult{}, nil
	}
	return s.OnBuild(ctx, job, sess)
}

// Plan implements provisionerd.Provisioner.
func (s *Script) Plan(ctx context.Context, job *jobrpc.Job, sess provisionerd.Session) (*jobrpc.PlanResult, error) {
	if s.OnPlan == nil {
		return &jobrpc.PlanResult{}, nil
	}
	return s.OnPlan(ctx, job, sess)
}

// Salvage implements provisionerd.Provisioner.
func (s *Script) Salvage() ([]byte, error) {
	if s.OnSalvage == nil {
		return nil, nil
	}
	return s.OnSalvage()
}

// Discard implements provisionerd.Provisioner.
func (s *Script) Discard() error {
	if s.OnDiscard == nil {
		return nil
	}
	return s.OnDiscard()
}
