// Package templates owns templates, their versions, parameters and variables,
// and the archives that people upload. It never runs Terraform and never looks
// inside a module; an archive is only checked for what unpacking it may do.
//
// A version is made together with its import job (coderd/jobs) and never changes
// but for its name, its message and whether it is archived:
//
//	job pending|running ── Complete ─→ succeeded: may become a template's active version
//	                    └─ Fail, Cancel ─→ failed|canceled: kept for its logs
//
// A template is made from a version whose import succeeded and always has one
// active version, which belongs to it, succeeded and is not archived. It cannot
// be deleted while workspaces of it exist.
//
// Members of the organization may read and use; template administrators write.
// Values of sensitive variables are encrypted at rest and never sent out.
package templates
