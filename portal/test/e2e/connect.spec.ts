/** Connecting a cluster, and finding out what is wrong with one. */
import { readFileSync } from "node:fs";
import { cluster } from "../../mock-api/fleet.ts";
import { clusterPath, expect, FACTORY, HOME, test } from "./portal.ts";

const over = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
const CONNECT = `/portal${HOME.id}/connect-cluster`;
const EDGE = `${HOME.id}/resourceGroups/shop/providers/Microsoft.Kubernetes/connectedClusters/edge-01`;

test.describe("connecting a cluster", () => {
  test("gives the command, and sees the cluster come", async ({ page, pull, checkAccessibility }) => {
    await page.goto("/portal/");
    await page.getByRole("link", { name: "Connect a cluster" }).click();
    await expect(page).toHaveTitle("Connect a cluster · Bowline");
    await expect(page.getByText("Say first how the cluster is called")).toBeVisible();
    await checkAccessibility();
    await page.getByRole("textbox", { name: "Name" }).fill("edge 01");
    await expect(page.getByText("Letters, digits, - _ and .")).toBeVisible();
    await page.getByRole("textbox", { name: "Name" }).fill("edge-01");
    await page.getByRole("combobox", { name: "Resource group" }).fill("oven-room");
    await expect(page.getByText("There is none of this name yet: it is made.")).toBeVisible();
    await expect(page.getByText("--group oven-room --create-group")).toBeVisible();
    await page.getByRole("combobox", { name: "Resource group" }).fill("shop");
    await page.getByRole("textbox", { name: "Tags" }).fill("env=prod note=1");
    const script = page.getByRole("region", { name: "2. What to run" });
    await expect(script).toContainText("bowline cluster connect \\");
    await expect(script).not.toContainText("--create-group");
    await expect(script).toContainText("--tags env=prod note=1");
    await page.getByRole("button", { name: "Command line, PowerShell" }).click();
    await expect(script).toContainText("bowline cluster connect `");
    await page.reload();
    await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("edge-01");

    const signs = page.getByRole("list", { name: "Signs of the cluster" });
    await expect(signs).toContainText("Waiting for it to be known to the server");
    const known = cluster({ name: "edge-01", group: "shop", properties: { connectivityStatus: "Connecting" } });
    await pull("put", { resource: known });
    await expect(signs).toContainText("Waiting for the agent (Connecting)");
    await checkAccessibility();
    await pull("patch", { id: EDGE, properties: { connectivityStatus: "Connected" } });
    await expect(signs).toContainText("The agent is connected");
    await expect(signs).toContainText(/It reports what is in the cluster: \d+ objects/);
    await page.getByRole("link", { name: "Open edge-01" }).click();
    await expect(page.getByRole("heading", { name: "edge-01", level: 1 })).toBeVisible();
  });

  test("works with Helm alone: the token is in the file only", async ({ page, checkAccessibility }) => {
    await page.goto(`${CONNECT}?name=edge-01&group=shop&how=helm`);
    await page.getByRole("button", { name: "Register edge-01" }).click();
    await expect(page.getByText("helm upgrade --install bowline-agent")).toBeVisible();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save bowline-edge-01.yaml" }).click();
    const values = JSON.parse(readFileSync(await (await download).path(), "utf8"));
    expect(values).toMatchObject({
      server: "https://bowline.example",
      resourceId: EDGE,
      location: "hamburg",
      enrollmentToken: "bwe_of_the_mock",
    });
    await expect(page.getByText("bwe_")).toHaveCount(0);
    await expect(page.getByRole("list", { name: "Signs of the cluster" })).toContainText("It is known to the server");
    await checkAccessibility();
    await page.getByRole("button", { name: "One manifest" }).click();
    await expect(page.getByText("kubectl apply -f bowline-agent-edge-01.yaml")).toBeVisible();
  });

  test("keeps what was said when the subscription changes", async ({ page }) => {
    await page.goto(`${CONNECT}?name=edge-01&group=shop`);
    await page.getByRole("region", { name: "1. What it is" }).getByLabel("Subscription").selectOption("Factory floor");
    await expect(page).toHaveURL(new RegExp(`${FACTORY.subscriptionId}/connect-cluster.*name=edge-01`));
    await expect(page.getByText(`--subscription ${FACTORY.subscriptionId}`)).toBeVisible();
  });
});

