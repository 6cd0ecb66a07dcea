package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// ExportAuditLog writes the entries that match a search as JSON lines to out, newest
// first. An error means that some may be missing.
func (c *Client) ExportAuditLog(ctx context.Context, search string, out io.Writer) error {
	q := url.Values{}
	if search != "" {
		q.Set("q", search)
	}
	resp, err := c.do(ctx, call{method: http.MethodGet, path: path("audit", "export"), query: q})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(out, resp.Body); err != nil {
		return fmt.Errorf("read the export, which is not whole: %w", err)
	}
	if resp.Trailer.Get("Coder-Export-Complete") == "" {
		return errors.New("the export may not be whole: its end is missing; something on the way may have cut it")
	}
	return nil
}
