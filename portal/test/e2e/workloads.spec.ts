/** What runs in a cluster: lists, one object, its logs and YAML. */
import { clusterPath, expect, test } from "./portal.ts";

const WORKLOADS = `${clusterPath("shop-eu-1")}/workloads`;
const POD = `${WORKLOADS}/Pod/shop/checkout-7d9f4c-x2x9p`;
const over = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;

test.describe("lists", () => {
  test("nodes tell their state", async ({ page, checkAccessibility }) => {
    await page.goto(clusterPath("shop-eu-1"));
    await page.getByRole("link", { name: "Nodes" }).click();
    await expect(page).toHaveTitle("shop-eu-1 · Nodes · Bowline");
    await expect(page.getByRole("row", { name: /node-1/ })).toContainText("control-plane");
    await expect(page.getByRole("row", { name: /node-2/ })).toContainText("Cordoned");
    await expect(page.getByText("3 nodes", { exact: true })).toBeVisible();
    await page.getByRole("button", { name: /Needs attention 2/ }).click();
    await expect(page.getByText("2 nodes", { exact: true })).toBeVisible();
    await checkAccessibility();
  });

  test("kinds, namespaces, words and health are in the address", async ({ page, checkAccessibility }) => {
    await page.goto(clusterPath("shop-eu-1"));
    await page.getByRole("link", { name: "Workloads" }).click();
    await expect(page.getByRole("row", { name: /checkout/ })).toContainText("Partly ready");
    await checkAccessibility();
    await page.getByRole("combobox", { name: "Namespace" }).selectOption("monitoring");
    await expect(page.getByText("1 deployment", { exact: true })).toBeVisible();
    await page.getByRole("combobox", { name: "Kind" }).selectOption("Pod");
    await expect(page.getByText("has reported no pod in the namespace monitoring")).toBeVisible();
    await page.getByRole("button", { name: "Show all pods" }).click();
    await expect(page.getByText("200 of 451 pods")).toBeVisible();
    await page.getByRole("button", { name: "Load more" }).click();
    await page.getByRole("button", { name: "Load more" }).click();
    await expect(page.getByText("451 pods", { exact: true })).toBeVisible();
    await page.getByRole("button", { name: /Needs attention 2/ }).click();
    await expect(page.getByText("2 pods", { exact: true })).toBeVisible();
    await page.keyboard.press("/");
    await page.keyboard.type("storefront");
    await expect(page.getByText("1 pod", { exact: true })).toBeVisible();
    await expect(page).toHaveURL(/kind=Pod.*health=wrong.*q=storefront|kind=Pod.*q=storefront.*health=wrong/);
    await page.reload();
    await expect(page.getByRole("row", { name: /storefront-007/ })).toContainText("CrashLoopBackOff");
    await page.getByRole("searchbox", { name: "Filter" }).fill("no such thing");
    await expect(page.getByText("that matches “no such thing”")).toBeVisible();
    await checkAccessibility();
  });

  test("order is the server's, over all pages", async ({ page }) => {
    await page.goto(`${WORKLOADS}?kind=Pod`);
    const first = page.locator("tbody").getByRole("link").first();
    await expect(first).toHaveText("checkout-7d9f4c-x2x9p");
    await page.getByRole("button", { name: "Name", exact: true }).click();
    await expect(first).toHaveText("storefront-449");
    await expect(page).toHaveURL(/sort=-name/);
  });

  test("a change in the cluster appears by itself", async ({ page, pull }) => {
    await page.goto(WORKLOADS);
    const row = page.getByRole("row", { name: /checkout/ });
    await expect(row).toContainText("Partly ready");
    const status = { readyReplicas: 4 };
    await pull("report", { kind: "Deployment", name: "checkout", content: { status } });
    await expect(row).toContainText("4/4");
    await pull("report", { kind: "Deployment", name: "checkout" });
    await expect(row).toHaveCount(0);
  });

  test("network, storage and configuration are there too", async ({ page, checkAccessibility }) => {
    for (const [kind, words] of [
      ["Service", "No address yet"],
      ["Ingress", "shop.example.com"],
      ["PersistentVolumeClaim", "Pending"],
      ["StorageClass", "ebs.csi.aws.com"],
      ["ConfigMap", "storefront-settings"],
    ]) {
      await page.goto(`${WORKLOADS}?kind=${kind}`);
      await expect(page.locator("tbody")).toContainText(words ?? "");
    }
    await checkAccessibility();
  });

  test("secrets are names out of the cluster, and their contents are nowhere", async ({ page, checkAccessibility }) => {
    await page.goto(`${WORKLOADS}?kind=Secret`);
    await expect(page.getByRole("row", { name: /storefront-tls/ })).toContainText("kubernetes.io/tls");
    await expect(page.getByText("3 secrets")).toBeVisible();
    await checkAccessibility();
    await page.getByRole("link", { name: "registry" }).click();
    await page.getByRole("button", { name: "YAML" }).click();
    await expect(page.getByRole("region", { name: "YAML" })).toContainText("kind: PartialObjectMetadata");
    await expect(page.getByText("c2VjcmV0")).toHaveCount(0);
  });

  test("events name what they are about, newest first", async ({ page, checkAccessibility }) => {
    await page.goto(clusterPath("shop-eu-1"));
    await page.getByRole("link", { name: "Events" }).click();
    const rows = page.locator("tbody").getByRole("row");
    await expect(rows.first()).toContainText("BackOff");
    await expect(rows.nth(1)).toContainText("Node node-3 status is now: NodeNotReady");
    await checkAccessibility();
    await page.getByRole("link", { name: /^Pod checkout/ }).click();
    await expect(page.getByRole("heading", { name: "checkout-7d9f4c-x2x9p" })).toBeVisible();
  });
});

