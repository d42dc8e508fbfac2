import { machine } from "../../mock-api/fleet.ts";
import { expect, FACTORY, HOME, machineId, test } from "./portal.ts";

const REFUSED_STREAM = /Failed to load resource.*(502|ERR_INCOMPLETE_CHUNKED_ENCODING)/;

test.describe("the list of everything", () => {
  test("shows each resource with its facts", async ({ page, checkAccessibility }) => {
    await page.goto("/portal/");
    await expect(page).toHaveURL(new RegExp(`/portal${HOME.id}/resources$`));
    await expect(page).toHaveTitle("All resources · Bowline");
    const row = page.getByRole("row", { name: /db-03/ });
    await expect(row.getByRole("cell")).toHaveText([
      "db-03",
      "Server",
      "Offline",
      "data",
      "frankfurt-dc",
      "env: prod, role: postgres",
      /^[23] minutes ago$/,
    ]);
    await expect(row.getByRole("time")).toHaveAttribute("title", /\d{4}/);
    await expect(page.getByRole("status", { name: "Live updates" })).toHaveText("Live");
    await checkAccessibility();
  });

  test("follows changes without a reload", async ({ page, pull }) => {
    await page.goto("/portal/");
    const row = page.getByRole("row", { name: /db-01/ });
    await expect(row).toContainText("Connected");
    await page.evaluate(() => Object.assign(window, { sameDocument: true }));

    await pull("patch", {
      id: machineId("db-01"),
      properties: { status: "Disconnected", lastStatusChange: new Date() },
    });
    await expect(row).toContainText("Offline");
    await expect(row).toContainText("just now");
    await pull("patch", { id: machineId("db-01"), properties: { status: "Connected" } });
    await expect(row).toContainText("Connected");
    await pull("put", { resource: machine({ name: "db-04", group: "data" }) });
    await expect(page.getByRole("row", { name: /db-04/ })).toContainText("Connected");
    await pull("delete", { id: machineId("db-02") });
    await expect(page.getByRole("row", { name: /db-02/ })).toHaveCount(0);
    expect(await page.evaluate(() => "sameDocument" in window)).toBe(true);
  });

  test("filters by words, type and state, and keeps the filter in the address", async ({
    page,
    checkAccessibility,
  }) => {
    await page.goto("/portal/");
    const rows = page
      .getByRole("table", { name: "Resources" })
      .getByRole("rowheader")
      .or(page.locator("tbody").getByRole("row"));
    await expect(rows).toHaveCount(14);
    await page.keyboard.press("/");
    await expect(page.getByRole("searchbox", { name: "Filter" })).toBeFocused();
    await page.keyboard.type("env=prod postgres");
    await expect(rows).toHaveCount(3);
    await page.getByRole("button", { name: /^Offline/ }).click();
    await expect(rows).toHaveCount(1);
    await page.getByRole("combobox", { name: "Type" }).selectOption("Server");
    await expect(page).toHaveURL(/q=env%3Dprod\+postgres|q=env%3Dprod%20postgres/);
    await page.reload();
    await expect(rows).toHaveCount(1);
    await page.getByRole("searchbox", { name: "Filter" }).fill("no such thing");
    await expect(page.getByText("No resource matches the filter.")).toBeVisible();
    await checkAccessibility();
    await page.getByRole("button", { name: "Clear the filter" }).click();
    await expect(rows).toHaveCount(14);
  });

  test("sorts by a column, both ways", async ({ page }) => {
    await page.goto("/portal/");
    const first = page.locator("tbody").getByRole("link").first();
    await expect(first).toHaveText("analytics");
    await page.getByRole("button", { name: "Name" }).click();
    await expect(first).toHaveText("shop-staging");
    await expect(page.getByRole("columnheader", { name: "Name" })).toHaveAttribute("aria-sort", "descending");
    await page.getByRole("button", { name: "Last seen" }).click();
    await expect(first).toHaveText("edge-oslo");
    await expect(page).toHaveURL(/sort=seen/);
  });

  test("is reachable by keyboard", async ({ page }) => {
    await page.goto("/portal/");
    await expect(page.getByRole("link", { name: "analytics" })).toBeVisible();
    await page.keyboard.press("Tab");
    await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
    await page.getByRole("link", { name: "analytics" }).focus();
    await page.keyboard.press("ArrowDown");
    await expect(page.getByRole("link", { name: "build-7" })).toBeFocused();
    await page.keyboard.press("End");
    await expect(page.getByRole("link", { name: "shop-staging" })).toBeFocused();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: "shop-eu-2", level: 1 })).toBeVisible();
  });

  test("changes the subscription", async ({ page, checkAccessibility }) => {
    await page.goto("/portal/");
    await page.getByRole("combobox", { name: "Subscription" }).selectOption("Factory floor");
    await expect(page).toHaveURL(new RegExp(FACTORY.subscriptionId));
    await expect(page.getByRole("link", { name: "plc-gateway-1" })).toBeVisible();
    await expect(page.getByRole("link", { name: "analytics" })).toHaveCount(0);
    await checkAccessibility();
  });

  test("shows a resource without a page of its own as the API says it", async ({ page, checkAccessibility }) => {
    await page.goto("/portal/");
    await page.getByRole("link", { name: "default" }).click();
    await expect(page.getByRole("region", { name: "As the API returns it" })).toContainText('"keepAliveSeconds": 20');
    await checkAccessibility();
  });
});

