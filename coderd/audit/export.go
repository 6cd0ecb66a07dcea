package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/database"
)

const (
	// exportRows is how many entries are read at a time.
	exportRows = 500
	// exportPatience is how long a reader may take for them.
	exportPatience = time.Minute
	maxQuery       = 1024
	// endOfExport is the trailer that says that the last line was reached.
	endOfExport = "Coder-Export-Complete"
)

// ExportHandler serves GET /audit/export: what List finds, all of it, as one JSON
// object a line, newest first. The export is whole if it ends with the trailer
// Coder-Export-Complete; otherwise it broke. Entries of a later time than its
// start are not in it.
func (s *Service) ExportHandler(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query().Get("q")
		if len(query) > maxQuery {
			a.WriteError(w, r, api.Invalid("q", fmt.Sprintf("has more than %d bytes.", maxQuery)))
			return
		}
		where, err := s.narrow(r.Context(), query)
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		where.MaxRows = exportRows
		rows, err := s.db.ListAuditLogs(r.Context(), where)
		if err != nil {
			a.WriteError(w, r, fmt.Errorf("export audit log: %w", err))
			return
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("Trailer", endOfExport)
		if err := s.export(r.Context(), w, where, rows); err != nil {
			// What was sent cannot be taken back: a broken stream says so.
			panic(http.ErrAbortHandler)
		}
		w.Header().Set(endOfExport, "true")
	})
}

// export writes rows and all that follow them.
func (s *Service) export(ctx context.Context, w http.ResponseWriter, where database.ListAuditLogsParams, rows []database.ListAuditLogsRow) error {
	out, control := json.NewEncoder(w), http.NewResponseController(w)
	for {
		_ = control.SetWriteDeadline(time.Now().Add(exportPatience))
		for _, r := range rows {
			if err := out.Encode(toLog(r)); err != nil {
				return fmt.Errorf("write audit log: %w", err)
			}
		}
		if len(rows) < exportRows {
			return nil
		}
		where.AfterID = rows[len(rows)-1].AuditLog.ID
		var err error
		if rows, err = s.db.ListAuditLogs(ctx, where); err != nil {
			return fmt.Errorf("export audit log: %w", err)
		}
	}
}
