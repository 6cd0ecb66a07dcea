import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

/** What cmd/internal/serve/browser has prepared. */
interface Deployment {
  url: string;
  host: string;
  password: string;
  coder: string;
  template: string;
  home: string;
}

const told = process.env.CODER_TEST_DEPLOYMENT;
if (!told) throw new Error("run these steps with make site-real: they need a server");

export const deployment: Deployment = JSON.parse(told);

const run = promisify(execFile);

/** Person is somebody at a command line, with a directory of their own. */
export class Person {
  private readonly env: Record<string, string>;

  constructor(readonly name: string) {
    const home = mkdtempSync(join(deployment.home, `${name}-`));
    this.env = { PATH: process.env.PATH ?? "", HOME: home, CODER_CONFIG_DIR: join(home, "config"), LANG: "C.UTF-8" };
  }

  /** signIn makes the first user where there is none. */
  async signIn() {
    const env = {
      ...this.env,
      CODER_FIRST_USER_EMAIL: `${this.name}@example.com`,
      CODER_FIRST_USER_USERNAME: this.name,
      CODER_FIRST_USER_PASSWORD: deployment.password,
    };
    await run(deployment.coder, ["login", deployment.url], { env });
  }

  /** coder runs a command of the product and returns what it printed. */
  async coder(...args: string[]): Promise<string> {
    return (await run(deployment.coder, args, { env: this.env, timeout: 90_000 })).stdout;
  }
}
