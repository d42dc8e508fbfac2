/** The portal as built, on the mock API, in the system's Chromium. `npm run test:e2e` builds first. */
import { defineConfig } from "@playwright/test";

const PORT = Number(process.env.PORTAL_TEST_PORT ?? 4317);

export default defineConfig({
  testDir: ".",
  outputDir: "../../test-results",
  fullyParallel: true,
  workers: 2,
  forbidOnly: true,
  reporter: "list",
  timeout: 60_000,
  // Generous, because the machine may be busy; a condition that holds is seen at once.
  expect: { timeout: 15_000 },
  use: {
    baseURL: `http://localhost:${PORT}`,
    viewport: { width: 1360, height: 800 },
    launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium" },
    screenshot: "only-on-failure",
  },
  webServer: {
    command: `vite preview --port ${PORT} --strictPort`,
    cwd: "../..",
    url: `http://localhost:${PORT}/portal/`,
    reuseExistingServer: false,
  },
});