test.describe("what may not be seen", () => {
  test.use({ tolerate: /Failed to load resource.*(403|503|400|404)/ });

  test("is told from what is not there", async ({ page, pull, checkAccessibility }) => {
    await page.goto(WORKLOADS);
    await expect(page.getByRole("row", { name: /checkout/ })).toBeVisible();
    await pull("hide-objects");
    await page.reload();
    await expect(page.getByRole("heading", { name: "You may not see the objects of this cluster" })).toBeVisible();
    await checkAccessibility();
  });

  test("an object that is gone says so", async ({ page, checkAccessibility }) => {
    await page.goto(`${WORKLOADS}/Pod/shop/gone`);
    await expect(page.getByRole("heading", { name: "There is no such pod" })).toBeVisible();
    await checkAccessibility();
  });

  test("the cluster's own rules are told with what to run", async ({ page, checkAccessibility }) => {
    await page.goto(`${clusterPath("shop-eu-2")}/workloads/Pod/shop/storefront-001?view=logs`);
    await expect(page.getByText("You may not read the log of storefront-001.")).toBeVisible();
    await expect(
      page.getByText("kubectl create clusterrolebinding admin-view --clusterrole=view --user='admin'"),
    ).toBeVisible();
    await checkAccessibility();
    await page.getByRole("button", { name: "YAML" }).click();
    await expect(page.getByText("You may not read this Pod.")).toBeVisible();
    await page.getByRole("button", { name: "As the agent reported it" }).click();
    await expect(page.getByRole("region", { name: "YAML" })).toContainText("image: shop/storefront:2026.11.3");
  });

  test("an agent that is away is told with where to look", async ({ page, checkAccessibility }) => {
    await page.goto(`${clusterPath("edge-hamburg", "edge")}/workloads?kind=Secret`);
    await expect(page.getByText("The cluster did not give its secrets.")).toBeVisible();
    await expect(page.getByText(/The page Diagnose says since when/)).toBeVisible();
    await checkAccessibility();
  });
});

