// What the server sends with the portal's files (`http/portal.rs`); the preview sends the same, so that the tests run
// under it. Only the worker of the query editor may make code from text; it has no page and may ask nobody.
import type { Plugin } from "vite";

const PAGE = "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'";
const WORKER = "default-src 'none'; script-src 'self' 'unsafe-eval'";

export function policies(): Plugin {
  return {
    name: "bowline:policies",
    configurePreviewServer(server) {
      server.middlewares.use((request, response, next) => {
        const worker = /\/assets\/kusto\.worker-[^/]*\.js$/.test(request.url ?? "");
        response.setHeader("Content-Security-Policy", worker ? WORKER : PAGE);
        response.setHeader("X-Content-Type-Options", "nosniff");
        next();
      });
    },
  };
}
