package jobs

import (
	"context"
	"encoding/json"
	"fmt"

	"coder.internal/api"
	"coder.internal/database"
)

// Place is where a pending job stands: Position 1 is next, 0 is not waiting;
// Size counts all that wait.
type Place struct {
	Position, Size int
}

// Convert gives the API's shape of a job.
func Convert(row database.ProvisionerJob, place Place) api.ProvisionerJob {
	out := api.ProvisionerJob{
		ID:             row.ID,
		OrganizationID: row.OrganizationID,
		InitiatorID:    row.InitiatorID,
		Type:           api.JobType(row.Type),
		Status:         api.JobStatus(row.Status),
		Error:          row.Error,
		ErrorCode:      row.ErrorCode,
		FileID:         row.FileID,
		WorkerID:       row.WorkerID,
		WorkerName:     row.WorkerName,
		Tags:           map[string]string{},
		QueuePosition:  place.Position,
		QueueSize:      place.Size,
		LogsOverflowed: row.LogsOverflowed,
		CreatedAt:      row.CreatedAt,
		StartedAt:      row.StartedAt,
		CompletedAt:    row.CompletedAt,
		CanceledAt:     row.CanceledAt,
	}
	// Enqueue wrote the tags; a row that cannot be read shows none.
	_ = json.Unmarshal(row.Tags, &out.Tags)
	subject := row.SubjectID
	switch out.Type {
	case api.JobTemplateVersionImport:
		out.Input.TemplateVersionID = &subject
	case api.JobWorkspaceBuild:
		out.Input.WorkspaceBuildID = &subject
	case api.JobTemplateVersionDryRun: // its subject is no object of the API
	}
	// A canceled job is no error to clients of the reference; its status says it.
	if out.Status == api.JobCanceled {
		out.Error = ""
	}
	return out
}

// Load returns jobs with their place in the queue, by one statement. Ids that
// are not there are missing from the result.
func Load(ctx context.Context, db *database.Queries, ids ...api.ID) (map[api.ID]api.ProvisionerJob, error) {
	out := make(map[api.ID]api.ProvisionerJob, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	rows, err := db.ListProvisionerJobsByIDs(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("load %d jobs: %w", len(ids), err)
	}
	for _, r := range rows {
		out[r.ProvisionerJob.ID] = Convert(r.ProvisionerJob, Place{int(r.QueuePosition), int(r.QueueSize)})
	}
	return out, nil
}
