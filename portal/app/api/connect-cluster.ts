/**
 * Registers a cluster without the command line: the browser makes the key, the server gets its public half with the
 * resource, and the private half goes into the values of the chart. It is good for one enrolment: the agent replaces it
 * at first contact by a key that never leaves the cluster.
 */
import { at, text } from "../util/json";
import { clusterId, type ResourcePath } from "../util/path-builder";
import {
  connectedClustersCreateOrUpdate,
  resourceGroupsCreateOrUpdate,
  resourceGroupsGet,
} from "./__generated__/operations";
import type { ConnectedCluster, ResourceGroup } from "./__generated__/types";
import { ApiError, call, post } from "./http";

export interface Registration extends ResourcePath {
  newGroup: boolean;
  /** Without, the group's. */
  location?: string;
  tags: Record<string, string>;
}

/** What the chart has to know, as a file of values. */
export async function registerCluster(wanted: Registration): Promise<string> {
  const { subscriptionId, resourceGroupName, name, tags } = wanted;
  const key = await makeKey();
  const group = await groupOf(wanted);
  const location = wanted.location ?? group.location;
  const body = {
    location,
    tags,
    identity: { type: "SystemAssigned" },
    properties: { agentPublicKeyCertificate: key.publicBase64 },
  } as unknown as ConnectedCluster;
  const path = { subscriptionId, resourceGroupName, connectedClusterName: name };
  const cluster = await call(connectedClustersCreateOrUpdate, { path, body });
  const settings = await post("/dataplane/config/azure-arc-k8sagents/GetHelmSettings", {
    id: clusterId(wanted),
    identity: { principalId: text(cluster, "identity", "principalId") },
  });
  return valuesFile({ ...wanted, location }, at(settings, "helmValuesContent"), key.privatePem);
}

/** Where a cluster is whose location nobody says, when its group is made for it. */
const NEW_GROUP_LOCATION = "local";

function groupOf({ subscriptionId, resourceGroupName, newGroup, location }: Registration): Promise<ResourceGroup> {
  const path = { subscriptionId, resourceGroupName };
  if (!newGroup) return call(resourceGroupsGet, { path });
  return call(resourceGroupsCreateOrUpdate, {
    path,
    body: { location: location ?? NEW_GROUP_LOCATION } as ResourceGroup,
  });
}

/** JSON is YAML: a file that needs no writer of its own, and that nobody has to indent. */
export function valuesFile(
  { subscriptionId, resourceGroupName, name, location }: Registration,
  known: unknown,
  pem: string,
) {
  const repository = text(known, "image.repository");
  const values = {
    server: text(known, "server"),
    caCertificate: text(known, "caCertificate") ?? "",
    resourceId: text(known, "resourceId"),
    principalId: text(known, "principalId"),
    ...(repository ? { image: { repository } } : {}),
    global: {
      subscriptionId,
      resourceGroupName,
      resourceName: name,
      location,
      onboardingPrivateKey: pem,
    },
  };
  return `${JSON.stringify(values, undefined, 2)}\n`;
}

interface NewKey {
  publicBase64: string;
  privatePem: string;
}

async function makeKey(): Promise<NewKey> {
  // Browsers have it on encrypted pages only.
  if (!globalThis.crypto?.subtle) {
    throw new ApiError(0, "NoCryptography", "This browser makes no keys here: open the portal with https.");
  }
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const [publicKey, privateKey] = await Promise.all([
    crypto.subtle.exportKey("spki", pair.publicKey),
    crypto.subtle.exportKey("pkcs8", pair.privateKey),
  ]);
  return { publicBase64: base64(publicKey), privatePem: pem(base64(privateKey)) };
}

function base64(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

export function pem(text: string): string {
  const lines = text.match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`;
}
