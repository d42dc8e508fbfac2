import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { expect, test } from "./portal.ts";

const QUERY = "/portal/query";
const address = (query: string) => `${QUERY}?q=${encodeURIComponent(query)}`;
const editor = (page: Page) => page.getByRole("textbox", { name: /^Query\./ });
const rows = (page: Page) => page.getByRole("table", { name: "Rows" }).locator("tbody").getByRole("row");

/** Replaces the text of the editor as a person does. */
async function write(page: Page, text: string): Promise<void> {
  await editor(page).focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(text);
}

test.describe("a query", () => {
  test("runs by the keyboard, shows rows, and stands in the address", async ({ page, checkAccessibility }) => {
    await page.goto("/portal/");
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Query" }).click();
    await expect(page).toHaveTitle("Query · Bowline");
    await write(page, "Resources | where name startswith 'shop' | take 5");
    await page.keyboard.press("Control+Enter");
    await expect(rows(page)).toHaveCount(5);
    await expect(page.getByRole("status").filter({ hasText: /^5 records in \d/ })).toBeVisible();
    await expect(page).toHaveURL(/q=Resources/);
    await checkAccessibility();
    await page.reload();
    await expect(rows(page)).toHaveCount(5);
    await expect(page.locator(".view-lines")).toContainText("where name startswith");
    await page.goBack();
    await expect(page).toHaveURL(/resources|query$/);
  });

  test("that is wrong is marked where it is wrong", async ({ page, checkAccessibility }) => {
    await page.goto(address("Resources\n| where oops == 1"));
    const place = page.getByRole("button", { name: "Line 2, column 9" });
    await expect(place).toBeVisible();
    await expect(page.getByText("There is no column 'oops'")).toBeVisible();
    await expect(page.locator(".squiggly-error").first()).toBeVisible();
    await checkAccessibility();
    await place.click();
    await expect(editor(page)).toBeFocused();
    await write(page, "Resources | take 1");
    await page.keyboard.press("Shift+Enter");
    await expect(rows(page)).toHaveCount(1);
    await expect(place).toHaveCount(0);
  });
  test.use({ tolerate: /Failed to load resource.*400/ });

  test("can be stopped", async ({ page }) => {
    await page.goto(address("Resources | where name == 'slow'"));
    await page.getByRole("button", { name: "Stop" }).click();
    await expect(page.getByText("The query was stopped.")).toBeVisible();
    await expect(page.getByRole("button", { name: "Run" })).toBeEnabled();
  });

  test("is completed and checked against the server's tables, by a worker under a policy of its own", async ({
    page,
  }) => {
    const policies = new Map<string, string>();
    page.on("response", (response) => {
      const name = /assets\/([\w.]+?)-/.exec(response.url())?.[1];
      if (name) policies.set(name, response.headers()["content-security-policy"] ?? "");
    });
    await page.goto(QUERY);
    await write(page, "Resources | where strlen(nam) > 1 and strcat(name, 'x') == 'y'");
    // A column that no table has, and a function that the language has and the server does not.
    await expect(page.locator(".squiggly-error")).toHaveCount(2);
    await write(page, "Resources | where ");
    await page.keyboard.press("Control+Space");
    const list = page.locator(".suggest-widget");
    await expect(list.getByText("resourceGroup", { exact: true })).toBeVisible();
    await page.keyboard.type("reso");
    await page.keyboard.press("Enter");
    await expect(page.locator(".view-lines")).toContainText("where resourceGroup");
    expect(policies.get("kusto.worker")).toContain("'unsafe-eval'");
    for (const [name, policy] of policies) {
      if (name !== "kusto.worker") expect(policy, name).not.toContain("unsafe");
    }
  });

  test("looks in one subscription or in all", async ({ page }) => {
    await page.goto(address("Resources | summarize n = count() by subscriptionId"));
    await expect(rows(page)).toHaveCount(2);
    await page.getByRole("combobox", { name: "Where to look" }).selectOption("Factory floor");
    await expect(rows(page)).toHaveCount(1);
  });
});

