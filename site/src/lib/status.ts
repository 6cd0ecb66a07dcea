type Tone = "ok" | "busy" | "warn" | "bad" | "off";

const tones: Record<string, Tone> = {
  pending: "busy",
  starting: "busy",
  running: "ok",
  stopping: "busy",
  stopped: "off",
  failed: "bad",
  canceling: "busy",
  canceled: "warn",
  deleting: "busy",
  deleted: "off",
  succeeded: "ok",
  connecting: "busy",
  connected: "ok",
  disconnected: "bad",
  timeout: "warn",
};

/** toneOf is the colour of a state of a workspace, a job or an agent. */
export function toneOf(status: string): Tone {
  return tones[status] ?? "off";
}

/** underWay says that a state will change by itself. */
export function underWay(status: string): boolean {
  return ["pending", "starting", "stopping", "canceling", "deleting"].includes(status);
}

/** refusal says why a workspace in a state cannot be started, stopped or deleted; "" where it can. */
export function refusal(action: "start" | "stop" | "delete", status: string): string {
  if (underWay(status)) return "A build is under way.";
  if (status === "deleted") return "The workspace is deleted.";
  if (action === "start" && status === "running") return "It is running already.";
  if (action === "stop" && status === "stopped") return "It is stopped already.";
  return "";
}
