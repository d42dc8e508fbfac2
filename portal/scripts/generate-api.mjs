// Turns the server's OpenAPI document into the typed client under app/api/__generated__/.
//
//   node scripts/generate-api.mjs           writes the files
//   node scripts/generate-api.mjs --from F  from another document, to try it
//   node scripts/generate-api.mjs --check   fails when the committed files differ from what would be written
//
// The document is `openapi/bowline.json`, which the server renders.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { renderOperations } from "./generate-api/operations.mjs";
import { renderTypes } from "./generate-api/types.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const portal = dirname(here);
const rendered = join(portal, "../openapi/bowline.json");
const from = process.argv.indexOf("--from");
const source = (from > 0 && process.argv[from + 1]) || rendered;
const target = join(portal, "app/api/__generated__");

const document = JSON.parse(readFileSync(source, "utf8"));
const banner = `// Generated from ${relative(portal, source)} by scripts/generate-api.mjs. Do not edit: run \`npm run gen:api\`.\n`;
const files = {
  "types.ts": banner + renderTypes(document),
  "operations.ts": banner + renderOperations(document),
};

const stale = Object.entries(files).filter(([name, text]) => read(join(target, name)) !== text);
if (process.argv.includes("--check")) {
  for (const [name] of stale) {
    console.error(`app/api/__generated__/${name} is not what ${relative(portal, source)} says. Run: npm run gen:api`);
  }
  process.exit(stale.length === 0 ? 0 : 1);
}
mkdirSync(target, { recursive: true });
for (const [name, text] of stale) writeFileSync(join(target, name), text);
console.log(
  `${stale.length} of ${Object.keys(files).length} generated files changed (from ${relative(portal, source)})`,
);

function read(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
