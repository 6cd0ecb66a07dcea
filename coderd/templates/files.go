package templates

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
	"coder.internal/internal/archive"
)

// MaxUpload bounds an archive as it is sent, in bytes.
const MaxUpload = 10 << 20

// Upload checks and stores an archive of the caller. The same bytes of the same
// owner are stored once; created says whether this call stored them.
func (s *Service) Upload(ctx context.Context, contentType string, data []byte) (id api.ID, created bool, err error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return api.ID{}, false, err
	}
	if err := rbac.Check(ctx, rbac.Create, rbac.Object{Type: rbac.TypeFile, OwnerID: caller.UserID}, aFile); err != nil {
		return api.ID{}, false, err
	}
	kind, err := archiveType(contentType)
	if err != nil {
		return api.ID{}, false, err
	}
	if err := checkArchive(data, kind); err != nil {
		return api.ID{}, false, err
	}
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		id, created, err = s.storeFile(ctx, q, caller, kind, data)
		return err
	})
	return id, created, err
}

// archiveType maps a content type to the two that are stored.
func archiveType(contentType string) (string, error) {
	switch contentType {
	case api.ContentTypeTar:
		return api.ContentTypeTar, nil
	case api.ContentTypeZip, "application/x-zip-compressed":
		return api.ContentTypeZip, nil
	}
	return "", &api.Error{Code: api.CodeUnsupported,
		Message:     "Archives must have the content type " + api.ContentTypeTar + " or " + api.ContentTypeZip + ".",
		Validations: []api.ValidationError{{Field: "Content-Type", Detail: "is not one of them"}}}
}

// checkArchive refuses what could not be unpacked safely.
func checkArchive(data []byte, kind string) error {
	if len(data) == 0 {
		return api.Invalid("file", "the archive is empty.")
	}
	if len(data) > MaxUpload {
		return tooLarge(fmt.Sprintf("The archive is larger than %d MiB. Leave out what the template does not need.", MaxUpload>>20))
	}
	err := archive.Check(bytes.NewReader(data), kind, archive.Limits{Bytes: jobrpc.MaxArchiveBytes, Files: jobrpc.MaxArchiveFiles})
	var bad *archive.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, archive.ErrTooLarge):
		return tooLarge(fmt.Sprintf("The archive expands to more than %d MiB or %d files.", jobrpc.MaxArchiveBytes>>20, jobrpc.MaxArchiveFiles))
	case errors.As(err, &bad):
		return api.Invalid("file", bad.Error())
	}
	return api.Invalid("file", "the archive cannot be read: "+err.Error())
}

func tooLarge(message string) error {
	return &api.Error{Code: api.CodeTooLarge, Message: message,
		Validations: []api.ValidationError{{Field: "file", Detail: "is too large"}}}
}

// storeFile stores a checked archive and records the upload.
func (s *Service) storeFile(ctx context.Context, q *database.Queries, caller rbac.Subject, kind string, data []byte) (api.ID, bool, error) {
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	row, err := q.InsertFile(ctx, database.InsertFileParams{
		ID: api.NewID(), Hash: hash, Mimetype: kind, Data: data, CreatedBy: caller.UserID})
	if database.IsNotFound(err) {
		// Another upload of the same bytes committed between the two halves of the
		// statement; this time it is seen.
		row, err = q.InsertFile(ctx, database.InsertFileParams{
			ID: api.NewID(), Hash: hash, Mimetype: kind, Data: data, CreatedBy: caller.UserID})
	}
	if err != nil {
		return api.ID{}, false, fmt.Errorf("store archive: %w", err)
	}
	if !row.Created {
		return row.ID, false, nil
	}
	return row.ID, true, audit.Record(ctx, q, audit.Entry{Action: audit.Create, ResourceType: typeFile,
		ResourceID: row.ID, Target: hash, StatusCode: http.StatusCreated,
		After: map[string]any{"hash": hash, "mimetype": kind, "size": len(data)}})
}

// File returns an archive with its content. Its owner may read it, and who may
// read files of an organization that has a version of it.
func (s *Service) File(ctx context.Context, id api.ID) (database.File, error) {
	if err := s.mayReadFile(ctx, id); err != nil {
		return database.File{}, err
	}
	row, err := s.opts.DB.GetFile(ctx, id)
	if database.IsNotFound(err) {
		return row, api.NotFound(aFile)
	}
	if err != nil {
		return row, fmt.Errorf("load file %s: %w", id, err)
	}
	return row, nil
}

func (s *Service) mayReadFile(ctx context.Context, id api.ID) error {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return err
	}
	info, err := s.opts.DB.GetFileInfo(ctx, id)
	if database.IsNotFound(err) {
		return api.NotFound(aFile)
	}
	if err != nil {
		return fmt.Errorf("load file %s: %w", id, err)
	}
	if rbac.Authorize(caller, rbac.Read, rbac.Object{Type: rbac.TypeFile, ID: id, OwnerID: info.CreatedBy}) {
		return nil
	}
	orgs, err := s.opts.DB.ListOrganizationsOfFile(ctx, id)
	if err != nil {
		return fmt.Errorf("load organizations of file %s: %w", id, err)
	}
	for _, org := range orgs {
		if rbac.Authorize(caller, rbac.Read, rbac.Object{Type: rbac.TypeFile, ID: id, OrgID: org}) {
			return nil
		}
	}
	return api.NotFound(aFile)
}

// Example is a starter template: what people read about it and its files.
type Example struct {
	api.TemplateExample
	Files fs.FS
}

// Examples lists the starter templates, for everyone who may see templates.
func (s *Service) Examples(ctx context.Context) ([]api.TemplateExample, error) {
	if _, err := rbac.Caller(ctx); err != nil {
		return nil, err
	}
	out := make([]api.TemplateExample, len(s.opts.Examples))
	for i, e := range s.opts.Examples {
		out[i] = e.TemplateExample
		if out[i].Tags == nil {
			out[i].Tags = []string{}
		}
	}
	return out, nil
}

// exampleArchive packs a starter template. The bytes depend on the files alone,
// so that the archive is stored once.
func (s *Service) exampleArchive(id string) ([]byte, error) {
	for _, e := range s.opts.Examples {
		if e.ID == id {
			return pack(e.Files)
		}
	}
	return nil, api.Invalid("example_id", "there is no such starter template; GET /api/v2/templates/examples lists them.")
}

func pack(files fs.FS) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := files.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // read only
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: info.Size(), Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		_, err = io.Copy(w, f)
		return err
	})
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("pack starter template: %w", err)
	}
	return buf.Bytes(), nil
}
