/** Queries on a running server: its rows, its errors, its pages, under its policies. Environment as in `portal.spec.ts`. */
import { expect, type Page, test } from "@playwright/test";
import { signIn, watchForProblems } from "./sign-in.ts";

const rows = (page: Page) => page.getByRole("table", { name: "Rows" }).locator("tbody").getByRole("row");

async function write(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: /^Query\./ }).focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(text);
}

test("an operator asks the server in KQL", async ({ page }) => {
  const problems = watchForProblems(page);
  const policies = new Map<string, string>();
  page.on("response", (response) => {
    const name = /portal\/assets\/([\w.]+?)-/.exec(response.url())?.[1];
    if (name) policies.set(name, response.headers()["content-security-policy"] ?? "");
  });
  await signIn(page);
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Query" }).click();

  await write(page, "ResourceContainers\n| where type == 'microsoft.resources/subscriptions'\n| project name, type");
  await page.keyboard.press("Control+Enter");
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page)).toContainText("microsoft.resources/subscriptions");

  await write(page, "Resources | project nmae");
  await page.keyboard.press("Shift+Enter");
  await expect(page.getByRole("button", { name: "Line 1, column 21" })).toBeVisible();
  await expect(page.getByText("did you mean 'name'?")).toBeVisible();
  await expect(page.locator(".squiggly-error").first()).toBeVisible();

  await write(page, "range x from 1 to 250 step 1");
  await page.keyboard.press("Control+Enter");
  await expect(page.getByText("1 to 100 of 250")).toBeVisible();
  await page.getByRole("button", { name: "Next" }).click();
  await expect(page.getByText("101 to 200 of 250")).toBeVisible();

  await write(page, "range x from 1 to 3 step 1 | extend name = strcat('n', x) | project name, x | render columnchart");
  await page.keyboard.press("Control+Enter");
  await expect(page.getByRole("img", { name: "Column chart of x by name" }).locator("rect")).toHaveCount(3);

  // Completion by the server's own schema, from the worker under its own policy.
  await write(page, "Resources | where ");
  await page.keyboard.press("Control+Space");
  await expect(page.locator(".suggest-widget").getByText("extendedLocation", { exact: true })).toBeVisible();
  expect(policies.get("kusto.worker")).toContain("'unsafe-eval'");
  for (const [name, policy] of policies) if (name !== "kusto.worker") expect(policy, name).not.toContain("unsafe");
  expect(problems).toEqual([]);
});
