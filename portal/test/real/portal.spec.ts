/**
 * The whole way on a real server: sign in, see what is connected, and see an agent's death within seconds.
 *
 * Environment:
 *   BOWLINE_URL            the server, e.g. https://localhost:8443
 *   BOWLINE_USERNAME       who signs in
 *   BOWLINE_PASSWORD_FILE  a file with the password on its first line
 *   BOWLINE_CLUSTER        optional: the name of a cluster that is connected
 *   BOWLINE_MACHINE        optional: the name of a server that is connected
 *   BOWLINE_KILL_PID       optional: the process of the machine's agent, which the test kills
 *   BOWLINE_KILL_FILE      optional, instead: a file that the test creates and whose appearance makes the harness kill it
 *
 * What is not named is not looked at, so that the same test serves `up --no-cluster` and the whole harness.
 */
import { writeFileSync } from "node:fs";
import { expect, type Page, test } from "@playwright/test";
import { signIn, watchForProblems } from "./sign-in.ts";

const { BOWLINE_USERNAME = "admin", BOWLINE_CLUSTER, BOWLINE_MACHINE } = process.env;
const { BOWLINE_KILL_PID, BOWLINE_KILL_FILE } = process.env;
// The promise is 10 s from the kill; the rest is for drawing on a busy machine.
const OFFLINE_MILLISECONDS = 12_000;

test("an operator signs in, sees what is connected, and sees an agent die", async ({ page }) => {
  const problems = watchForProblems(page);
  await signIn(page);
  await expect(page.getByRole("status", { name: "Live updates" })).toHaveText("Live");

  for (const name of [BOWLINE_CLUSTER, BOWLINE_MACHINE]) {
    if (name) await expect(rowOf(page, name)).toContainText("Connected");
  }
  if (BOWLINE_CLUSTER) await seeCluster(page, BOWLINE_CLUSTER);
  if (BOWLINE_MACHINE) await seeServer(page, BOWLINE_MACHINE);
  if (BOWLINE_MACHINE && killAgent()) {
    await expect(rowOf(page, BOWLINE_MACHINE)).toContainText("Offline", {
      timeout: OFFLINE_MILLISECONDS,
    });
  }
  expect(problems).toEqual([]);

  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "You are signed out" })).toBeVisible();
  await page.goto("/portal/");
  await expect(page.getByLabel("Password")).toBeVisible();
});

test("a wrong password is refused, and says so", async ({ page }) => {
  await page.goto("/portal/");
  await page.getByLabel("Username").fill(BOWLINE_USERNAME);
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByLabel("Password")).toBeVisible();
  await expect(page.getByRole("heading", { name: "All resources" })).toHaveCount(0);
});

/** By the link in it: another row may mention the same word. */
function rowOf(page: Page, name: string) {
  return page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
}

async function seeCluster(page: Page, name: string): Promise<void> {
  await page.getByRole("link", { name, exact: true }).click();
  await expect(page.getByRole("region", { name: "Cluster" })).toContainText(/Kubernetes\s*v?1\./);
  await page.getByRole("link", { name: "Nodes" }).click();
  await expect(page.getByText(/^\d+ nodes?$|has reported no node/)).toBeVisible();
  await page.getByRole("link", { name: "Workloads" }).click();
  await expect(page.getByText(/^\d+ deployments?$|has reported no deployment/)).toBeVisible();
  await seeObject(page);
  await page.getByRole("navigation", { name: "Cluster" }).getByRole("link", { name: "Diagnose" }).click();
  await expect(page.getByRole("region", { name: "Agent and server" })).toContainText("The agent is connected");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "All resources" }).click();
}

/** One that every cluster has: as it was reported, and through the tunnel, where the cluster's own rules decide. */
async function seeObject(page: Page): Promise<void> {
  await page.getByRole("combobox", { name: "Kind" }).selectOption("ConfigMap");
  await page.getByRole("searchbox", { name: "Filter" }).fill("kube-root-ca");
  await page.getByRole("combobox", { name: "Namespace" }).selectOption("kube-system");
  await expect(page.getByText("1 config map", { exact: true })).toBeVisible();
  await page.getByRole("link", { name: "kube-root-ca.crt" }).click();
  await expect(page.getByRole("region", { name: "Events" })).toContainText("None are known");
  await expect(page.getByText("could not be read")).toHaveCount(0);
  await page.getByRole("button", { name: "YAML" }).click();
  const refused = page.getByText("You may not read this ConfigMap.");
  await expect(refused.or(page.getByRole("region", { name: "YAML" }))).toBeVisible();
  await page.getByRole("button", { name: "As the agent reported it" }).click();
  await expect(page.getByRole("region", { name: "YAML" })).toContainText("name: kube-root-ca.crt");
}

async function seeServer(page: Page, name: string): Promise<void> {
  await page.getByRole("link", { name, exact: true }).click();
  await expect(page.getByRole("region", { name: "Operating system" })).toContainText(/linux/i);
  await expect(page.getByRole("region", { name: "Hardware" })).toContainText(/[GM]iB/);
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "All resources" }).click();
  await expect(rowOf(page, name)).toContainText("Connected");
}

/** Kills the agent, or asks the harness to; false when neither is given. */
function killAgent(): boolean {
  if (BOWLINE_KILL_PID) process.kill(Number(BOWLINE_KILL_PID), "SIGKILL");
  else if (BOWLINE_KILL_FILE) writeFileSync(BOWLINE_KILL_FILE, "kill the machine's agent\n");
  else return false;
  return true;
}
