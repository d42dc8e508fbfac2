/**
 * What every test of the pages needs: a world of its own behind the mock, the strings to pull in it, and the checks
 * that hold on every page (nothing is asked of another origin, the content security policy is not violated, no script
 * fails, axe finds nothing).
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test as base, expect, type Page } from "@playwright/test";
import { FACTORY, HOME } from "../../mock-api/fleet.ts";

export { expect, FACTORY, HOME };

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Fixtures {
  /** The world the test starts in: a name of `mock-api/scenarios.ts`. */
  scenario: string;
  pull: (order: string, content?: object) => Promise<void>;
  /** Fails with what axe finds on the page as it is now. */
  checkAccessibility: () => Promise<void>;
  /** Messages that the test expects in the console, because it breaks something on purpose. */
  tolerate: RegExp;
}

export const test = base.extend<Fixtures>({
  scenario: ["fleet", { option: true }],
  tolerate: [/^$/, { option: true }],
  page: async ({ page, context, baseURL, scenario, tolerate }, use) => {
    await context.addCookies([{ name: "mock-world", value: `${scenario}.${randomUUID()}`, url: baseURL ?? "" }]);
    const problems = watch(page, new URL(baseURL ?? "").origin);
    await use(page);
    expect(problems.filter((problem) => !tolerate.test(problem))).toEqual([]);
  },
  pull: async ({ page }, use) => {
    await use(async (order, content = {}) => {
      const answer = await page.context().request.post(`/mock-control/${order}`, { data: content });
      expect(answer.status()).toBe(204);
    });
  },
  checkAccessibility: async ({ page }, use) => {
    await use(async () => {
      await page.evaluate(AXE);
      const found = await page.evaluate(async () => {
        // biome-ignore lint/suspicious/noExplicitAny: axe has put itself into the page.
        const { violations } = await (window as any).axe.run(document, { resultTypes: ["violations"] });
        return violations.map((v: { id: string; nodes: Array<{ html: string; failureSummary: string }> }) => [
          v.id,
          v.nodes.map((n) => `${n.html} ${n.failureSummary}`),
        ]);
      });
      expect(found).toEqual([]);
    });
  },
});

function watch(page: Page, origin: string): string[] {
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(`script: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(origin)) problems.push(`request to another origin: ${request.url()}`);
  });
  return problems;
}

export const clusterPath = (name: string, group = "shop") =>
  `/portal${HOME.id}/resourceGroups/${group}/clusters/${name}`;
export const serverPath = (name: string, group = "data") => `/portal${HOME.id}/resourceGroups/${group}/servers/${name}`;
export const machineId = (name: string, group = "data") =>
  `${HOME.id}/resourceGroups/${group}/providers/Microsoft.HybridCompute/machines/${name}`;
