/**
 * One item that an agent measures. It comes in events whose data the API document
 * does not describe; api/agentmetadata.go has the same fields. Times are in seconds.
 */
export interface AgentMetadata {
  result: { collected_at: string; age: number; value: string; error: string };
  description: { display_name: string; key: string; script: string; interval: number; timeout: number };
}
