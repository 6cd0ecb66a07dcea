import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { mockPlugin } from "./mock/plugin";
import { chunks } from "./scripts/chunks";
import { compress } from "./scripts/compress";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The server sends what is compressed here; it compresses nothing itself. */
const compressed: Plugin = {
  name: "compressed",
  apply: "build",
  closeBundle: () => compress(here("dist")),
};

/** The document of terminals, where the server has it too. */
const terminalPage: Plugin = {
  name: "terminal page",
  apply: "serve",
  configureServer: ({ middlewares }) => {
    middlewares.use((req, _, next) => {
      if (/^\/@[^/]+\/[^/]+\/terminal\/?(\?|$)/.test(req.url ?? "")) req.url = "/terminal.html";
      next();
    });
  },
};

// "npm run dev" answers from the mock; with CODER_URL set, from that server.
const backend = process.env.CODER_URL;

export default defineConfig({
  // Relative, because an access URL may have a path; <base> says which.
  base: "./",
  plugins: [react(), tailwindcss(), compressed, terminalPage, ...(backend ? [] : [mockPlugin()])],
  resolve: {
    alias: {
      "@": here("src"),
      // The library writes <style> elements, which our policy forbids.
      "react-remove-scroll": here("src/ui/removescroll.tsx"),
      // Its form for browsers needs a document, which the worker that reads Markdown has not.
      "decode-named-character-reference": here("node_modules/decode-named-character-reference/index.js"),
    },
  },
  build: {
    assetsInlineLimit: 0,
    target: "es2022",
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // The server answers with terminal.html for the paths of terminals; see docs/decisions/0028.
    rolldownOptions: {
      input: [here("index.html"), here("terminal.html")],
      output: { codeSplitting: { groups: chunks(here("src/")) } },
    },
  },
  server: {
    host: "127.0.0.1",
    // The server refuses changes and websockets that come from pages of others.
    proxy: backend
      ? {
          "/api": { target: backend, ws: true, changeOrigin: true, headers: { origin: new URL(backend).origin } },
          "/external-auth": { target: backend, headers: { origin: new URL(backend).origin } },
        }
      : {},
  },
  test: {
    projects: [
      {
        extends: true,
        test: { name: "unit", environment: "node", include: ["src/**/*.test.{ts,tsx}", "mock/**/*.test.ts"] },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          environment: "node",
          include: ["e2e/**/*.e2e.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "real",
          environment: "node",
          include: ["e2e/real/*.real.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          bail: 1, // each step stands on those before it
        },
      },
    ],
  },
});
