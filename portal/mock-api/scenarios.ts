/** The worlds that tests start from, by name. */
import type { PortalSession, Resource, Subscription } from "../app/api/__generated__/types.ts";
import { clusterObjects, type Made } from "./cluster-objects.ts";
import { cluster, FACTORY, fleet, HOME, machine } from "./fleet.ts";

export interface Scenario {
  session: PortalSession | undefined;
  subscriptions: Subscription[];
  resources: Resource[];
  objects: () => Made[];
}

const SESSION: PortalSession = {
  tenantId: "5d1c1c52-9d3f-4a55-9ef5-0a7b7a2f1c11",
  objectId: "0f1bb4b0-57a5-4b6e-8f38-3dd1a6f54d01",
  name: "Ada Wong",
  username: "admin",
  expiresOn: new Date(Date.now() + 8 * 3_600_000).toISOString(),
};

const base = (): Scenario => ({ session: SESSION, subscriptions: [HOME], resources: [], objects: clusterObjects });

export const SCENARIOS: Record<string, () => Scenario> & { fleet: () => Scenario } = {
  /** A small company: clusters at two clouds and on a factory floor, servers, every state once. */
  fleet: () => ({ ...base(), subscriptions: [HOME, FACTORY], resources: fleet() }),
  /** Just after `up`: this server and one cluster. */
  pair: () => ({ ...base(), resources: [cluster({ name: "local" }), machine({ name: "this-server" })] }),
  empty: base,
  anonymous: () => ({ ...base(), session: undefined, resources: fleet() }),
  nothing: () => ({ ...base(), subscriptions: [] }),
  large: () => ({
    ...base(),
    resources: Array.from({ length: 5_000 }, (_, n) => machine({ name: `server-${String(n).padStart(4, "0")}` })),
  }),
};