test.describe("an answer", () => {
  test("is drawn as `render` asks, and stays readable as a table", async ({ page, checkAccessibility }) => {
    for (const [chart, name] of [
      ["barchart", "Bar chart of n by location"],
      ["columnchart", "Column chart of n by location"],
      ["piechart", "Pie chart of n by location"],
    ]) {
      await page.goto(address(`Resources | summarize n = count() by location | render ${chart}`));
      const drawing = page.getByRole("img", { name });
      await expect(drawing).toBeVisible();
      await expect(drawing.locator("rect, path").first()).toBeVisible();
      await checkAccessibility();
    }
    await page.getByRole("button", { name: "Table" }).click();
    await expect(rows(page).first()).toBeVisible();
    await page.goto(address("Resources | summarize n = count() by day | render timechart with (title='Per day')"));
    await expect(page.getByRole("img", { name: "Per day: Line chart of eu, us by day" })).toBeVisible();
    await expect(page.getByRole("listitem").filter({ hasText: /^us$/ })).toBeVisible();
    await checkAccessibility();
  });

  test("opens a row, leads to a resource, and is taken along", async ({ page, context, checkAccessibility }) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.goto(address("Resources | take 3"));
    await page.getByRole("button", { name: "Row 2" }).click();
    await expect(page.getByRole("dialog")).toContainText("provisioningState");
    await checkAccessibility();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await page.getByRole("button", { name: "Copy", exact: true }).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied.split("\n")).toHaveLength(4);
    expect(copied.split("\n")[0]?.split("\t")[1]).toBe("name");
    await page.getByRole("button", { name: "Copy link" }).click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("/portal/query?q=Resources");
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "CSV" }).click();
    const csv = readFileSync(await (await download).path(), "utf8");
    expect(csv.split("\r\n")).toHaveLength(5);
    await rows(page).first().getByRole("link").click();
    await expect(page).toHaveURL(/\/(clusters|servers|resource)\//);
  });

  test.describe("of many rows", () => {
    test.use({ scenario: "large" });
    test("comes page by page, in an order that the server makes", async ({ page, checkAccessibility }) => {
      await page.goto(address("Resources"));
      await expect(page.getByText("1 to 100 of 5,000")).toBeVisible();
      await page.getByRole("button", { name: "Next" }).click();
      await expect(page.getByText("101 to 200 of 5,000")).toBeVisible();
      await expect(page.getByRole("row", { name: /server-0100/ })).toBeVisible();
      await page.getByRole("button", { name: "Previous" }).click();
      await expect(page.getByText("1 to 100 of 5,000")).toBeVisible();
      await checkAccessibility();
      await page.getByRole("button", { name: "name", exact: true }).click();
      await expect(page.getByRole("columnheader", { name: "name", exact: true })).toHaveAttribute(
        "aria-sort",
        "ascending",
      );
      await page.getByRole("button", { name: "name", exact: true }).click();
      await expect(rows(page).first()).toContainText("server-4999");
    });
  });
});

test.describe("beside the editor", () => {
  test("tables are inserted and examples are run", async ({ page, checkAccessibility }) => {
    await page.goto(QUERY);
    const panel = page.getByRole("complementary", { name: "Tables and queries" });
    await write(page, "");
    await panel.getByText("Tables", { exact: true }).click();
    await panel.getByText("ResourceContainers").click();
    await panel.getByRole("button", { name: "Insert the name" }).click();
    await expect(page.locator(".view-lines")).toHaveText("ResourceContainers");
    await checkAccessibility();
    await panel.getByText("Examples", { exact: true }).click();
    await panel.getByRole("button", { name: "Resources by location" }).click();
    await expect(page.getByRole("img", { name: /Pie chart/ })).toBeVisible();
    // Tables that this server does not have are not offered.
    await expect(panel.getByText("Images by registry")).toHaveCount(0);
  });

  test("queries are saved, opened and deleted", async ({ page, checkAccessibility }) => {
    await page.goto(address("Resources | take 2"));
    await expect(rows(page)).toHaveCount(2);
    await page.getByRole("button", { name: "Save…" }).click();
    const dialog = page.getByRole("dialog", { name: "Save the query" });
    await dialog.getByLabel("Name").fill("Two of them");
    await dialog.getByRole("combobox", { name: "Resource group" }).selectOption("shop");
    await checkAccessibility();
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(dialog).toHaveCount(0);
    await write(page, "Resources | count");
    const panel = page.getByRole("complementary", { name: "Tables and queries" });
    await panel.getByText("Saved queries").click();
    await panel.getByRole("button", { name: "Two of them shop" }).click();
    await expect(page.locator(".view-lines")).toHaveText(/take.2/);
    await panel.getByRole("button", { name: "Delete Two of them" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await expect(panel.getByText("None yet.")).toBeVisible();
  });
});

test.describe("in the dark", () => {
  test.use({ colorScheme: "dark" });
  test("the page keeps its contrast", async ({ page, checkAccessibility }) => {
    await page.goto(address("Resources | summarize n = count() by type | render columnchart"));
    await expect(page.getByRole("img", { name: /Column chart/ })).toBeVisible();
    await expect(page.locator(".view-lines")).toContainText("summarize");
    await checkAccessibility();
  });
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 380, height: 800 } });
  test("nothing is wider than the window", async ({ page, checkAccessibility }) => {
    for (const query of ["Resources", "Resources | summarize n = count() by location | render piechart"]) {
      await page.goto(address(query));
      await expect(page.getByRole("status").filter({ hasText: /records? in/ })).toBeVisible();
      const over = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
      expect(await page.evaluate(over)).toBeLessThanOrEqual(0);
      await checkAccessibility();
    }
  });
});
