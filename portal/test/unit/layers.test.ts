/**
 * Who may import whom in `app/`. A folder names only folders that stand before it; `ui` knows no router, no server and
 * no session, so that its parts can be shown anywhere.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, it } from "vitest";

const APP = join(import.meta.dirname, "../../app");
const MAY_IMPORT: Record<string, string[]> = {
  util: ["util"],
  api: ["api", "util"],
  ui: ["ui", "util"],
  chart: ["chart", "util"],
  editor: ["editor", "util"],
  hooks: ["hooks", "api", "util"],
  table: ["table", "ui", "util"],
  components: ["components", "table", "ui", "hooks", "api", "util"],
  pages: ["pages", "components", "table", "chart", "editor", "ui", "hooks", "api", "util"],
  forms: ["forms", "components", "table", "ui", "hooks", "api", "util"],
};
/** Packages that only some folders may name. */
const PACKAGES: Record<string, string[]> = {
  "@tanstack/react-router": ["components"],
  "@tanstack/react-query": ["api", "hooks", "components", "pages", "forms"],
};

interface Import {
  file: string;
  folder: string;
  target: string;
}

function imports(): Import[] {
  const files = readdirSync(APP, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));
  return files
    .filter((file) => file.includes("/") && !file.includes("__generated__"))
    .flatMap((file) => {
      const source = readFileSync(join(APP, file), "utf8");
      const folder = file.split("/")[0] ?? "";
      return [...source.matchAll(/(?:from|import) "([^"]+)"/g)].map(([, target = ""]) => ({ file, folder, target }));
    });
}

function allowed({ file, folder, target }: Import): boolean {
  if (!target.startsWith(".")) return PACKAGES[target]?.includes(folder) ?? true;
  const inside = relative(APP, join(APP, dirname(file), target)).split("/")[0] ?? "";
  return MAY_IMPORT[folder]?.includes(inside) ?? false;
}

it("imports point one way", () => {
  const all = imports();
  expect(all.length).toBeGreaterThan(100);
  const wrong = all.filter((one) => !allowed(one)).map(({ file, target }) => `${file} imports ${target}`);
  expect(wrong).toEqual([]);
});

it("nothing names another origin", () => {
  const files = readdirSync(APP, { recursive: true, encoding: "utf8" }).filter((file) => /\.(tsx?|css)$/.test(file));
  const naming = files.filter((file) => /["'(](https?:)?\/\/[a-z]/i.test(readFileSync(join(APP, file), "utf8")));
  expect(naming).toEqual([]);
});
