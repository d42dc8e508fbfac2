import { clusterPath, expect, test } from "./portal.ts";

const REFUSED = /Failed to load resource.*(401|502|ERR_INCOMPLETE)/;

test.describe("without a session", () => {
  test.use({ scenario: "anonymous", tolerate: REFUSED });
  test("the portal leaves to sign in, and comes back to the same page", async ({ page }) => {
    const wanted = `${clusterPath("shop-eu-1")}/workloads?kind=Pod`;
    await page.goto(wanted);
    await expect(page).toHaveURL(`/portal/login?return=${encodeURIComponent(wanted)}`);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).toHaveURL(wanted);
    await expect(page.getByRole("combobox", { name: "Kind" })).toHaveValue("Pod");
  });
});

test.describe("with a session", () => {
  test.use({ tolerate: REFUSED });

  test("signing out ends it on the server", async ({ page, checkAccessibility }) => {
    await page.goto("/portal/");
    await expect(page.getByText("Ada Wong")).toBeVisible();
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByRole("heading", { name: "You are signed out" })).toBeVisible();
    await checkAccessibility();
    await page.goto("/portal/");
    await expect(page).toHaveURL(/\/portal\/login\?return=/);
  });

  test("its end is noticed, and the portal leaves to sign in", async ({ page, pull }) => {
    await page.goto("/portal/");
    await expect(page.getByRole("status", { name: "Live updates" })).toHaveText("Live");
    await pull("end-session");
    await expect(page).toHaveURL(/\/portal\/login\?return=.*resources/, { timeout: 15_000 });
  });

  test("the page is served under the policy it ships with", async ({ page }) => {
    const answer = await page.goto("/portal/");
    expect(answer?.headers()["content-security-policy"]).toContain("default-src 'self'");
    expect(await page.locator("script:not([src]), style, [style*='expression']").count()).toBe(0);
  });
});

test.describe("a user without a role", () => {
  test.use({ scenario: "nothing" });
  test("is told so", async ({ page, checkAccessibility }) => {
    await page.goto("/portal/");
    await expect(page.getByRole("heading", { name: "There is nothing you may see" })).toBeVisible();
    await checkAccessibility();
  });
});
