import type { AuditLogResponse, ConnectionLogResponse } from "@/api/generated";

// The entries of an answer: the same functions for a page and for the loader before it.

export const auditRows = (page: AuditLogResponse) => page.audit_logs ?? [];
export const connectionRows = (page: ConnectionLogResponse) => page.connection_logs ?? [];
