/**
 * Serves the built portal with the mock API for the whole run, on a free port and inside the test runner's own
 * process: whatever kills the runner ends the server too.
 */
import { createServer } from "node:net";
import { join } from "node:path";
import { preview } from "vite";

export async function serve(): Promise<() => Promise<void>> {
  const port = await freePort();
  const root = join(import.meta.dirname, "../..");
  const server = await preview({ root, configFile: join(root, "vite.config.ts"), preview: { port, strictPort: true } });
  // The workers start after this and read the address in `playwright.config.ts`.
  process.env.PORTAL_TEST_URL = `http://localhost:${port}`;
  return () => server.close();
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "localhost", () => {
      const address = probe.address();
      const port = typeof address === "object" && address ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

export default serve;
