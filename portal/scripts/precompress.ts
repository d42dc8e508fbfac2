// Writes a brotli copy beside each text file of the build, so that the server compresses nothing at run time.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import type { Plugin } from "vite";

const TEXT = /\.(js|css|html|svg)$/;
const WORTHWHILE_BYTES = 1024;

export function precompress(): Plugin {
  let directory = "";
  return {
    name: "bowline:precompress",
    apply: "build",
    configResolved(config) {
      directory = join(config.root, config.build.outDir);
    },
    closeBundle() {
      for (const path of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
        if (!TEXT.test(path)) continue;
        const plain = readFileSync(join(directory, path));
        if (plain.length < WORTHWHILE_BYTES) continue;
        const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
        writeFileSync(join(directory, `${path}.br`), brotliCompressSync(plain, { params: quality }));
      }
    },
  };
}