test.describe("one object", () => {
  test("tells its containers, conditions, owner and events", async ({ page, checkAccessibility }) => {
    await page.goto(`${WORKLOADS}?kind=Pod`);
    await page.getByRole("link", { name: "checkout-7d9f4c-x2x9p" }).click();
    await expect(page).toHaveURL(new RegExp(`${POD}$`));
    const containers = page.getByRole("region", { name: "Containers" });
    await expect(containers.getByRole("row", { name: /^main/ })).toContainText("ended with OOMKilled (exit code 137)");
    await expect(containers.getByRole("row", { name: /^migrate/ })).toContainText("Completed");
    await expect(page.getByRole("region", { name: "Conditions" })).toContainText("containers with unready status");
    await expect(page.getByRole("region", { name: "Events" })).toContainText("Back-off restarting");
    await checkAccessibility();
    await page.getByRole("link", { name: "ReplicaSet checkout-7d9f4c" }).click();
    await page.getByRole("link", { name: "Deployment checkout" }).click();
    const owned = page.getByRole("region", { name: "What it owns" });
    await expect(owned.getByRole("row")).toHaveCount(3);
    await expect(owned.getByRole("link", { name: "checkout-7d9f4c-x2x9p" })).toBeVisible();
    await checkAccessibility();
  });

  test("a node and a service name their pods, and every page the way back", async ({ page, checkAccessibility }) => {
    await page.goto(`${WORKLOADS}/Service/shop/storefront`);
    const pods = page.getByRole("region", { name: "Pods behind it" });
    await expect(pods).toContainText("200 of 450 are shown.");
    await page.getByRole("link", { name: "Services" }).click();
    await expect(page.getByRole("combobox", { name: "Kind" })).toHaveValue("Service");
    await page.goto(`${WORKLOADS}/Node/-/node-1`);
    await expect(page.getByRole("region", { name: "Pods on it" })).toContainText("checkout-7d9f4c-x2x9p");
    await checkAccessibility();
  });

  test("its log is followed, filtered, and read of the container before", async ({ page, checkAccessibility }) => {
    await page.goto(POD);
    await page.getByRole("button", { name: "Logs of main", exact: true }).click();
    const log = page.getByRole("region", { name: "Log of main" });
    await expect(log).toContainText("order=1001");
    await expect(page.getByRole("status").filter({ hasText: "Following." })).toBeVisible();
    // It goes on by itself.
    await expect(log).toContainText("order=1046");
    await page.getByRole("searchbox", { name: "Only lines with" }).fill("slow query");
    await expect(log).not.toContainText("order accepted");
    await expect(log).toContainText("slow query");
    await checkAccessibility();
    await page.getByRole("checkbox", { name: "Times" }).check();
    await expect(log).toContainText(/\d{4}-\d\d-\d\dT/);
    await page.getByRole("searchbox", { name: "Only lines with" }).fill("");
    await page.getByRole("checkbox", { name: "Before the last restart" }).check();
    await expect(log).toContainText("fatal: out of memory");
    await expect(page.getByText("Read to its end. 1 line")).toBeVisible();
    await page.getByRole("combobox", { name: "Container" }).selectOption("metrics");
    await expect(page).toHaveURL(/container=metrics/);
    await expect(page.getByText('previous terminated container "metrics"')).toBeVisible();
    await page.getByRole("checkbox", { name: "Before the last restart" }).uncheck();
    await expect(page.getByRole("region", { name: "Log of metrics" })).toContainText("metrics: level=info");
  });
  test.use({ tolerate: /Failed to load resource.*400/ });

  test("its YAML comes out of the cluster, without who manages what", async ({ page, checkAccessibility }) => {
    await page.goto(`${POD}?view=yaml`);
    const yaml = page.getByRole("region", { name: "YAML" });
    await expect(yaml).toContainText('resourceVersion: "8127"');
    await expect(yaml).not.toContainText("managedFields");
    await checkAccessibility();
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save" }).click();
    expect((await saved).suggestedFilename()).toBe("checkout-7d9f4c-x2x9p.yaml");
    await page.getByRole("button", { name: "As the agent reported it" }).click();
    await expect(yaml).not.toContainText("resourceVersion");
  });
});

for (const scheme of ["light", "dark"] as const) {
  test.describe(`on a phone, ${scheme}`, () => {
    test.use({ viewport: { width: 380, height: 800 }, colorScheme: scheme });
    test("nothing is wider than the window", async ({ page, checkAccessibility }) => {
      for (const path of [WORKLOADS, `${WORKLOADS}?kind=Pod`, `${WORKLOADS}?kind=Secret`, POD, `${POD}?view=yaml`]) {
        await page.goto(path);
        await expect(page.getByText("checkout", { exact: false }).first()).toBeVisible();
        expect(await page.evaluate(over), path).toBeLessThanOrEqual(0);
        await checkAccessibility();
      }
      await page.goto(`${POD}?view=logs`);
      await expect(page.getByRole("region", { name: "Log of main" })).toContainText("order=1001");
      expect(await page.evaluate(over)).toBeLessThanOrEqual(0);
      await checkAccessibility();
    });
  });
}
