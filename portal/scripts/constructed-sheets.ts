// Puts the portal's own style sheets in the place of the module with which Monaco writes `<style>` elements: the
// content security policy forbids those.
import { join } from "node:path";
import type { Plugin } from "vite";

const OURS = join(import.meta.dirname, "../app/editor/style-sheets.ts");

export function constructedSheets(): Plugin {
  return {
    name: "bowline:constructed-sheets",
    enforce: "pre",
    resolveId: (source, importer) =>
      source.endsWith("/domStylesheets.js") && importer?.includes("/monaco-editor/") ? OURS : undefined,
  };
}
