/** Signing in to the running server; see `portal.spec.ts` for the environment. */
import { readFileSync } from "node:fs";
import { expect, type Page } from "@playwright/test";

const { BOWLINE_USERNAME = "admin", BOWLINE_PASSWORD_FILE } = process.env;

/** What must not happen on any page: a failing script, something that the content security policy forbids. */
export function watchForProblems(page: Page): string[] {
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (/Content Security Policy/.test(message.text())) problems.push(message.text());
  });
  return problems;
}

export async function signIn(page: Page): Promise<void> {
  await page.goto("/portal/");
  await page.getByLabel("Username").fill(BOWLINE_USERNAME);
  await page.getByLabel("Password").fill(password());
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "All resources", level: 1 })).toBeVisible();
}

function password(): string {
  if (!BOWLINE_PASSWORD_FILE)
    throw new Error("BOWLINE_PASSWORD_FILE names the file with the password of BOWLINE_USERNAME");
  return readFileSync(BOWLINE_PASSWORD_FILE, "utf8").split("\n")[0] ?? "";
}
