import type { WebSocket } from "ws";
import type { Input } from "../src/api/generated";
import { type Handlers, Refusal, type Sockets } from "./handler";

const window = 1 << 20;
const chunk = 64 << 10;

interface Viewer {
  ws: WebSocket;
  sent: number;
  drawn: number;
}

/** MockTerminal is a program that looks like a shell; help lists what it does. */
export class MockTerminal {
  readonly viewers = new Set<Viewer>();
  /** typed is all that came from viewers. */
  typed = "";
  sizes: string[] = [];
  private screen = "";
  private line = "";
  private prompt = "\x1b[1;32mcoder@api\x1b[0m:\x1b[1;34m~\x1b[0m$ ";

  constructor(readonly command: string) {
    this.write(command ? `(${command})\r\n${this.prompt}` : this.prompt);
  }

  join(ws: WebSocket): () => void {
    const viewer = { ws, sent: 0, drawn: 0 };
    this.viewers.add(viewer);
    this.send(viewer, Buffer.from(`\x1bc${this.screen}`));
    ws.on("message", (data) => {
      for (const input of [JSON.parse(data.toString()) as Input]) {
        if (input.ack) viewer.drawn = input.ack;
        if (input.width) this.sizes.push(`${input.width}×${input.height}`);
        if (input.data) this.type(input.data);
      }
    });
    return () => this.viewers.delete(viewer);
  }

  write(text: string) {
    this.screen = (this.screen + text).slice(-200_000);
    const bytes = Buffer.from(text);
    for (const viewer of this.viewers) this.send(viewer, bytes);
  }

  private send(viewer: Viewer, bytes: Buffer) {
    viewer.sent += bytes.length;
    viewer.ws.send(bytes);
  }

  private type(data: string) {
    this.typed += data;
    for (const key of data) {
      if (key === "\r") {
        const line = this.line;
        this.line = "";
        this.write("\r\n");
        void this.run(line.trim());
      } else if (key === "\u007f") {
        if (this.line) this.write("\b \b");
        this.line = this.line.slice(0, -1);
      } else if (key === "\u0003") {
        this.line = "";
        this.write(`^C\r\n${this.prompt}`);
      } else if (key >= " ") {
        this.line += key;
        this.write(key);
      }
    }
  }

  private async run(line: string) {
    const [name, ...rest] = line.split(" ");
    const text = rest.join(" ");
    if (name === "exit") {
      for (const { ws } of this.viewers) ws.close(1000, `The terminal has ended with exit code ${text || 0}.`);
      return;
    }
    if (name === "big") await this.big(Number(text || 20));
    else this.write(outputs(name ?? "", text));
    this.write(this.prompt);
  }

  /** big is so many MB as they come from cat, no faster than they are drawn. */
  private async big(megabytes: number) {
    const line = `${"The quick brown fox jumps over the lazy dog, and \x1b[33mso on\x1b[0m. ".repeat(2)}\r\n`;
    const bytes = Buffer.from(line.repeat(Math.ceil(chunk / line.length)));
    for (let sent = 0; sent < megabytes * 1e6; sent += bytes.length) {
      for (const viewer of this.viewers) {
        while (viewer.sent - viewer.drawn > window && this.viewers.has(viewer)) await new Promise(setImmediate);
        this.send(viewer, bytes);
      }
      await new Promise(setImmediate);
    }
    this.write("the end\r\n");
  }
}

function outputs(name: string, text: string): string {
  switch (name) {
    case "":
      return "";
    case "seq":
      return Array.from({ length: Number(text) }, (_, i) => `${i + 1}\r\n`).join("");
    case "title":
      return `\x1b]0;${text}\u0007`;
    case "evil":
      return "\x1b]0;\u202e<img src=x onerror=alert(1)>\u0007<script>alert(1)</script> javascript:alert(1) \x1b]8;;javascript:alert(1)\x1b\\link\x1b]8;;\x1b\\ \u0007\x1b]52;c;?\u0007\r\n";
    case "copy":
      return `\x1b]52;c;${Buffer.from(text).toString("base64")}\u0007`;
    case "bracketed":
      return "\x1b[?2004h";
    case "ls":
      return "\x1b[1;34mapi\x1b[0m  \x1b[1;34mcmd\x1b[0m  go.mod  go.sum  \x1b[1;32mmake.sh\x1b[0m  \x1b[33mREADME.md\x1b[0m  \x1b[31mbroken\x1b[0m  https://example.test/docs\r\n";
    default:
      return `${name}: command not found\r\n`;
  }
}

export const terminals: Handlers = {
  // What a page asks for when its websocket was refused.
  "GET /api/v2/workspaceagents/{workspaceagent}/pty": () => {
    throw new Refusal(400, { code: "invalid", message: "This route needs a websocket." });
  },
  "GET /api/v2/users/{user}/appearance": () => ({
    terminal_font: "",
    theme_dark: "",
    theme_light: "",
    theme_mode: "",
    theme_preference: "",
  }),
  "GET /api/v2/applications/modes": ({ store }) => ({
    modes: [
      {
        name: "subdomain",
        enabled: store.appHost !== "",
        sharing: store.appHost !== "",
        reason: store.appHost
          ? "--wildcard-access-url is set: every application and port has a host of its own."
          : "No --wildcard-access-url is set. With one, such as *.apps.example.com, every application and port has a host of its own, and can be shared.",
      },
      { name: "path", enabled: false, sharing: false, reason: "No --path-apps-url is set." },
      { name: "port-forward", enabled: true, sharing: false, reason: "coder port-forward reaches every port." },
    ],
  }),
};

export const terminalSockets: Sockets = {
  "GET /api/v2/workspaceagents/{workspaceagent}/pty": ({ store, path, query, raw }) => {
    const agents = store.workspaces.flatMap((w) => w.latest_build.resources ?? []).flatMap((r) => r.agents ?? []);
    const agent = agents.find((a) => a.id === path.workspaceagent);
    const id = query.reconnect ?? "";
    let terminal = store.terminals.get(id);
    if (!terminal) {
      const app = (agent?.apps ?? []).find((a) => a.slug === query.app);
      terminal = new MockTerminal(app?.command ?? query.command ?? "");
      store.terminals.set(id, terminal);
    }
    terminal.sizes.push(`${query.width}×${query.height}`);
    return terminal.join(raw);
  },
};
