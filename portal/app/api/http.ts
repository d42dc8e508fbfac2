/**
 * The one place that calls the server. It runs the generated operations, adds what the portal's session needs, and
 * turns every refusal into an `ApiError` that a page can show as it is.
 */
import { list, text } from "../util/json";
import type { Operation, ShapeOf } from "./__generated__/operations";

// biome-ignore lint/suspicious/noExplicitAny: the constraint has to admit every operation's shape.
type AnyOperation = Operation<any>;
type Arguments<O extends AnyOperation> = {
  path?: ShapeOf<O>["path"];
  query?: ShapeOf<O>["query"];
  body?: ShapeOf<O>["body"];
  signal?: AbortSignal;
};

/** One of several things that are wrong. */
export interface ErrorDetail {
  code: string;
  message: string;
  /** Where: a property, or `line:column` of a query. */
  target?: string;
}

/** What the server said no with, or that it could not be asked (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: ErrorDetail[] = [],
    readonly correlationId?: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

export async function call<O extends AnyOperation>(
  operation: O,
  args: Arguments<O> = {},
): Promise<ShapeOf<O>["answer"]> {
  return (await send(operation.method, addressOf(operation, args), args.signal, args.body)) as ShapeOf<O>["answer"];
}

/**
 * Follows a page link. It is opaque and absolute, with the server's public name; the portal keeps to the origin it
 * was loaded from, which may be another name of the same server.
 */
export async function followPage<Page>(nextLink: string, signal?: AbortSignal): Promise<Page> {
  const url = new URL(nextLink, location.origin);
  return (await send("GET", url.pathname + url.search, signal)) as Page;
}

/** Asks what is no operation of ARM: the part of the API for those who install agents. */
export function post(address: string, body: unknown): Promise<unknown> {
  return send("POST", address, undefined, body);
}

/** The address of an operation, with its api-version. */
export function addressOf<O extends AnyOperation>(operation: O, args: Arguments<O>): string {
  const values = (args.path ?? {}) as Record<string, string>;
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${operation.id} needs the path parameter ${name}`);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams();
  if (operation.apiVersion) query.set("api-version", operation.apiVersion);
  for (const [name, value] of Object.entries(args.query ?? {})) {
    if (value !== undefined) query.set(name, String(value));
  }
  const search = query.toString();
  return search ? `${path}?${search}` : path;
}

/**
 * Why a stream was refused: `EventSource` tells a script only that it was. Undefined when the server would answer it,
 * which is known from the head of the answer alone.
 */
export async function refusalOf(address: string): Promise<ApiError | undefined> {
  const stop = new AbortController();
  try {
    const response = await fetch(address, { credentials: "same-origin", signal: stop.signal });
    return response.ok ? undefined : errorOf(response, await readJson(response));
  } catch {
    return undefined;
  } finally {
    stop.abort();
  }
}

async function send(method: string, address: string, signal?: AbortSignal, content?: unknown): Promise<unknown> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (content !== undefined) headers["Content-Type"] = "application/json";
  // Proves to the server that a page of the portal asks, and not a form on another site.
  if (method !== "GET" && method !== "HEAD") headers["X-Bowline-Portal"] = "1";
  const response = await fetch(address, {
    method,
    headers,
    body: content === undefined ? undefined : JSON.stringify(content),
    signal,
    credentials: "same-origin",
    redirect: "error",
  }).catch((cause: unknown) => {
    if (signal?.aborted) throw cause;
    throw new ApiError(
      0,
      "ServerUnreachable",
      "The Bowline server did not answer. It may be restarting, or the network is down.",
    );
  });
  const body = await readJson(response);
  if (!response.ok) throw errorOf(response, body);
  return body;
}

async function readJson(response: Response): Promise<unknown> {
  if (response.status === 204) return undefined;
  const body = await response.text();
  if (body === "") return undefined;
  try {
    return JSON.parse(body);
  } catch {
    if (!response.ok) return undefined;
    throw new ApiError(
      response.status,
      "NotJson",
      "The answer is not JSON: something between this browser and the server replaced it.",
    );
  }
}

function errorOf(response: Response, body: unknown): ApiError {
  const details = list(body, "error", "details").flatMap((detail) => {
    const message = text(detail, "message");
    return message ? [{ code: text(detail, "code") ?? "", message, target: text(detail, "target") }] : [];
  });
  return new ApiError(
    response.status,
    text(body, "error", "code") ?? `Http${response.status}`,
    text(body, "error", "message") ?? `The server answered with status ${response.status}.`,
    details,
    response.headers.get("x-ms-correlation-request-id") ?? undefined,
  );
}
