package jobs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
	"coder.internal/internal/archive"
)

// KeepModules stores what an import has fetched, once for each content. Sent again
// it changes nothing. It lasts as long as a version of a living template uses it.
func (q *Queue) KeepModules(ctx context.Context, req jobrpc.ModulesRequest) error {
	if err := checkModules(req.Data); err != nil {
		return err
	}
	sum := sha256.Sum256(req.Data)
	hash := hex.EncodeToString(sum[:])
	return q.opts.DB.InTx(ctx, func(tx *database.Queries) error {
		row, err := q.lockHeld(ctx, tx, req.JobID, req.Attempt)
		if err != nil {
			return err
		}
		if !holds(row, req.Attempt) {
			return ErrAttemptOver // they can be fetched again: nothing is lost
		}
		if api.JobType(row.Type) != api.JobTemplateVersionImport {
			return api.Invalid("job_id", "must be that of an import; only imports bring modules")
		}
		if row.ModulesHash != nil && *row.ModulesHash != hash {
			return api.Invalid("data", "this attempt has brought other modules already")
		}
		if err := tx.PutTemplateModules(ctx, database.PutTemplateModulesParams{Hash: hash, Data: req.Data}); err != nil {
			return fmt.Errorf("keep modules of job %s: %w", row.ID, err)
		}
		n, err := tx.SetProvisionerJobModules(ctx, database.SetProvisionerJobModulesParams{
			ID: row.ID, Attempt: row.Attempt, Hash: hash})
		if err != nil {
			return fmt.Errorf("keep modules of job %s: %w", row.ID, err)
		}
		if n == 0 {
			return ErrAttemptOver
		}
		return nil
	})
}

// checkModules refuses what a daemon could not unpack safely.
func checkModules(data []byte) error {
	if len(data) > jobrpc.MaxModulesBytes {
		return &api.Error{Code: api.CodeTooLarge, Message: fmt.Sprintf("The modules have more than %d MiB.", jobrpc.MaxModulesBytes>>20),
			Validations: []api.ValidationError{{Field: "data", Detail: "is too large"}}}
	}
	err := archive.Check(bytes.NewReader(data), archive.TarGzip, archive.Limits{Bytes: jobrpc.MaxArchiveBytes, Files: jobrpc.MaxArchiveFiles})
	if errors.Is(err, archive.ErrTooLarge) {
		return &api.Error{Code: api.CodeTooLarge, Message: fmt.Sprintf("The modules expand to more than %d MiB or %d files.",
			jobrpc.MaxArchiveBytes>>20, jobrpc.MaxArchiveFiles)}
	}
	if err != nil {
		return api.Invalid("data", "the modules cannot be unpacked: "+CleanText(err.Error(), maxError))
	}
	return nil
}

// modulesOf returns the hash of the modules that the import of the version of a
// build or plan has brought, "" if none.
func modulesOf(ctx context.Context, tx *database.Queries, row database.ProvisionerJob) (string, error) {
	if api.JobType(row.Type) == api.JobTemplateVersionImport {
		return "", nil
	}
	hash, err := tx.GetModulesHashOfJob(ctx, row.ID)
	if database.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for modules of job %s: %w", row.ID, err)
	}
	return hash, nil
}

// Modules opens the modules of the version that a running attempt is for.
func (q *Queue) Modules(ctx context.Context, jobID api.ID, attempt int) (io.ReadCloser, error) {
	part, err := q.modulesPart(ctx, jobrpc.ArchiveRequest{JobID: jobID, Attempt: attempt}, jobrpc.MaxModulesBytes)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(part.Data)), nil
}

func (q *Queue) modulesPart(ctx context.Context, req jobrpc.ArchiveRequest, size int32) (jobrpc.ArchivePart, error) {
	row, err := q.opts.DB.GetProvisionerJobModulesPart(ctx, database.GetProvisionerJobModulesPartParams{
		ID: req.JobID, Attempt: attemptNumber(req.Attempt), Start: int32(req.Offset) + 1, Size: size}) //nolint:gosec // bounded by checkOffset
	if database.IsNotFound(err) {
		return jobrpc.ArchivePart{}, ErrAttemptOver
	}
	if err != nil {
		return jobrpc.ArchivePart{}, fmt.Errorf("load modules of job %s: %w", req.JobID, err)
	}
	return jobrpc.ArchivePart{Data: row.Part, Total: int(row.Total)}, nil
}

func (s *session) modules(ctx context.Context, req jobrpc.ArchiveRequest) (jobrpc.ArchivePart, error) {
	if err := s.mine(ctx, req.JobID, req.Attempt); err != nil {
		return jobrpc.ArchivePart{}, err
	}
	if err := checkOffset(req); err != nil {
		return jobrpc.ArchivePart{}, err
	}
	return s.q.modulesPart(ctx, req, jobrpc.MaxArchivePart)
}

func (s *session) keepModules(ctx context.Context, req jobrpc.ModulesRequest) error {
	if err := s.mine(ctx, req.JobID, req.Attempt); err != nil {
		return err
	}
	return s.q.KeepModules(ctx, req)
}

// purgeModules removes what no version uses any more.
func (q *Queue) purgeModules(ctx context.Context) error {
	n, err := q.opts.DB.DeleteUnusedTemplateModules(ctx)
	if err != nil {
		return fmt.Errorf("purge modules: %w", err)
	}
	if n > 0 {
		q.log.Debug("modules of deleted templates were removed", "archives", n)
	}
	return nil
}
