/** The portal as built, on the mock API, in the system's Chromium. `npm run test:e2e` builds first. */
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  globalSetup: "./serve.ts",
  outputDir: "../../test-results",
  fullyParallel: true,
  workers: 2,
  forbidOnly: true,
  reporter: "list",
  timeout: 60_000,
  // Generous, because the machine may be busy; a condition that holds is seen at once.
  expect: { timeout: 15_000 },
  use: {
    baseURL: process.env.PORTAL_TEST_URL,
    viewport: { width: 1360, height: 800 },
    launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium" },
    screenshot: "only-on-failure",
  },
});
