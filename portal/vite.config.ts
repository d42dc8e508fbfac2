import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { mockApi } from "./mock-api/vite-plugin.ts";
import { precompress } from "./scripts/precompress.ts";

// What the server sends with every page of the portal; the preview sends the same, so that the tests run under it.
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'";

// With BOWLINE_URL the development server asks a real Bowline; without it, the mock.
const server = process.env.BOWLINE_URL;

export default defineConfig({
  base: "/portal/",
  plugins: [react(), precompress(), ...(server ? [] : [mockApi()])],
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
          "^/(subscriptions|providers|portal/(login|callback|session|logout))": { target: server, secure: false },
        },
      }
    : {},
  preview: { headers: { "Content-Security-Policy": CONTENT_SECURITY_POLICY, "X-Content-Type-Options": "nosniff" } },
  test: { include: ["app/**/*.test.ts", "mock-api/**/*.test.ts", "test/unit/**/*.test.ts"], environment: "node" },
});
