import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { mockApi } from "./mock-api/vite-plugin.ts";
import { constructedSheets } from "./scripts/constructed-sheets.ts";
import { policies } from "./scripts/policies.ts";
import { precompress } from "./scripts/precompress.ts";

// With BOWLINE_URL the development server asks a real Bowline; without it, the mock.
const server = process.env.BOWLINE_URL;

export default defineConfig({
  base: "/portal/",
  plugins: [react(), constructedSheets(), policies(), precompress(), ...(server ? [] : [mockApi()])],
  build: {
    outDir: "dist",
    target: "es2022",
    // A data: URI would break the content security policy.
    assetsInlineLimit: 0,
    sourcemap: false,
  },
  server: server
    ? {
        proxy: {
          "^/(subscriptions|providers|dataplane|portal/(login|callback|session|logout))": {
            target: server,
            secure: false,
          },
        },
      }
    : {},
  test: { include: ["app/**/*.test.ts", "mock-api/**/*.test.ts", "test/unit/**/*.test.ts"], environment: "node" },
});
