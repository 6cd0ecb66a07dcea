import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** Files of these kinds shrink; fonts are compressed already. */
const kinds = /\.(js|css|html|svg|json)$/;

/** compress writes name.gz and name.br beside each file below dir that gets smaller by it. */
export function compress(dir: string) {
  for (const entry of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
    const path = join(dir, entry);
    if (!kinds.test(path) || !statSync(path).isFile() || statSync(path).size < 512) continue;
    const bytes = readFileSync(path);
    writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
    const quality = { [constants.BROTLI_PARAM_QUALITY]: 11 };
    writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: quality }));
  }
}
