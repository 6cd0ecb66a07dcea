/** What is known of the way to the server: fine, lost, or just found again. */
export type ConnectionState = "fine" | "lost" | "back";

/** How long "back" is said, in milliseconds. */
const said = 4000;

/**
 * Connection gathers what requests and streams notice, and finds out when a lost
 * server is there again. Listeners of onBack then fetch anew.
 */
export class Connection {
  private state: ConnectionState = "fine";
  private readonly listeners = new Set<() => void>();
  private readonly returns = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private tries = 0;

  constructor(private readonly probe: () => Promise<boolean>) {}

  readonly current = () => this.state;

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };

  /** onBack calls back each time a lost connection works again. */
  onBack(listener: () => void): () => void {
    this.returns.add(listener);
    return () => this.returns.delete(listener);
  }

  failed() {
    if (this.state === "lost") return;
    this.set("lost");
    this.tries = 0;
    this.later(500);
  }

  worked() {
    if (this.state !== "lost") return;
    this.set("back");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.set("fine"), said);
    for (const listener of this.returns) listener();
  }

  private later(ms: number) {
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      const there = await this.probe().catch(() => false);
      if (this.state !== "lost") return;
      if (there) this.worked();
      else this.later(Math.min(10_000, 1000 * 2 ** this.tries++));
    }, ms);
  }

  private set(state: ConnectionState) {
    this.state = state;
    for (const listener of this.listeners) listener();
  }
}

/** connection is the one of this page. */
export const connection = new Connection(async () => {
  const url = new URL("api/v2/buildinfo", document.baseURI);
  const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(5000) });
  return answer.ok;
});
