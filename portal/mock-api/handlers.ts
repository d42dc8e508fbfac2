/** The mock's answers, held to the generated operations: a handler that answers in another shape does not compile. */
import { type HttpHandler, HttpResponse, http, type PathParams } from "msw";
import * as api from "../app/api/__generated__/operations.ts";
import type { Query, QueryRequest, Resource } from "../app/api/__generated__/types.ts";
import { proxyHandler } from "./cluster-proxy.ts";
import { answerQuery, SCHEMA, wrongWord } from "./query.ts";
import { type World, worldOf } from "./world.ts";

export const WORLD_COOKIE = "mock-world";

// biome-ignore lint/suspicious/noExplicitAny: the constraint has to admit every operation's shape.
type AnyOperation = api.Operation<any>;
type Awaitable<T> = T | Promise<T>;
type Context = { world: World; url: URL; params: Record<string, string>; request: Request };

/** Answers one operation with a value of its own type, or with a refusal. */
function answer<O extends AnyOperation>(
  operation: O,
  resolve: (context: Context) => Awaitable<api.ShapeOf<O>["answer"] | Response>,
): HttpHandler {
  const path = `*${operation.path.replace(/\{(\w+)\}/g, ":$1")}`;
  const method = operation.method.toLowerCase() as "get" | "post" | "put" | "delete";
  return http[method](path, async ({ request, params }) => {
    const context = contextOf(request, params);
    const refused = refusal(operation, context);
    if (refused) return refused;
    const result = await resolve(context);
    if (result instanceof Response) return result;
    return result === undefined ? new HttpResponse(null, { status: 204 }) : HttpResponse.json(result as object);
  });
}

function contextOf(request: Request, params: PathParams): Context {
  const cookie = new RegExp(`${WORLD_COOKIE}=([^;]+)`).exec(request.headers.get("cookie") ?? "");
  return {
    world: worldOf(cookie?.[1] ?? "fleet"),
    url: new URL(request.url),
    params: params as Record<string, string>,
    request,
  };
}

/** What the real server refuses before it looks at the resource. */
function refusal(operation: AnyOperation, { world, url, params, request }: Context): Response | undefined {
  if (!world.session) return error(401, "AuthenticationFailed", "Sign in first.");
  if (request.method !== "GET" && request.headers.get("x-bowline-portal") !== "1") {
    return error(403, "CrossSiteRequest", "A request with the portal's cookie needs the header X-Bowline-Portal.");
  }
  if (operation.apiVersion && url.searchParams.get("api-version") !== operation.apiVersion) {
    return error(
      400,
      "MissingApiVersionParameter",
      "The api-version query parameter (?api-version=) is required for all requests.",
    );
  }
  // Names that stand for failures, so that error paths are tested without touching the browser's network.
  const named = Object.values(params);
  if (named.includes("forbidden")) {
    return error(
      403,
      "AuthorizationFailed",
      "The client 'admin' does not have authorization to perform action 'read' over this scope.",
    );
  }
  if (named.includes("broken")) return error(500, "InternalServerError", "The store did not answer in time.");
  return undefined;
}

function error(status: number, code: string, message: string): Response {
  const headers = { "x-ms-correlation-request-id": "7d4f2f0e-3c9b-4e1a-9a39-6f0a3c6f5f10" };
  return HttpResponse.json({ error: { code, message } }, { status, headers });
}

/** Long enough that only who stops it sees an end. */
const SLOW_MILLISECONDS = 30_000;

async function run({ world, request }: Context): Promise<api.ShapeOf<typeof api.queryResources>["answer"] | Response> {
  const asked = (await request.json()) as QueryRequest;
  const wrong = wrongWord(asked.query);
  if (wrong) {
    const { line, column } = wrong;
    const message = `line ${line}, column ${column}: There is no column 'oops'. Did you mean 'tags'?`;
    return HttpResponse.json(
      {
        error: {
          code: "BadRequest",
          message: `The query is not valid: ${message}`,
          details: [
            { code: "InvalidQuery", message: "The query is not valid; the details say where." },
            { code: "InvalidQuery", message, target: `${line}:${column}` },
          ],
        },
      },
      { status: 400 },
    );
  }
  if (/\bslow\b/.test(asked.query)) await new Promise((resolve) => setTimeout(resolve, SLOW_MILLISECONDS));
  return answerQuery(world, asked);
}

function savedIn({ world, params }: Context): Query[] {
  const scope = `/subscriptions/${params.subscriptionId}/`;
  return [...world.queries.values()].filter(({ id }) => id.startsWith(scope));
}

async function save({ world, url, params, request }: Context): Promise<Query> {
  const id = decodeURIComponent(url.pathname);
  const given = (await request.json()) as Query;
  const saved = { ...given, id, name: params.queryName ?? "", type: "Microsoft.ResourceGraph/queries" };
  world.queries.set(id, saved);
  return saved;
}

function groupsOf({ world, params }: Context): api.ShapeOf<typeof api.resourceGroupsList>["answer"] {
  const scope = `/subscriptions/${params.subscriptionId}`;
  const names = [...world.resources.values()].flatMap(({ id }) =>
    id.startsWith(`${scope}/`) ? [id.split("/")[4] ?? ""] : [],
  );
  const value = [...new Set(names)].map((name) => ({
    id: `${scope}/resourceGroups/${name}`,
    name,
    type: "Microsoft.Resources/resourceGroups",
    location: "local",
  }));
  return { value };
}

