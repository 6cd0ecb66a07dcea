import { socketURL } from "@/api/base";
import { ApiError, address, request } from "@/api/client";
import type { Input } from "@/api/generated";
import type { Place } from "./place";

/** What becomes of a terminal. */
export type State =
  | { kind: "waiting" }
  | { kind: "connecting" }
  | { kind: "connected" }
  | { kind: "lost"; again: number }
  | { kind: "ended"; reason: string }
  | { kind: "refused"; error: unknown };

export interface Screen {
  size: () => { width: number; height: number };
  /** show draws bytes and calls done when it has. */
  show: (bytes: Uint8Array, done: () => void) => void;
}

/** Characters of one message: what is pasted goes in parts. */
const part = 16 << 10;
/** Characters that wait for a connection, or in it. More than that nobody types. */
const mostWaiting = 1 << 20;
/** The server is told what was drawn after so many bytes; it sends 1 MiB ahead. */
const ackEvery = 128 << 10;
const endpoint = "GET /api/v2/workspaceagents/{workspaceagent}/pty";

/** Session is the websocket to one terminal, and to the same one again when it breaks. */
export class Session {
  private socket: WebSocket | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private tries = 0;
  private state: State = { kind: "waiting" };
  private sent = { width: 0, height: 0 };

  constructor(
    private readonly agent: string,
    private readonly id: string,
    private readonly place: Place,
    private readonly screen: Screen,
    private readonly changed: (state: State) => void,
  ) {}

  /** open connects, now. */
  open() {
    clearTimeout(this.timer);
    this.drop();
    this.set({ kind: "connecting" });
    const socket = new WebSocket(socketURL(address(endpoint, this.call())));
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    let opened = false;
    let drawn = 0;
    let told = 0;
    socket.onopen = () => {
      opened = true;
      this.tries = 0;
      this.set({ kind: "connected" });
      this.resize();
    };
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      const bytes = typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);
      this.screen.show(bytes, () => {
        drawn += bytes.length;
        if (this.socket !== socket || (told > 0 && drawn - told < ackEvery)) return;
        told = drawn;
        this.send({ ack: drawn });
      });
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = undefined;
      if (event.code === 1000) this.set({ kind: "ended", reason: event.reason });
      else if (event.code === 1008) this.set({ kind: "refused", error: new Error(event.reason) });
      else this.later(opened);
    };
  }

  /** leave closes the page's end; the terminal goes on. */
  leave() {
    clearTimeout(this.timer);
    this.drop();
  }

  type(text: string) {
    if ((this.socket?.bufferedAmount ?? mostWaiting) >= mostWaiting) return;
    for (let from = 0; from < text.length; ) {
      let to = Math.min(from + part, text.length);
      // A character of two units is not torn.
      if (to < text.length && /[\ud800-\udbff]/.test(text[to - 1]!)) to--;
      this.send({ data: text.slice(from, to) });
      from = to;
    }
  }

  /** resize tells the size of the screen where it is another one. */
  resize() {
    const size = this.screen.size();
    if (size.width === this.sent.width && size.height === this.sent.height) return;
    if (this.send(size)) this.sent = size;
  }

  private call() {
    const { command, app, container, containerUser } = this.place;
    this.sent = this.screen.size();
    const query = { reconnect: this.id, ...this.sent, command, app, container, container_user: containerUser };
    return { path: { workspaceagent: this.agent }, query };
  }

  private send(input: Input): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(input));
    return true;
  }

  /** later tries again: soon, then less often, never all pages at the same moment. */
  private later(opened: boolean) {
    const wait = Math.min(15_000, 500 * 2 ** this.tries++) * (0.5 + Math.random());
    this.set({ kind: "lost", again: Date.now() + wait });
    this.timer = setTimeout(() => this.open(), wait);
    // A browser does not say why a websocket was refused: the same question in plain does.
    if (!opened) void this.ask();
  }

  private async ask() {
    const at = this.state;
    try {
      await request(endpoint, this.call());
    } catch (error) {
      const final = error instanceof ApiError && [400, 403, 404, 409].includes(error.status) && error.code !== "";
      if (!final || this.state !== at || (error.status === 400 && error.validations.length === 0)) return;
      clearTimeout(this.timer);
      this.set({ kind: "refused", error });
    }
  }

  private drop() {
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
  }

  private set(state: State) {
    this.state = state;
    this.changed(state);
  }
}
