import { clusterPath, expect, machineId, serverPath, test } from "./portal.ts";

test.describe("a cluster", () => {
  test("tells its facts", async ({ page, checkAccessibility }) => {
    await page.goto("/portal/");
    await page.getByRole("link", { name: "edge-hamburg" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("edge-hamburg");
    await expect(page.getByRole("region", { name: "Cluster" })).toContainText("Distributionk3s");
    await expect(page.getByRole("region", { name: "What the agent complains about" })).toContainText(
      "refused the connection",
    );
    await checkAccessibility();
  });
});

test.describe("a server", () => {
  test("tells its facts, and follows its state", async ({ page, pull, checkAccessibility }) => {
    await page.goto(serverPath("db-01"));
    await expect(page.getByRole("region", { name: "Operating system" })).toContainText(
      "Debian GNU/Linux 12 (bookworm)",
    );
    await expect(page.getByRole("region", { name: "Hardware" })).toContainText("32 (64 logical)");
    await expect(page.getByRole("region", { name: "Hardware" })).toContainText("64.0 GiB");
    await expect(page.getByRole("region", { name: "Disks" })).toContainText("290 GiB of 894 GiB used");
    await expect(page.getByRole("region", { name: "Network" })).toContainText("10.20.4.17/24");
    const agent = page.getByRole("region", { name: "Agent" });
    await expect(agent).toContainText("Connected");
    await checkAccessibility();
    await pull("patch", {
      id: machineId("db-01"),
      properties: { status: "Disconnected", lastStatusChange: new Date() },
    });
    await expect(agent).toContainText("Offline");
    await pull("delete", { id: machineId("db-01") });
    await expect(page.getByRole("heading", { name: "There is no such server" })).toBeVisible();
  });
  test.use({ tolerate: /Failed to load resource.*404/ });
});

test.describe("refusals", () => {
  test.use({ tolerate: /Failed to load resource/ });

  test("a missing resource says so", async ({ page, checkAccessibility }) => {
    await page.goto(serverPath("gone"));
    await expect(page.getByRole("heading", { name: "There is no such server" })).toBeVisible();
    await expect(page.getByText("ResourceNotFound")).toBeVisible();
    await checkAccessibility();
  });

  test("a forbidden one says which role to ask for, and gives the correlation id", async ({
    page,
    checkAccessibility,
  }) => {
    await page.goto(clusterPath("forbidden"));
    await expect(page.getByRole("heading", { name: "You may not see this cluster" })).toBeVisible();
    await expect(page.getByText("Reader role")).toBeVisible();
    await expect(page.getByText("7d4f2f0e-3c9b-4e1a-9a39-6f0a3c6f5f10")).toBeVisible();
    await checkAccessibility();
  });

  test("a subscription without a role is told from one that is slow", async ({ page, checkAccessibility }) => {
    await page.goto("/portal/subscriptions/forbidden/resources");
    await expect(page.getByRole("heading", { name: "You may not see this subscription" })).toBeVisible();
    await checkAccessibility();
  });

  test("a failure can be tried again", async ({ page, checkAccessibility }) => {
    await page.goto(serverPath("broken"));
    await expect(page.getByRole("heading", { name: "Reading this server failed" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
    await checkAccessibility();
  });

  test("an address without a page says so", async ({ page, checkAccessibility }) => {
    await page.goto("/portal/no/such/page");
    await expect(page.getByRole("heading", { name: "There is no such page" })).toBeVisible();
    await checkAccessibility();
  });
});

test.describe("in the dark", () => {
  test.use({ colorScheme: "dark" });
  test("every page keeps its contrast", async ({ page, checkAccessibility }) => {
    for (const path of [
      "/portal/",
      clusterPath("edge-hamburg", "edge"),
      `${clusterPath("shop-eu-1")}/workloads`,
      serverPath("db-03"),
    ]) {
      await page.goto(path);
      await expect(page.getByRole("status", { name: "Live updates" })).toHaveText("Live");
      await checkAccessibility();
    }
  });
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 800 } });
  test("nothing is wider than the window", async ({ page, checkAccessibility }) => {
    for (const path of ["/portal/", serverPath("db-03"), `${clusterPath("shop-eu-1")}/nodes`]) {
      await page.goto(path);
      await expect(page.getByRole("status", { name: "Live updates" })).toHaveText("Live");
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
      ).toBeLessThanOrEqual(0);
      await checkAccessibility();
    }
  });
});
