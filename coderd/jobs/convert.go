package jobs

import (
	"encoding/json"

	"coder.internal/api"
	"coder.internal/database"
)

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
	if len(row.Tags) > len("{}") { // mostly there are none
		_ = json.Unmarshal(row.Tags, &out.Tags)
	}
	if place.Estimate != nil {
		ms := place.Estimate.Milliseconds()
		out.QueueEstimateMillis = &ms
	}
	out.QueueNote, out.Matched, out.AvailableWorkers = place.note(out.Tags), place.matched(), place.Workers
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
