import type { Plugin } from "vite";
import { answer, upgrade } from "./mock";
import { seed } from "./seed";

/** mockPlugin lets "npm run dev" answer from the mock: alice@example.test, hunter22-mock. */
export function mockPlugin(): Plugin {
  return {
    name: "mock",
    apply: "serve",
    configureServer(server) {
      const store = seed();
      server.middlewares.use((req, res, next) => {
        if (/^\/(api|external-auth)\//.test(req.url ?? "")) void answer(store, req, res);
        else next();
      });
      server.httpServer?.on("upgrade", (req, socket, head) => {
        if (req.url?.startsWith("/api/")) upgrade(store, req, socket, head);
      });
    },
  };
}
