/** The portal of a running server. See `portal.spec.ts` for what it needs in the environment. */
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  outputDir: "../../test-results",
  workers: 1,
  forbidOnly: true,
  reporter: "list",
  timeout: 120_000,
  expect: { timeout: 30_000 },
  use: {
    baseURL: process.env.BOWLINE_URL,
    // The local certificate authority of a fresh server is in no trust store; what is tested here is the portal.
    ignoreHTTPSErrors: true,
    viewport: { width: 1360, height: 800 },
    launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium" },
    screenshot: "only-on-failure",
  },
});
