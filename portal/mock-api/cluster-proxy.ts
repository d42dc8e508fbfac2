/**
 * The cluster's own API behind the mock's tunnel. Like the real one it answers only who sends the portal's header. The
 * cluster `shop-eu-2` lets nobody read; one that is not Connected has no tunnel.
 */
import { type HttpHandler, HttpResponse, http } from "msw";
import kinds from "../app/api/object-kinds.json" with { type: "json" };
import { clusterSecrets, type Made } from "./cluster-objects.ts";
import { logLine } from "./cluster-pods.ts";
import type { World } from "./world.ts";

export const FORBIDDING = "shop-eu-2";
const FIRST_LINES = 40;
const LINE_MILLISECONDS = 250;

export function proxyHandler(worldFor: (request: Request) => World): HttpHandler {
  return http.get("*/providers/Microsoft.Kubernetes/connectedClusters/:name/proxy/*", ({ request, params }) => {
    const world = worldFor(request);
    const url = new URL(request.url);
    const [id = "", path = ""] = decodeURIComponent(url.pathname).split("/proxy/");
    if (!world.session || request.headers.get("x-bowline-portal") !== "1")
      return refuse(401, "Sign in first. (AuthenticationFailed)");
    const cluster = world.resources.get(id.toLowerCase());
    if (!cluster) return refuse(404, "There is no such cluster. (ResourceNotFound)");
    if ((cluster.properties as { connectivityStatus?: string }).connectivityStatus !== "Connected") {
      return refuse(
        503,
        `The agent of '${id}' is not connected, so nothing can reach the cluster. (AgentNotConnected)`,
      );
    }
    if (params.name === FORBIDDING) {
      return refuse(403, 'pods is forbidden: User "admin" cannot get resource "pods" in API group ""', "Forbidden");
    }
    return answer(world, id, `/${path}`, url, request);
  });
}

function answer(world: World, id: string, path: string, url: URL, request: Request): Response {
  const log = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/log$/.exec(path);
  if (log) return logOf(url);
  if (path === "/version") return HttpResponse.json({ gitVersion: "v1.36.1" });
  const [, api, , namespace, plural, name] =
    /^(\/apis?(?:\/[\w.]+)?\/v\d+)(\/namespaces\/([^/]+))?\/(\w+)(?:\/([^/]+))?$/.exec(path) ?? [];
  const kind = kinds.find((one) => one.api === api && one.plural === plural)?.kind;
  const all: Made[] = [...world.objects(id), ...clusterSecrets()].filter(
    (one) => one.kind === kind && (!namespace || one.namespace === namespace),
  );
  if (name) {
    const found = all.find((one) => one.name === name);
    return found ? HttpResponse.json(live(found)) : refuse(404, `${plural} "${name}" not found`, "NotFound");
  }
  if (request.headers.get("accept")?.includes("as=Table")) return tableOf(all);
  return HttpResponse.json({ kind: `${kind ?? ""}List`, items: all.map(live) });
}

/** As in the cluster: with who manages what, which no page shows. */
function live(one: Made): object {
  const metadata = {
    ...(one.object.metadata as object),
    managedFields: [{ manager: "kubectl" }],
    resourceVersion: "8127",
  };
  const secret = kinds.find(({ kind }) => kind === one.kind)?.live
    ? { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" }
    : {};
  return { ...one.object, ...secret, metadata };
}

function tableOf(all: Made[]): Response {
  return HttpResponse.json({
    kind: "Table",
    metadata: {},
    columnDefinitions: ["Name", "Type", "Data", "Age"].map((name) => ({ name })),
    rows: all.map((one) => ({
      cells: [one.name, one.object.type, 2, "40d"],
      object: { kind: "PartialObjectMetadata", metadata: one.object.metadata },
    })),
  });
}

function logOf(url: URL): Response {
  const container = url.searchParams.get("container") ?? "main";
  if (url.searchParams.get("previous")) {
    return container === "main"
      ? new HttpResponse(`${new Date(Date.now() - 9e5).toISOString()} fatal: out of memory\n`)
      : refuse(400, `previous terminated container "${container}" in pod not found`, "BadRequest");
  }
  const encoder = new TextEncoder();
  let timer: ReturnType<typeof setInterval> | undefined;
  let n = 0;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const next = () => controller.enqueue(encoder.encode(logLine(container, n++)));
      while (n < FIRST_LINES) next();
      if (url.searchParams.get("follow") === "true") timer = setInterval(next, LINE_MILLISECONDS);
      else controller.close();
    },
    cancel: () => clearInterval(timer),
  });
  return new HttpResponse(body, { headers: { "Content-Type": "text/plain" } });
}

function refuse(status: number, message: string, reason?: string): Response {
  return HttpResponse.json({ kind: "Status", status: "Failure", message, reason, code: status }, { status });
}
