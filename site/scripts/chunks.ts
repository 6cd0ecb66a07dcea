import type { Rolldown } from "vite";

/**
 * chunks are the files that pages share. Without them the bundler makes one of each set of
 * modules that the same pages use: the list of workspaces was 35 files, which a browser
 * fetches six at a time, and each has to be read before the next are known.
 *
 * - common: what the dashboard and the document of terminals both need
 * - shell: what stands around every page, and the list of workspaces, which is the first
 *   page of most visits: index.html names it, so it comes beside the rest
 * - icons, parts: what several other pages use
 *
 * src is the directory of our own code, with a slash at its end.
 */
export function chunks(src: string): Rolldown.CodeSplittingGroup[] {
  const entry = `${src}terminal.tsx`;
  let terminals: ReadonlySet<string> | undefined;
  const common: Rolldown.CodeSplittingNameFunction = (id, context) => {
    if (shared.test(id)) return "common";
    terminals ??= reached(entry, src, context);
    return terminals.has(id) && id !== entry && !id.startsWith(`${src}pages/`) && /\.tsx?$/.test(id) ? "common" : null;
  };
  // In this order: each takes along what its modules import, so none imports one that stands below.
  return [
    { name: common, priority: 4 },
    { name: "icons", test: /lucide-react\/dist\/esm\/icons\//, minShareCount: 2, priority: 3 },
    { name: "shell", test: (id) => first.has(id.slice(src.length)), priority: 2 },
    { name: "parts", test: (id) => own.test(id.slice(src.length)), minShareCount: 3, priority: 1 },
  ];
}

/** Libraries that the terminal's own page names, too. */
const shared = /node_modules\/(@tanstack\/(react-query|query-core)|react-dom|react)\/|vite\/preload-helper/;

const own = /^(ui|components|lib|hooks|api)\/.*\.tsx?$/;
const first: ReadonlySet<string> = new Set(["components/shell.tsx", "pages/workspaces/page.tsx"]);

/** reached are the modules of src that id needs from the start. */
function reached(id: string, src: string, context: Rolldown.ChunkingContext, found = new Set<string>()) {
  if (!id.startsWith(src) || found.has(id)) return found;
  found.add(id);
  for (const next of context.getModuleInfo(id)?.importedIds ?? []) reached(next, src, context, found);
  return found;
}
