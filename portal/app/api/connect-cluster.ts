/**
 * Registers a cluster without the command line: the resource, and an enrolment token with which its agent comes. The
 * agent makes its key in the cluster, so that nothing lasting travels: the token is good for one cluster and one day.
 */
import { at, text } from "../util/json";
import { CLUSTER_TYPE, clusterId, type ResourcePath } from "../util/path-builder";
import {
  connectedClustersCreateOrUpdate,
  enrollmentTokensCreateOrUpdate,
  enrollmentTokensListToken,
  resourceGroupsCreateOrUpdate,
  resourceGroupsGet,
} from "./__generated__/operations";
import type { ConnectedCluster, EnrollmentToken, ResourceGroup } from "./__generated__/types";
import { call, post } from "./http";

export interface Registration extends ResourcePath {
  newGroup: boolean;
  /** Without, the group's. */
  location?: string;
  tags: Record<string, string>;
}

const DAY_MILLISECONDS = 86_400_000;
/** Where a cluster is whose location nobody says, when its group is made for it. */
const NEW_GROUP_LOCATION = "local";

/** What the chart has to know, as a file of values. */
export async function registerCluster(wanted: Registration): Promise<string> {
  const { subscriptionId, resourceGroupName, name, tags } = wanted;
  const group = await groupOf(wanted);
  const location = wanted.location ?? group.location ?? NEW_GROUP_LOCATION;
  // Without a key it waits for its agent, and keeps what is said of it here.
  const body = { location, tags, identity: { type: "SystemAssigned" }, properties: {} } as unknown as ConnectedCluster;
  const path = { subscriptionId, resourceGroupName, connectedClusterName: name };
  const cluster = await call(connectedClustersCreateOrUpdate, { path, body });
  const token = await makeToken(wanted);
  const settings = await post("/dataplane/config/azure-arc-k8sagents/GetHelmSettings", {
    id: clusterId(wanted),
    identity: { principalId: text(cluster, "identity", "principalId") },
  });
  return valuesFile(at(settings, "helmValuesContent"), location, token);
}

function groupOf({ subscriptionId, resourceGroupName, newGroup, location }: Registration): Promise<ResourceGroup> {
  const path = { subscriptionId, resourceGroupName };
  if (!newGroup) return call(resourceGroupsGet, { path });
  return call(resourceGroupsCreateOrUpdate, {
    path,
    body: { location: location ?? NEW_GROUP_LOCATION } as ResourceGroup,
  });
}

async function makeToken({ subscriptionId, resourceGroupName, name }: ResourcePath): Promise<string> {
  const now = Date.now();
  // A name of its own each time: a token that was used stays used.
  const path = { subscriptionId, resourceGroupName, enrollmentTokenName: `portal-${name}-${now.toString(36)}` };
  const expiresOn = new Date(now + DAY_MILLISECONDS).toISOString();
  const properties = {
    description: `Of the portal, for ${name}`,
    maxUses: 1,
    expiresOn,
    resourceTypes: [CLUSTER_TYPE],
  };
  await call(enrollmentTokensCreateOrUpdate, { path, body: { properties } as EnrollmentToken });
  const answer = await call(enrollmentTokensListToken, { path, body: {} });
  return text(answer, "token") ?? "";
}

/** JSON is YAML: a file that needs no writer of its own, and that nobody has to indent. */
export function valuesFile(known: unknown, location: string, enrollmentToken: string): string {
  const repository = text(known, "image.repository");
  const values = {
    server: text(known, "server"),
    caCertificate: text(known, "caCertificate") ?? "",
    resourceId: text(known, "resourceId"),
    location,
    ...(repository ? { image: { repository } } : {}),
    enrollmentToken,
  };
  return `${JSON.stringify(values, undefined, 2)}\n`;
}