test.describe("interrupted", () => {
  test.use({ tolerate: REFUSED_STREAM });
  test("says so, keeps the last state, and catches up by itself", async ({ page, pull, checkAccessibility }) => {
    await page.goto("/portal/");
    const row = page.getByRole("row", { name: /db-01/ });
    await expect(row).toContainText("Connected");
    await pull("cut-streams");
    await expect(page.getByText("Live updates are interrupted.")).toBeVisible();
    await expect(page.getByRole("status", { name: "Live updates" })).toHaveText("Not live");
    await expect(row).toContainText("Connected");
    await checkAccessibility();
    await pull("patch", { id: machineId("db-01"), properties: { status: "Disconnected" } });
    await pull("delete", { id: machineId("db-02") });
    await pull("restore-streams");
    await expect(row).toContainText("Offline", { timeout: 20_000 });
    await expect(page.getByRole("row", { name: /db-02/ })).toHaveCount(0);
    await expect(page.getByText("Live updates are interrupted.")).toHaveCount(0);
  });
});

test.describe("an empty subscription", () => {
  test.use({ scenario: "empty" });
  test("says what to run, and shows what connects", async ({ page, pull, checkAccessibility }) => {
    await page.goto("/portal/");
    await expect(page.getByRole("heading", { name: "Nothing is connected yet" })).toBeVisible();
    await expect(page.getByText("bowline machine connect --group demo")).toBeVisible();
    await expect(page.getByRole("combobox", { name: "Subscription" })).toHaveCount(0);
    await checkAccessibility();
    await pull("put", { resource: machine({ name: "first" }) });
    await expect(page.getByRole("row", { name: /first/ })).toContainText("Connected");
  });
});

test.describe("a large subscription", () => {
  test.use({ scenario: "large" });
  test("draws what is in the window, and reaches the end", async ({ page }) => {
    await page.goto("/portal/");
    await expect(page.getByText("5,000 resources", { exact: true })).toBeVisible();
    expect(await page.getByRole("row").count()).toBeLessThan(150);
    await expect(page.getByRole("table", { name: "Resources" })).toHaveAttribute("aria-rowcount", "5001");
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    await expect(page.getByRole("link", { name: "server-4999" })).toBeInViewport();
    await page.getByRole("searchbox", { name: "Filter" }).fill("server-2500");
    await expect(page.getByRole("link", { name: "server-2500" })).toBeInViewport();
  });
});
