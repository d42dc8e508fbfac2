/**
 * Serves the mock API from Vite's own server, in development and in preview. Requests are real ones over a socket
 * (cookies, event streams, redirects and the content security policy behave as in production), and the built files
 * that the tests run are those that ship: nothing of the mock is in them.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { ReadableStream as NodeStream } from "node:stream/web";
import { getResponse } from "msw";
import type { Connect, Plugin } from "vite";
import { controlHandlers } from "./control.ts";
import { handlers } from "./handlers.ts";

const OURS = /^\/(subscriptions|providers|dataplane|mock-control|portal\/(login|callback|session|logout))([/?]|$)/;

export function mockApi(): Plugin {
  return {
    name: "bowline:mock-api",
    configureServer: (server) => void server.middlewares.use(middleware),
    configurePreviewServer: (server) => void server.middlewares.use(middleware),
  };
}

const middleware: Connect.NextHandleFunction = (incoming, outgoing, next) => {
  if (!OURS.test(incoming.url ?? "")) return next();
  respond(incoming, outgoing).catch(next);
};

async function respond(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const response = await getResponse([...handlers, ...controlHandlers], requestOf(incoming));
  if (!response) {
    outgoing.writeHead(404).end("the mock has no such path");
    return;
  }
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (!response.body) {
    outgoing.end();
    return;
  }
  outgoing.flushHeaders();
  const body = Readable.fromWeb(response.body as NodeStream);
  outgoing.on("close", () => body.destroy());
  body.on("error", () => outgoing.end());
  body.pipe(outgoing);
}

function requestOf(incoming: IncomingMessage): Request {
  const { host = "localhost", ...headers } = incoming.headers as Record<string, string>;
  const hasBody = incoming.method !== "GET" && incoming.method !== "HEAD";
  return new Request(`http://${host}${incoming.url}`, {
    method: incoming.method,
    headers,
    ...(hasBody ? { body: Readable.toWeb(incoming) as ReadableStream<Uint8Array>, duplex: "half" } : {}),
  } as RequestInit);
}
