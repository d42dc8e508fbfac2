/**
 * What only the mock has: its sign-in page, and the strings that tests pull (`POST /mock-control/<what>`), so that a
 * test changes the world as another user or an agent would, behind the page's back.
 */
import { type HttpHandler, HttpResponse, http } from "msw";
import type { Resource } from "../app/api/__generated__/types.ts";
import { WORLD_COOKIE } from "./handlers.ts";
import { SCENARIOS } from "./scenarios.ts";
import { type World, worldOf } from "./world.ts";

interface Order {
  id?: string;
  properties?: Record<string, unknown>;
  resource?: Resource;
  /** Of a Kubernetes object. */
  kind?: string;
  name?: string;
  content?: object;
}

const ORDERS: Record<string, (world: World, order: Order) => void> = {
  patch: (world, { id, properties }) => id && properties && world.patchProperties(id, properties),
  put: (world, { resource }) => resource && world.put(resource),
  delete: (world, { id }) => id && world.delete(id),
  report: (world, { kind, name, content }) => kind && name && world.report(kind, name, content),
  "hide-objects": (world) => {
    world.objectsHidden = true;
  },
  "cut-streams": (world) => world.cutStreams(),
  "restore-streams": (world) => {
    world.streamsCut = false;
  },
  "end-session": (world) => {
    world.session = undefined;
    world.cutStreams();
    world.streamsCut = false;
  },
};

const SIGN_IN_PAGE = `<!doctype html><html lang="en"><title>Sign in (mock)</title><link rel="icon" href="/portal/knot.svg"><main><h1>Sign in</h1>
<form method="post"><button>Sign in</button></form></main></html>`;

export const controlHandlers: HttpHandler[] = [
  http.get("*/portal/login", () => HttpResponse.html(SIGN_IN_PAGE)),
  http.post("*/portal/login", ({ request }) => {
    worldFor(request).session = SCENARIOS.fleet().session;
    const back = new URL(request.url).searchParams.get("return") ?? "/portal/";
    return new HttpResponse(null, { status: 303, headers: { Location: back } });
  }),
  http.post("*/mock-control/:order", async ({ request, params }) => {
    const order = ORDERS[String(params.order)];
    if (!order) return new HttpResponse("no such order", { status: 404 });
    order(worldFor(request), (await request.json().catch(() => ({}))) as Order);
    return new HttpResponse(null, { status: 204 });
  }),
];

function worldFor(request: Request): World {
  return worldOf(new RegExp(`${WORLD_COOKIE}=([^;]+)`).exec(request.headers.get("cookie") ?? "")?.[1] ?? "fleet");
}