test.describe("diagnosing", () => {
  test("asks the cluster, and says what is wrong in it", async ({ page, checkAccessibility }) => {
    await page.goto(clusterPath("shop-eu-1"));
    await page.getByRole("link", { name: "Diagnose" }).click();
    const agent = page.getByRole("region", { name: "Agent and server" });
    await expect(agent).toContainText("The cluster (v1.36.1) answered through it in");
    await expect(agent).toContainText("the server is of the same version");
    await expect(page.getByRole("region", { name: "Nodes" })).toContainText("Kubelet stopped posting node status.");
    const crashes = page.getByRole("region", { name: "Crash loops" });
    await expect(crashes).toContainText("Containers that end again and again: 2.");
    await expect(crashes).toContainText("OOMKilled");
    await checkAccessibility();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save a report" }).click();
    const report = JSON.parse(readFileSync(await (await download).path(), "utf8"));
    expect(report.cluster.name).toBe("shop-eu-1");
    expect(report.checks.length).toBe(5);
    await crashes.getByRole("link", { name: "shop/checkout-7d9f4c-x2x9p" }).click();
    await expect(page.getByRole("region", { name: "Containers" })).toContainText("OOMKilled");
  });

  test.describe("what cannot be asked", () => {
    test.use({ tolerate: /Failed to load resource.*(403|503)/ });
    test("an agent that is away is explained, and its last report is shown", async ({ page, checkAccessibility }) => {
      await page.goto(`${clusterPath("edge-hamburg", "edge")}/diagnose`);
      const agent = page.getByRole("region", { name: "Agent and server" });
      await expect(agent).toContainText("The agent is not connected (Offline)");
      await expect(agent).toContainText("kubectl -n bowline-system get pods,events");
      await expect(agent).toContainText("refused the connection");
      await expect(page.getByText("(AgentNotConnected)")).toBeVisible();
      await expect(page.getByText("What follows is as the agent reported it last.")).toBeVisible();
      await expect(page.getByRole("region", { name: "Crash loops" })).toContainText("again and again: 2.");
      await checkAccessibility();
    });

    test("an expired identity names the command that heals it", async ({ page }) => {
      await page.goto(`${clusterPath("edge-oslo", "edge")}/diagnose`);
      await expect(page.getByText("bowline cluster connect --name edge-oslo --group edge")).toBeVisible();
    });

    test("the cluster's rules, and what may not be seen, are told apart from faults", async ({ page, pull }) => {
      await page.goto(`${clusterPath("shop-eu-2")}/diagnose`);
      await expect(
        page.getByText("The cluster did not give its version.").or(page.getByText("You may not read its version.")),
      ).toBeVisible();
      await pull("hide-objects");
      await page.reload();
      await expect(page.getByText("You may not see the objects of this cluster.")).toBeVisible();
    });
  });
});

for (const scheme of ["light", "dark"] as const) {
  test.describe(`on a phone, ${scheme}`, () => {
    test.use({ viewport: { width: 380, height: 800 }, colorScheme: scheme });
    test("nothing is wider than the window", async ({ page, checkAccessibility }) => {
      await page.goto(`${CONNECT}?name=edge-01&group=shop&tags=env%3Dprod`);
      await expect(page.getByText("bowline cluster connect")).toBeVisible();
      expect(await page.evaluate(over)).toBeLessThanOrEqual(0);
      await checkAccessibility();
      await page.goto(`${clusterPath("shop-eu-1")}/diagnose`);
      await expect(page.getByRole("region", { name: "Crash loops" })).toBeVisible();
      expect(await page.evaluate(over)).toBeLessThanOrEqual(0);
      await checkAccessibility();
    });
  });
}