function find(world: World, url: URL): Resource | Response {
  const id = decodeURIComponent(url.pathname);
  return (
    world.resources.get(id.toLowerCase()) ??
    error(404, "ResourceNotFound", `The Resource '${id.split("/providers/")[1]}' was not found.`)
  );
}

/** The portal asks only whether it may. */
function listObjects({ world, url }: Context): api.ShapeOf<typeof api.kubernetesObjectsList>["answer"] | Response {
  return world.objectsHidden
    ? error(
        403,
        "AuthorizationFailed",
        `The client 'admin' may not perform 'Microsoft.Bowline/kubernetesObjects/read' over '${url.pathname}'.`,
      )
    : { value: [] };
}

async function putCluster({ world, url, params, request }: Context): Promise<Resource> {
  const id = decodeURIComponent(url.pathname);
  const given = (await request.json()) as Resource;
  const resource = {
    ...given,
    id,
    name: params.connectedClusterName ?? "",
    type: "Microsoft.Kubernetes/connectedClusters",
    identity: { type: "SystemAssigned", principalId: "c1d2e3f4-0000-4000-8000-000000000001" },
    properties: { provisioningState: "Succeeded", connectivityStatus: "AgentNotInstalled" },
  };
  world.put(resource);
  return resource;
}

/** The part of the API for installers. */
const helmSettings = http.post("*/dataplane/config/azure-arc-k8sagents/GetHelmSettings", async ({ request }) => {
  const cluster = (await request.json()) as { id: string; identity: { principalId: string } };
  const helmValuesContent = {
    server: "https://bowline.example",
    "image.repository": "bowline.example/bowline-agent",
    resourceId: cluster.id,
    principalId: cluster.identity.principalId,
  };
  return HttpResponse.json({ repositoryPath: "bowline.example/azure-arc-k8sagents:1.101.0", helmValuesContent });
});

function stream({ world, url, params, request }: Context): Response {
  if (world.streamsCut) return error(502, "BadGateway", "The server behind the proxy is gone.");
  const resumed = request.headers.get("last-event-id") ?? url.searchParams.get("cursor");
  const subscriptionId = params.subscriptionId ?? "";
  let stop = () => {};
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const encoder = new TextEncoder();
      const send = (item: { event: string; data: unknown }, cursor: string) =>
        controller.enqueue(
          encoder.encode(
            `event: ${item.event}\n${cursor ? `id: ${cursor}\n` : ""}data: ${JSON.stringify(item.data)}\n\n`,
          ),
        );
      stop = world.listen(subscriptionId, send, () => {
        stop();
        controller.close();
      });
      world.replay(subscriptionId, resumed === null ? undefined : Number(resumed), send);
    },
    cancel: () => stop(),
  });
  return new HttpResponse(body, { headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-store" } });
}

export const handlers: HttpHandler[] = [
  answer(api.portalSessionGet, ({ world }) => world.session ?? error(401, "AuthenticationFailed", "Sign in first.")),
  answer(api.portalSessionSignOut, ({ world }) => {
    world.session = undefined;
    return undefined;
  }),
  answer(api.subscriptionsList, ({ world }) => ({ value: world.subscriptions })),
  answer(api.connectedClustersGet, ({ world, url }) => find(world, url)),
  answer(api.machinesGet, ({ world, url }) => find(world, url)),
  answer(api.kubernetesObjectsList, listObjects),
  answer(api.eventsStream, stream),
  answer(api.querySchemaGet, () => SCHEMA),
  answer(api.queryResources, run),
  answer(api.queriesListBySubscription, (context) => ({ value: savedIn(context) })),
  answer(api.queriesCreateOrUpdate, save),
  answer(api.queriesDelete, ({ world, url }) => {
    world.queries.delete(decodeURIComponent(url.pathname));
    return undefined;
  }),
  answer(api.resourceGroupsList, groupsOf),
  answer(api.resourceGroupsCreateOrUpdate, async ({ url, params, request }) => ({
    ...((await request.json()) as object),
    id: decodeURIComponent(url.pathname),
    name: params.resourceGroupName ?? "",
    type: "Microsoft.Resources/resourceGroups",
    location: "local",
  })),
  answer(api.resourceGroupsGet, ({ url, params }) => ({
    id: decodeURIComponent(url.pathname),
    name: params.resourceGroupName ?? "",
    type: "Microsoft.Resources/resourceGroups",
    location: "hamburg",
  })),
  answer(api.connectedClustersCreateOrUpdate, putCluster),
  answer(api.enrollmentTokensCreateOrUpdate, async ({ url, params, request }) => ({
    ...((await request.json()) as object),
    id: decodeURIComponent(url.pathname),
    name: params.enrollmentTokenName ?? "",
    type: "Microsoft.Bowline/enrollmentTokens",
  })),
  answer(api.enrollmentTokensListToken, () => ({ token: "bwe_of_the_mock" })),
  answer(api.serversList, () => ({ value: [{ properties: { state: "Live" as const, version: "0.1.0" } }] })),
  helmSettings,
  proxyHandler((request) => contextOf(request, {}).world),
];
