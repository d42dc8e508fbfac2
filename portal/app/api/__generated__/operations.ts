// Generated from ../openapi/bowline.json by scripts/generate-api.mjs. Do not edit: run `npm run gen:api`.
import type * as types from "./types";

/** One operation of the API. */
export interface Operation<Shape extends { path: object; query: object; body: unknown; answer: unknown }> {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly apiVersion: string | undefined;
  /** Never set: it carries the types of path, query, body and answer. */
  readonly shape?: Shape;
}

export type ShapeOf<O> = O extends Operation<infer Shape> ? Shape : never;

/** Answers a query in KQL over what the caller may see. */
export const queryResources: Operation<{
  path: Record<never, never>;
  query: Record<never, never>;
  body: types.QueryRequest;
  answer: types.QueryResponse;
}> = {
  id: "Query_Resources",
  method: "POST",
  path: "/providers/Microsoft.ResourceGraph/resources",
  apiVersion: "2024-04-01",
};

/** End the portal session. */
export const portalSessionSignOut: Operation<{
  path: Record<never, never>;
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "PortalSession_SignOut",
  method: "POST",
  path: "/portal/logout",
  apiVersion: undefined,
};

/** Server-sent events of the resources in a subscription. */
export const eventsStream: Operation<{
  path: { subscriptionId: string };
  query: { cursor?: string };
  body: undefined;
  answer: undefined;
}> = {
  id: "Events_Stream",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/providers/Microsoft.Bowline/events",
  apiVersion: "2026-11-01",
};

/** Tables, columns and functions of the query language, for editors. */
export const querySchemaGet: Operation<{
  path: Record<never, never>;
  query: Record<never, never>;
  body: undefined;
  answer: types.QuerySchema;
}> = {
  id: "QuerySchema_Get",
  method: "GET",
  path: "/providers/Microsoft.Bowline/querySchema",
  apiVersion: "2026-11-01",
};

/** The servers of the control plane: what each holds and does, and how far it is from its next limit. */
export const serversList: Operation<{
  path: Record<never, never>;
  query: Record<never, never>;
  body: undefined;
  answer: types.ServerList;
}> = {
  id: "Servers_List",
  method: "GET",
  path: "/providers/Microsoft.Bowline/servers",
  apiVersion: "2026-11-01",
};

/** What the cluster's agent last reported, from the server's copy. */
export const kubernetesObjectsList: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; clusterName: string };
  query: { kind?: string; namespace?: string; name?: string; "$top"?: number };
  body: undefined;
  answer: types.KubernetesObjectList;
}> = {
  id: "KubernetesObjects_List",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Kubernetes/connectedClusters/{clusterName}/providers/Microsoft.Bowline/kubernetesObjects",
  apiVersion: "2026-11-01",
};

/** Who is signed in to the portal. */
export const portalSessionGet: Operation<{
  path: Record<never, never>;
  query: Record<never, never>;
  body: undefined;
  answer: types.PortalSession;
}> = {
  id: "PortalSession_Get",
  method: "GET",
  path: "/portal/session",
  apiVersion: undefined,
};

export const agentSettingsCreateOrUpdate: Operation<{
  path: { scope: string; agentSettingsName: string };
  query: Record<never, never>;
  body: types.AgentSettings;
  answer: types.AgentSettings;
}> = {
  id: "AgentSettings_CreateOrUpdate",
  method: "PUT",
  path: "/{scope}/providers/Microsoft.Bowline/agentSettings/{agentSettingsName}",
  apiVersion: "2026-11-01",
};

export const agentSettingsDelete: Operation<{
  path: { scope: string; agentSettingsName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "AgentSettings_Delete",
  method: "DELETE",
  path: "/{scope}/providers/Microsoft.Bowline/agentSettings/{agentSettingsName}",
  apiVersion: "2026-11-01",
};

export const agentSettingsGet: Operation<{
  path: { scope: string; agentSettingsName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.AgentSettings;
}> = {
  id: "AgentSettings_Get",
  method: "GET",
  path: "/{scope}/providers/Microsoft.Bowline/agentSettings/{agentSettingsName}",
  apiVersion: "2026-11-01",
};

export const agentSettingsList: Operation<{
  path: { scope: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.AgentSettingsList;
}> = {
  id: "AgentSettings_List",
  method: "GET",
  path: "/{scope}/providers/Microsoft.Bowline/agentSettings",
  apiVersion: "2026-11-01",
};

export const agentSettingsUpdate: Operation<{
  path: { scope: string; agentSettingsName: string };
  query: Record<never, never>;
  body: types.AgentSettings;
  answer: types.AgentSettings;
}> = {
  id: "AgentSettings_Update",
  method: "PATCH",
  path: "/{scope}/providers/Microsoft.Bowline/agentSettings/{agentSettingsName}",
  apiVersion: "2026-11-01",
};

export const aliasesCreateOrUpdate: Operation<{
  path: { aliasName: string };
  query: Record<never, never>;
  body: types.Alias;
  answer: types.Alias;
}> = {
  id: "Aliases_CreateOrUpdate",
  method: "PUT",
  path: "/providers/Microsoft.Subscription/aliases/{aliasName}",
  apiVersion: "2021-10-01",
};

export const aliasesDelete: Operation<{
  path: { aliasName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "Aliases_Delete",
  method: "DELETE",
  path: "/providers/Microsoft.Subscription/aliases/{aliasName}",
  apiVersion: "2021-10-01",
};

export const aliasesGet: Operation<{
  path: { aliasName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.Alias;
}> = {
  id: "Aliases_Get",
  method: "GET",
  path: "/providers/Microsoft.Subscription/aliases/{aliasName}",
  apiVersion: "2021-10-01",
};

export const aliasesList: Operation<{
  path: Record<never, never>;
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.AliasList;
}> = {
  id: "Aliases_List",
  method: "GET",
  path: "/providers/Microsoft.Subscription/aliases",
  apiVersion: "2021-10-01",
};

export const aliasesUpdate: Operation<{
  path: { aliasName: string };
  query: Record<never, never>;
  body: types.Alias;
  answer: types.Alias;
}> = {
  id: "Aliases_Update",
  method: "PATCH",
  path: "/providers/Microsoft.Subscription/aliases/{aliasName}",
  apiVersion: "2021-10-01",
};

export const applicationFederatedIdentityCredentialsCreateOrUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; applicationName: string; federatedIdentityCredentialName: string };
  query: Record<never, never>;
  body: types.ApplicationFederatedIdentityCredential;
  answer: types.ApplicationFederatedIdentityCredential;
}> = {
  id: "ApplicationFederatedIdentityCredentials_CreateOrUpdate",
  method: "PUT",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Bowline/applications/{applicationName}/federatedIdentityCredentials/{federatedIdentityCredentialName}",
  apiVersion: "2026-11-01",
};

export const applicationFederatedIdentityCredentialsDelete: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; applicationName: string; federatedIdentityCredentialName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "ApplicationFederatedIdentityCredentials_Delete",
  method: "DELETE",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Bowline/applications/{applicationName}/federatedIdentityCredentials/{federatedIdentityCredentialName}",
  apiVersion: "2026-11-01",
};

export const applicationFederatedIdentityCredentialsGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; applicationName: string; federatedIdentityCredentialName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.ApplicationFederatedIdentityCredential;
}> = {
  id: "ApplicationFederatedIdentityCredentials_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Bowline/applications/{applicationName}/federatedIdentityCredentials/{federatedIdentityCredentialName}",
  apiVersion: "2026-11-01",
};

export const applicationFederatedIdentityCredentialsList: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; applicationName: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.ApplicationFederatedIdentityCredentialList;
}> = {
  id: "ApplicationFederatedIdentityCredentials_List",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Bowline/applications/{applicationName}/federatedIdentityCredentials",
  apiVersion: "2026-11-01",
};

export const applicationFederatedIdentityCredentialsUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; applicationName: string; federatedIdentityCredentialName: string };
  query: Record<never, never>;
  body: types.ApplicationFederatedIdentityCredential;
  answer: types.ApplicationFederatedIdentityCredential;
}> = {
  id: "ApplicationFederatedIdentityCredentials_Update",
  method: "PATCH",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Bowline/applications/{applicationName}/federatedIdentityCredentials/{federatedIdentityCredentialName}",
  apiVersion: "2026-11-01",
};

export const applicationsAddPassword: Operation<{
  path: { applicationName: string };
  query: Record<never, never>;
  body: types.Any;
  answer: types.Any;
}> = {
  id: "Applications_AddPassword",
  method: "POST",
  path: "/providers/Microsoft.Bowline/applications/{applicationName}/addPassword",
  apiVersion: "2026-11-01",
};

export const applicationsCreateOrUpdate: Operation<{
  path: { applicationName: string };
  query: Record<never, never>;
  body: types.Application;
  answer: types.Application;
}> = {
  id: "Applications_CreateOrUpdate",
  method: "PUT",
  path: "/providers/Microsoft.Bowline/applications/{applicationName}",
  apiVersion: "2026-11-01",
};

export const applicationsDelete: Operation<{
  path: { applicationName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "Applications_Delete",
  method: "DELETE",
  path: "/providers/Microsoft.Bowline/applications/{applicationName}",
  apiVersion: "2026-11-01",
};

export const applicationsGet: Operation<{
  path: { applicationName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.Application;
}> = {
  id: "Applications_Get",
  method: "GET",
  path: "/providers/Microsoft.Bowline/applications/{applicationName}",
  apiVersion: "2026-11-01",
};

export const applicationsList: Operation<{
  path: Record<never, never>;
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.ApplicationList;
}> = {
  id: "Applications_List",
  method: "GET",
  path: "/providers/Microsoft.Bowline/applications",
  apiVersion: "2026-11-01",
};

export const applicationsRemovePassword: Operation<{
  path: { applicationName: string };
  query: Record<never, never>;
  body: types.Any;
  answer: types.Any;
}> = {
  id: "Applications_RemovePassword",
  method: "POST",
  path: "/providers/Microsoft.Bowline/applications/{applicationName}/removePassword",
  apiVersion: "2026-11-01",
};

export const applicationsUpdate: Operation<{
  path: { applicationName: string };
  query: Record<never, never>;
  body: types.Application;
  answer: types.Application;
}> = {
  id: "Applications_Update",
  method: "PATCH",
  path: "/providers/Microsoft.Bowline/applications/{applicationName}",
  apiVersion: "2026-11-01",
};

export const connectedClustersCreateOrUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; connectedClusterName: string };
  query: Record<never, never>;
  body: types.ConnectedCluster;
  answer: types.ConnectedCluster;
}> = {
  id: "ConnectedClusters_CreateOrUpdate",
  method: "PUT",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Kubernetes/connectedClusters/{connectedClusterName}",
  apiVersion: "2026-05-01",
};

export const connectedClustersDelete: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; connectedClusterName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "ConnectedClusters_Delete",
  method: "DELETE",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Kubernetes/connectedClusters/{connectedClusterName}",
  apiVersion: "2026-05-01",
};

export const connectedClustersGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; connectedClusterName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.ConnectedCluster;
}> = {
  id: "ConnectedClusters_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Kubernetes/connectedClusters/{connectedClusterName}",
  apiVersion: "2026-05-01",
};

export const connectedClustersListByResourceGroup: Operation<{
  path: { subscriptionId: string; resourceGroupName: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.ConnectedClusterList;
}> = {
  id: "ConnectedClusters_ListByResourceGroup",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Kubernetes/connectedClusters",
  apiVersion: "2026-05-01",
};

export const connectedClustersListBySubscription: Operation<{
  path: { subscriptionId: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.ConnectedClusterList;
}> = {
  id: "ConnectedClusters_ListBySubscription",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/providers/Microsoft.Kubernetes/connectedClusters",
  apiVersion: "2026-05-01",
};

export const connectedClustersListClusterUserCredential: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; connectedClusterName: string };
  query: Record<never, never>;
  body: types.Any;
  answer: types.Any;
}> = {
  id: "ConnectedClusters_ListClusterUserCredential",
  method: "POST",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Kubernetes/connectedClusters/{connectedClusterName}/listClusterUserCredential",
  apiVersion: "2026-05-01",
};

export const connectedClustersUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; connectedClusterName: string };
  query: Record<never, never>;
  body: types.ConnectedCluster;
  answer: types.ConnectedCluster;
}> = {
  id: "ConnectedClusters_Update",
  method: "PATCH",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Kubernetes/connectedClusters/{connectedClusterName}",
  apiVersion: "2026-05-01",
};

export const denyAssignmentsGet: Operation<{
  path: { scope: string; denyAssignmentName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.DenyAssignment;
}> = {
  id: "DenyAssignments_Get",
  method: "GET",
  path: "/{scope}/providers/Microsoft.Authorization/denyAssignments/{denyAssignmentName}",
  apiVersion: "2022-04-01",
};

export const denyAssignmentsList: Operation<{
  path: { scope: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.DenyAssignmentList;
}> = {
  id: "DenyAssignments_List",
  method: "GET",
  path: "/{scope}/providers/Microsoft.Authorization/denyAssignments",
  apiVersion: "2022-04-01",
};

export const enrollmentTokensCreateOrUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; enrollmentTokenName: string };
  query: Record<never, never>;
  body: types.EnrollmentToken;
  answer: types.EnrollmentToken;
}> = {
  id: "EnrollmentTokens_CreateOrUpdate",
  method: "PUT",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Bowline/enrollmentTokens/{enrollmentTokenName}",
  apiVersion: "2026-11-01",
};

export const enrollmentTokensDelete: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; enrollmentTokenName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "EnrollmentTokens_Delete",
  method: "DELETE",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Bowline/enrollmentTokens/{enrollmentTokenName}",
  apiVersion: "2026-11-01",
};

export const enrollmentTokensGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; enrollmentTokenName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.EnrollmentToken;
}> = {
  id: "EnrollmentTokens_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Bowline/enrollmentTokens/{enrollmentTokenName}",
  apiVersion: "2026-11-01",
};

export const enrollmentTokensListByResourceGroup: Operation<{
  path: { subscriptionId: string; resourceGroupName: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.EnrollmentTokenList;
}> = {
  id: "EnrollmentTokens_ListByResourceGroup",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Bowline/enrollmentTokens",
  apiVersion: "2026-11-01",
};

export const enrollmentTokensListBySubscription: Operation<{
  path: { subscriptionId: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.EnrollmentTokenList;
}> = {
  id: "EnrollmentTokens_ListBySubscription",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/providers/Microsoft.Bowline/enrollmentTokens",
  apiVersion: "2026-11-01",
};

export const enrollmentTokensListToken: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; enrollmentTokenName: string };
  query: Record<never, never>;
  body: types.Any;
  answer: types.Any;
}> = {
  id: "EnrollmentTokens_ListToken",
  method: "POST",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Bowline/enrollmentTokens/{enrollmentTokenName}/listToken",
  apiVersion: "2026-11-01",
};

export const enrollmentTokensUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; enrollmentTokenName: string };
  query: Record<never, never>;
  body: types.EnrollmentToken;
  answer: types.EnrollmentToken;
}> = {
  id: "EnrollmentTokens_Update",
  method: "PATCH",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Bowline/enrollmentTokens/{enrollmentTokenName}",
  apiVersion: "2026-11-01",
};

export const gatewaysCreateOrUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; gatewayName: string };
  query: Record<never, never>;
  body: types.Gateway;
  answer: types.Gateway;
}> = {
  id: "Gateways_CreateOrUpdate",
  method: "PUT",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/gateways/{gatewayName}",
  apiVersion: "2026-07-15",
};

export const gatewaysDelete: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; gatewayName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "Gateways_Delete",
  method: "DELETE",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/gateways/{gatewayName}",
  apiVersion: "2026-07-15",
};

export const gatewaysGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; gatewayName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.Gateway;
}> = {
  id: "Gateways_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/gateways/{gatewayName}",
  apiVersion: "2026-07-15",
};

export const gatewaysListByResourceGroup: Operation<{
  path: { subscriptionId: string; resourceGroupName: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.GatewayList;
}> = {
  id: "Gateways_ListByResourceGroup",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/gateways",
  apiVersion: "2026-07-15",
};

export const gatewaysListBySubscription: Operation<{
  path: { subscriptionId: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.GatewayList;
}> = {
  id: "Gateways_ListBySubscription",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/providers/Microsoft.HybridCompute/gateways",
  apiVersion: "2026-07-15",
};

export const gatewaysUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; gatewayName: string };
  query: Record<never, never>;
  body: types.Gateway;
  answer: types.Gateway;
}> = {
  id: "Gateways_Update",
  method: "PATCH",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/gateways/{gatewayName}",
  apiVersion: "2026-07-15",
};

export const groupsAddMembers: Operation<{
  path: { groupName: string };
  query: Record<never, never>;
  body: types.Any;
  answer: types.Any;
}> = {
  id: "Groups_AddMembers",
  method: "POST",
  path: "/providers/Microsoft.Bowline/groups/{groupName}/addMembers",
  apiVersion: "2026-11-01",
};

export const groupsAddOwners: Operation<{
  path: { groupName: string };
  query: Record<never, never>;
  body: types.Any;
  answer: types.Any;
}> = {
  id: "Groups_AddOwners",
  method: "POST",
  path: "/providers/Microsoft.Bowline/groups/{groupName}/addOwners",
  apiVersion: "2026-11-01",
};

export const groupsCreateOrUpdate: Operation<{
  path: { groupName: string };
  query: Record<never, never>;
  body: types.Group;
  answer: types.Group;
}> = {
  id: "Groups_CreateOrUpdate",
  method: "PUT",
  path: "/providers/Microsoft.Bowline/groups/{groupName}",
  apiVersion: "2026-11-01",
};

export const groupsDelete: Operation<{
  path: { groupName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "Groups_Delete",
  method: "DELETE",
  path: "/providers/Microsoft.Bowline/groups/{groupName}",
  apiVersion: "2026-11-01",
};

export const groupsGet: Operation<{
  path: { groupName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.Group;
}> = {
  id: "Groups_Get",
  method: "GET",
  path: "/providers/Microsoft.Bowline/groups/{groupName}",
  apiVersion: "2026-11-01",
};

export const groupsList: Operation<{
  path: Record<never, never>;
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.GroupList;
}> = {
  id: "Groups_List",
  method: "GET",
  path: "/providers/Microsoft.Bowline/groups",
  apiVersion: "2026-11-01",
};

export const groupsRemoveMembers: Operation<{
  path: { groupName: string };
  query: Record<never, never>;
  body: types.Any;
  answer: types.Any;
}> = {
  id: "Groups_RemoveMembers",
  method: "POST",
  path: "/providers/Microsoft.Bowline/groups/{groupName}/removeMembers",
  apiVersion: "2026-11-01",
};

export const groupsRemoveOwners: Operation<{
  path: { groupName: string };
  query: Record<never, never>;
  body: types.Any;
  answer: types.Any;
}> = {
  id: "Groups_RemoveOwners",
  method: "POST",
  path: "/providers/Microsoft.Bowline/groups/{groupName}/removeOwners",
  apiVersion: "2026-11-01",
};

export const groupsUpdate: Operation<{
  path: { groupName: string };
  query: Record<never, never>;
  body: types.Group;
  answer: types.Group;
}> = {
  id: "Groups_Update",
  method: "PATCH",
  path: "/providers/Microsoft.Bowline/groups/{groupName}",
  apiVersion: "2026-11-01",
};

export const licensesCreateOrUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; licenseName: string };
  query: Record<never, never>;
  body: types.License;
  answer: types.License;
}> = {
  id: "Licenses_CreateOrUpdate",
  method: "PUT",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/licenses/{licenseName}",
  apiVersion: "2026-07-15",
};

export const licensesDelete: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; licenseName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "Licenses_Delete",
  method: "DELETE",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/licenses/{licenseName}",
  apiVersion: "2026-07-15",
};

export const licensesGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; licenseName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.License;
}> = {
  id: "Licenses_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/licenses/{licenseName}",
  apiVersion: "2026-07-15",
};

export const licensesListByResourceGroup: Operation<{
  path: { subscriptionId: string; resourceGroupName: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.LicenseList;
}> = {
  id: "Licenses_ListByResourceGroup",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/licenses",
  apiVersion: "2026-07-15",
};

export const licensesListBySubscription: Operation<{
  path: { subscriptionId: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.LicenseList;
}> = {
  id: "Licenses_ListBySubscription",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/providers/Microsoft.HybridCompute/licenses",
  apiVersion: "2026-07-15",
};

export const licensesUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; licenseName: string };
  query: Record<never, never>;
  body: types.License;
  answer: types.License;
}> = {
  id: "Licenses_Update",
  method: "PATCH",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/licenses/{licenseName}",
  apiVersion: "2026-07-15",
};

export const locationsCreateOrUpdate: Operation<{
  path: { locationName: string };
  query: Record<never, never>;
  body: types.Location;
  answer: types.Location;
}> = {
  id: "Locations_CreateOrUpdate",
  method: "PUT",
  path: "/providers/Microsoft.Bowline/locations/{locationName}",
  apiVersion: "2026-11-01",
};

export const locationsDelete: Operation<{
  path: { locationName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "Locations_Delete",
  method: "DELETE",
  path: "/providers/Microsoft.Bowline/locations/{locationName}",
  apiVersion: "2026-11-01",
};

export const locationsGet: Operation<{
  path: { locationName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.Location;
}> = {
  id: "Locations_Get",
  method: "GET",
  path: "/providers/Microsoft.Bowline/locations/{locationName}",
  apiVersion: "2026-11-01",
};

export const locationsList: Operation<{
  path: Record<never, never>;
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.LocationList;
}> = {
  id: "Locations_List",
  method: "GET",
  path: "/providers/Microsoft.Bowline/locations",
  apiVersion: "2026-11-01",
};

export const locationsUpdate: Operation<{
  path: { locationName: string };
  query: Record<never, never>;
  body: types.Location;
  answer: types.Location;
}> = {
  id: "Locations_Update",
  method: "PATCH",
  path: "/providers/Microsoft.Bowline/locations/{locationName}",
  apiVersion: "2026-11-01",
};

export const locksCreateOrUpdate: Operation<{
  path: { scope: string; lockName: string };
  query: Record<never, never>;
  body: types.Lock;
  answer: types.Lock;
}> = {
  id: "Locks_CreateOrUpdate",
  method: "PUT",
  path: "/{scope}/providers/Microsoft.Authorization/locks/{lockName}",
  apiVersion: "2020-05-01",
};

export const locksDelete: Operation<{
  path: { scope: string; lockName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "Locks_Delete",
  method: "DELETE",
  path: "/{scope}/providers/Microsoft.Authorization/locks/{lockName}",
  apiVersion: "2020-05-01",
};

export const locksGet: Operation<{
  path: { scope: string; lockName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.Lock;
}> = {
  id: "Locks_Get",
  method: "GET",
  path: "/{scope}/providers/Microsoft.Authorization/locks/{lockName}",
  apiVersion: "2020-05-01",
};

export const locksList: Operation<{
  path: { scope: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.LockList;
}> = {
  id: "Locks_List",
  method: "GET",
  path: "/{scope}/providers/Microsoft.Authorization/locks",
  apiVersion: "2020-05-01",
};

export const locksUpdate: Operation<{
  path: { scope: string; lockName: string };
  query: Record<never, never>;
  body: types.Lock;
  answer: types.Lock;
}> = {
  id: "Locks_Update",
  method: "PATCH",
  path: "/{scope}/providers/Microsoft.Authorization/locks/{lockName}",
  apiVersion: "2020-05-01",
};

export const machineExtensionsCreateOrUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string; extensionName: string };
  query: Record<never, never>;
  body: types.MachineExtension;
  answer: types.MachineExtension;
}> = {
  id: "MachineExtensions_CreateOrUpdate",
  method: "PUT",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/extensions/{extensionName}",
  apiVersion: "2026-07-15",
};

export const machineExtensionsDelete: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string; extensionName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "MachineExtensions_Delete",
  method: "DELETE",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/extensions/{extensionName}",
  apiVersion: "2026-07-15",
};

export const machineExtensionsGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string; extensionName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.MachineExtension;
}> = {
  id: "MachineExtensions_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/extensions/{extensionName}",
  apiVersion: "2026-07-15",
};

export const machineExtensionsList: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.MachineExtensionList;
}> = {
  id: "MachineExtensions_List",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/extensions",
  apiVersion: "2026-07-15",
};

export const machineExtensionsUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string; extensionName: string };
  query: Record<never, never>;
  body: types.MachineExtension;
  answer: types.MachineExtension;
}> = {
  id: "MachineExtensions_Update",
  method: "PATCH",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/extensions/{extensionName}",
  apiVersion: "2026-07-15",
};

export const machineLicenseProfilesCreateOrUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string; licenseProfileName: string };
  query: Record<never, never>;
  body: types.MachineLicenseProfile;
  answer: types.MachineLicenseProfile;
}> = {
  id: "MachineLicenseProfiles_CreateOrUpdate",
  method: "PUT",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/licenseProfiles/{licenseProfileName}",
  apiVersion: "2026-07-15",
};

export const machineLicenseProfilesDelete: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string; licenseProfileName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "MachineLicenseProfiles_Delete",
  method: "DELETE",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/licenseProfiles/{licenseProfileName}",
  apiVersion: "2026-07-15",
};

export const machineLicenseProfilesGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string; licenseProfileName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.MachineLicenseProfile;
}> = {
  id: "MachineLicenseProfiles_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/licenseProfiles/{licenseProfileName}",
  apiVersion: "2026-07-15",
};

export const machineLicenseProfilesList: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.MachineLicenseProfileList;
}> = {
  id: "MachineLicenseProfiles_List",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/licenseProfiles",
  apiVersion: "2026-07-15",
};

export const machineLicenseProfilesUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string; licenseProfileName: string };
  query: Record<never, never>;
  body: types.MachineLicenseProfile;
  answer: types.MachineLicenseProfile;
}> = {
  id: "MachineLicenseProfiles_Update",
  method: "PATCH",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/licenseProfiles/{licenseProfileName}",
  apiVersion: "2026-07-15",
};

export const machineRunCommandsCreateOrUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string; runCommandName: string };
  query: Record<never, never>;
  body: types.MachineRunCommand;
  answer: types.MachineRunCommand;
}> = {
  id: "MachineRunCommands_CreateOrUpdate",
  method: "PUT",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/runCommands/{runCommandName}",
  apiVersion: "2026-07-15",
};

export const machineRunCommandsDelete: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string; runCommandName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "MachineRunCommands_Delete",
  method: "DELETE",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/runCommands/{runCommandName}",
  apiVersion: "2026-07-15",
};

export const machineRunCommandsGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string; runCommandName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.MachineRunCommand;
}> = {
  id: "MachineRunCommands_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/runCommands/{runCommandName}",
  apiVersion: "2026-07-15",
};

export const machineRunCommandsList: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.MachineRunCommandList;
}> = {
  id: "MachineRunCommands_List",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/runCommands",
  apiVersion: "2026-07-15",
};

export const machineRunCommandsUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string; runCommandName: string };
  query: Record<never, never>;
  body: types.MachineRunCommand;
  answer: types.MachineRunCommand;
}> = {
  id: "MachineRunCommands_Update",
  method: "PATCH",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/runCommands/{runCommandName}",
  apiVersion: "2026-07-15",
};

export const machinesAddExtensions: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string };
  query: Record<never, never>;
  body: types.Any;
  answer: types.Any;
}> = {
  id: "Machines_AddExtensions",
  method: "POST",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/addExtensions",
  apiVersion: "2026-07-15",
};

export const machinesAssessPatches: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string };
  query: Record<never, never>;
  body: types.Any;
  answer: types.Any;
}> = {
  id: "Machines_AssessPatches",
  method: "POST",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/assessPatches",
  apiVersion: "2026-07-15",
};

export const machinesCreateOrUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string };
  query: Record<never, never>;
  body: types.Machine;
  answer: types.Machine;
}> = {
  id: "Machines_CreateOrUpdate",
  method: "PUT",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}",
  apiVersion: "2026-07-15",
};

export const machinesDelete: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "Machines_Delete",
  method: "DELETE",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}",
  apiVersion: "2026-07-15",
};

export const machinesGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.Machine;
}> = {
  id: "Machines_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}",
  apiVersion: "2026-07-15",
};

export const machinesGetNetworkProfile: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.Any;
}> = {
  id: "Machines_GetNetworkProfile",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/networkProfile",
  apiVersion: "2026-07-15",
};

export const machinesInstallPatches: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string };
  query: Record<never, never>;
  body: types.Any;
  answer: types.Any;
}> = {
  id: "Machines_InstallPatches",
  method: "POST",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/installPatches",
  apiVersion: "2026-07-15",
};

export const machinesListByResourceGroup: Operation<{
  path: { subscriptionId: string; resourceGroupName: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.MachineList;
}> = {
  id: "Machines_ListByResourceGroup",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines",
  apiVersion: "2026-07-15",
};

export const machinesListBySubscription: Operation<{
  path: { subscriptionId: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.MachineList;
}> = {
  id: "Machines_ListBySubscription",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/providers/Microsoft.HybridCompute/machines",
  apiVersion: "2026-07-15",
};

export const machinesUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string };
  query: Record<never, never>;
  body: types.Machine;
  answer: types.Machine;
}> = {
  id: "Machines_Update",
  method: "PATCH",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}",
  apiVersion: "2026-07-15",
};

export const machinesUpgradeExtensions: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string };
  query: Record<never, never>;
  body: types.Any;
  answer: types.Any;
}> = {
  id: "Machines_UpgradeExtensions",
  method: "POST",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}/upgradeExtensions",
  apiVersion: "2026-07-15",
};

export const managementGroupsCreateOrUpdate: Operation<{
  path: { managementGroupName: string };
  query: Record<never, never>;
  body: types.ManagementGroup;
  answer: types.ManagementGroup;
}> = {
  id: "ManagementGroups_CreateOrUpdate",
  method: "PUT",
  path: "/providers/Microsoft.Management/managementGroups/{managementGroupName}",
  apiVersion: "2023-04-01",
};

export const managementGroupsDelete: Operation<{
  path: { managementGroupName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "ManagementGroups_Delete",
  method: "DELETE",
  path: "/providers/Microsoft.Management/managementGroups/{managementGroupName}",
  apiVersion: "2023-04-01",
};

export const managementGroupsGet: Operation<{
  path: { managementGroupName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.ManagementGroup;
}> = {
  id: "ManagementGroups_Get",
  method: "GET",
  path: "/providers/Microsoft.Management/managementGroups/{managementGroupName}",
  apiVersion: "2023-04-01",
};

export const managementGroupsList: Operation<{
  path: Record<never, never>;
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.ManagementGroupList;
}> = {
  id: "ManagementGroups_List",
  method: "GET",
  path: "/providers/Microsoft.Management/managementGroups",
  apiVersion: "2023-04-01",
};

export const managementGroupsUpdate: Operation<{
  path: { managementGroupName: string };
  query: Record<never, never>;
  body: types.ManagementGroup;
  answer: types.ManagementGroup;
}> = {
  id: "ManagementGroups_Update",
  method: "PATCH",
  path: "/providers/Microsoft.Management/managementGroups/{managementGroupName}",
  apiVersion: "2023-04-01",
};

export const privateLinkScopeNetworkSecurityPerimeterConfigurationsGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; privateLinkScopeName: string; networkSecurityPerimeterConfigurationName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.PrivateLinkScopeNetworkSecurityPerimeterConfiguration;
}> = {
  id: "PrivateLinkScopeNetworkSecurityPerimeterConfigurations_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/privateLinkScopes/{privateLinkScopeName}/networkSecurityPerimeterConfigurations/{networkSecurityPerimeterConfigurationName}",
  apiVersion: "2026-07-15",
};

export const privateLinkScopeNetworkSecurityPerimeterConfigurationsList: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; privateLinkScopeName: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.PrivateLinkScopeNetworkSecurityPerimeterConfigurationList;
}> = {
  id: "PrivateLinkScopeNetworkSecurityPerimeterConfigurations_List",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/privateLinkScopes/{privateLinkScopeName}/networkSecurityPerimeterConfigurations",
  apiVersion: "2026-07-15",
};

export const privateLinkScopePrivateEndpointConnectionsGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; privateLinkScopeName: string; privateEndpointConnectionName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.PrivateLinkScopePrivateEndpointConnection;
}> = {
  id: "PrivateLinkScopePrivateEndpointConnections_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/privateLinkScopes/{privateLinkScopeName}/privateEndpointConnections/{privateEndpointConnectionName}",
  apiVersion: "2026-07-15",
};

export const privateLinkScopePrivateEndpointConnectionsList: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; privateLinkScopeName: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.PrivateLinkScopePrivateEndpointConnectionList;
}> = {
  id: "PrivateLinkScopePrivateEndpointConnections_List",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/privateLinkScopes/{privateLinkScopeName}/privateEndpointConnections",
  apiVersion: "2026-07-15",
};

export const privateLinkScopePrivateLinkResourcesGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; privateLinkScopeName: string; privateLinkResourceName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.PrivateLinkScopePrivateLinkResource;
}> = {
  id: "PrivateLinkScopePrivateLinkResources_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/privateLinkScopes/{privateLinkScopeName}/privateLinkResources/{privateLinkResourceName}",
  apiVersion: "2026-07-15",
};

export const privateLinkScopePrivateLinkResourcesList: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; privateLinkScopeName: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.PrivateLinkScopePrivateLinkResourceList;
}> = {
  id: "PrivateLinkScopePrivateLinkResources_List",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/privateLinkScopes/{privateLinkScopeName}/privateLinkResources",
  apiVersion: "2026-07-15",
};

export const privateLinkScopesCreateOrUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; privateLinkScopeName: string };
  query: Record<never, never>;
  body: types.PrivateLinkScope;
  answer: types.PrivateLinkScope;
}> = {
  id: "PrivateLinkScopes_CreateOrUpdate",
  method: "PUT",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/privateLinkScopes/{privateLinkScopeName}",
  apiVersion: "2026-07-15",
};

export const privateLinkScopesDelete: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; privateLinkScopeName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "PrivateLinkScopes_Delete",
  method: "DELETE",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/privateLinkScopes/{privateLinkScopeName}",
  apiVersion: "2026-07-15",
};

export const privateLinkScopesGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; privateLinkScopeName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.PrivateLinkScope;
}> = {
  id: "PrivateLinkScopes_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/privateLinkScopes/{privateLinkScopeName}",
  apiVersion: "2026-07-15",
};

export const privateLinkScopesListByResourceGroup: Operation<{
  path: { subscriptionId: string; resourceGroupName: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.PrivateLinkScopeList;
}> = {
  id: "PrivateLinkScopes_ListByResourceGroup",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/privateLinkScopes",
  apiVersion: "2026-07-15",
};

export const privateLinkScopesListBySubscription: Operation<{
  path: { subscriptionId: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.PrivateLinkScopeList;
}> = {
  id: "PrivateLinkScopes_ListBySubscription",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/providers/Microsoft.HybridCompute/privateLinkScopes",
  apiVersion: "2026-07-15",
};

export const privateLinkScopesUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; privateLinkScopeName: string };
  query: Record<never, never>;
  body: types.PrivateLinkScope;
  answer: types.PrivateLinkScope;
}> = {
  id: "PrivateLinkScopes_Update",
  method: "PATCH",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/privateLinkScopes/{privateLinkScopeName}",
  apiVersion: "2026-07-15",
};

export const queriesCreateOrUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; queryName: string };
  query: Record<never, never>;
  body: types.Query;
  answer: types.Query;
}> = {
  id: "Queries_CreateOrUpdate",
  method: "PUT",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ResourceGraph/queries/{queryName}",
  apiVersion: "2024-04-01",
};

export const queriesDelete: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; queryName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "Queries_Delete",
  method: "DELETE",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ResourceGraph/queries/{queryName}",
  apiVersion: "2024-04-01",
};

export const queriesGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; queryName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.Query;
}> = {
  id: "Queries_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ResourceGraph/queries/{queryName}",
  apiVersion: "2024-04-01",
};

export const queriesListByResourceGroup: Operation<{
  path: { subscriptionId: string; resourceGroupName: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.QueryList;
}> = {
  id: "Queries_ListByResourceGroup",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ResourceGraph/queries",
  apiVersion: "2024-04-01",
};

export const queriesListBySubscription: Operation<{
  path: { subscriptionId: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.QueryList;
}> = {
  id: "Queries_ListBySubscription",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/providers/Microsoft.ResourceGraph/queries",
  apiVersion: "2024-04-01",
};

export const queriesUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; queryName: string };
  query: Record<never, never>;
  body: types.Query;
  answer: types.Query;
}> = {
  id: "Queries_Update",
  method: "PATCH",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ResourceGraph/queries/{queryName}",
  apiVersion: "2024-04-01",
};

export const resourceGroupsCreateOrUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string };
  query: Record<never, never>;
  body: types.ResourceGroup;
  answer: types.ResourceGroup;
}> = {
  id: "ResourceGroups_CreateOrUpdate",
  method: "PUT",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}",
  apiVersion: "2025-04-01",
};

export const resourceGroupsDelete: Operation<{
  path: { subscriptionId: string; resourceGroupName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "ResourceGroups_Delete",
  method: "DELETE",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}",
  apiVersion: "2025-04-01",
};

export const resourceGroupsGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.ResourceGroup;
}> = {
  id: "ResourceGroups_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}",
  apiVersion: "2025-04-01",
};

export const resourceGroupsList: Operation<{
  path: { subscriptionId: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.ResourceGroupList;
}> = {
  id: "ResourceGroups_List",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups",
  apiVersion: "2025-04-01",
};

export const resourceGroupsUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string };
  query: Record<never, never>;
  body: types.ResourceGroup;
  answer: types.ResourceGroup;
}> = {
  id: "ResourceGroups_Update",
  method: "PATCH",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}",
  apiVersion: "2025-04-01",
};

export const roleAssignmentsCreateOrUpdate: Operation<{
  path: { scope: string; roleAssignmentName: string };
  query: Record<never, never>;
  body: types.RoleAssignment;
  answer: types.RoleAssignment;
}> = {
  id: "RoleAssignments_CreateOrUpdate",
  method: "PUT",
  path: "/{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
  apiVersion: "2022-04-01",
};

export const roleAssignmentsDelete: Operation<{
  path: { scope: string; roleAssignmentName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "RoleAssignments_Delete",
  method: "DELETE",
  path: "/{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
  apiVersion: "2022-04-01",
};

export const roleAssignmentsGet: Operation<{
  path: { scope: string; roleAssignmentName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.RoleAssignment;
}> = {
  id: "RoleAssignments_Get",
  method: "GET",
  path: "/{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
  apiVersion: "2022-04-01",
};

export const roleAssignmentsList: Operation<{
  path: { scope: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.RoleAssignmentList;
}> = {
  id: "RoleAssignments_List",
  method: "GET",
  path: "/{scope}/providers/Microsoft.Authorization/roleAssignments",
  apiVersion: "2022-04-01",
};

export const roleAssignmentsUpdate: Operation<{
  path: { scope: string; roleAssignmentName: string };
  query: Record<never, never>;
  body: types.RoleAssignment;
  answer: types.RoleAssignment;
}> = {
  id: "RoleAssignments_Update",
  method: "PATCH",
  path: "/{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
  apiVersion: "2022-04-01",
};

export const roleDefinitionsCreateOrUpdate: Operation<{
  path: { scope: string; roleDefinitionName: string };
  query: Record<never, never>;
  body: types.RoleDefinition;
  answer: types.RoleDefinition;
}> = {
  id: "RoleDefinitions_CreateOrUpdate",
  method: "PUT",
  path: "/{scope}/providers/Microsoft.Authorization/roleDefinitions/{roleDefinitionName}",
  apiVersion: "2022-04-01",
};

export const roleDefinitionsDelete: Operation<{
  path: { scope: string; roleDefinitionName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "RoleDefinitions_Delete",
  method: "DELETE",
  path: "/{scope}/providers/Microsoft.Authorization/roleDefinitions/{roleDefinitionName}",
  apiVersion: "2022-04-01",
};

export const roleDefinitionsGet: Operation<{
  path: { scope: string; roleDefinitionName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.RoleDefinition;
}> = {
  id: "RoleDefinitions_Get",
  method: "GET",
  path: "/{scope}/providers/Microsoft.Authorization/roleDefinitions/{roleDefinitionName}",
  apiVersion: "2022-04-01",
};

export const roleDefinitionsList: Operation<{
  path: { scope: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.RoleDefinitionList;
}> = {
  id: "RoleDefinitions_List",
  method: "GET",
  path: "/{scope}/providers/Microsoft.Authorization/roleDefinitions",
  apiVersion: "2022-04-01",
};

export const roleDefinitionsUpdate: Operation<{
  path: { scope: string; roleDefinitionName: string };
  query: Record<never, never>;
  body: types.RoleDefinition;
  answer: types.RoleDefinition;
}> = {
  id: "RoleDefinitions_Update",
  method: "PATCH",
  path: "/{scope}/providers/Microsoft.Authorization/roleDefinitions/{roleDefinitionName}",
  apiVersion: "2022-04-01",
};

export const servicePrincipalsAddPassword: Operation<{
  path: { servicePrincipalName: string };
  query: Record<never, never>;
  body: types.Any;
  answer: types.Any;
}> = {
  id: "ServicePrincipals_AddPassword",
  method: "POST",
  path: "/providers/Microsoft.Bowline/servicePrincipals/{servicePrincipalName}/addPassword",
  apiVersion: "2026-11-01",
};

export const servicePrincipalsCreateOrUpdate: Operation<{
  path: { servicePrincipalName: string };
  query: Record<never, never>;
  body: types.ServicePrincipal;
  answer: types.ServicePrincipal;
}> = {
  id: "ServicePrincipals_CreateOrUpdate",
  method: "PUT",
  path: "/providers/Microsoft.Bowline/servicePrincipals/{servicePrincipalName}",
  apiVersion: "2026-11-01",
};

export const servicePrincipalsDelete: Operation<{
  path: { servicePrincipalName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "ServicePrincipals_Delete",
  method: "DELETE",
  path: "/providers/Microsoft.Bowline/servicePrincipals/{servicePrincipalName}",
  apiVersion: "2026-11-01",
};

export const servicePrincipalsGet: Operation<{
  path: { servicePrincipalName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.ServicePrincipal;
}> = {
  id: "ServicePrincipals_Get",
  method: "GET",
  path: "/providers/Microsoft.Bowline/servicePrincipals/{servicePrincipalName}",
  apiVersion: "2026-11-01",
};

export const servicePrincipalsList: Operation<{
  path: Record<never, never>;
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.ServicePrincipalList;
}> = {
  id: "ServicePrincipals_List",
  method: "GET",
  path: "/providers/Microsoft.Bowline/servicePrincipals",
  apiVersion: "2026-11-01",
};

export const servicePrincipalsRemovePassword: Operation<{
  path: { servicePrincipalName: string };
  query: Record<never, never>;
  body: types.Any;
  answer: types.Any;
}> = {
  id: "ServicePrincipals_RemovePassword",
  method: "POST",
  path: "/providers/Microsoft.Bowline/servicePrincipals/{servicePrincipalName}/removePassword",
  apiVersion: "2026-11-01",
};

export const servicePrincipalsUpdate: Operation<{
  path: { servicePrincipalName: string };
  query: Record<never, never>;
  body: types.ServicePrincipal;
  answer: types.ServicePrincipal;
}> = {
  id: "ServicePrincipals_Update",
  method: "PATCH",
  path: "/providers/Microsoft.Bowline/servicePrincipals/{servicePrincipalName}",
  apiVersion: "2026-11-01",
};

export const settingsCreateOrUpdate: Operation<{
  path: { scope: string; settingName: string };
  query: Record<never, never>;
  body: types.Setting;
  answer: types.Setting;
}> = {
  id: "Settings_CreateOrUpdate",
  method: "PUT",
  path: "/{scope}/providers/Microsoft.HybridCompute/settings/{settingName}",
  apiVersion: "2026-07-15",
};

export const settingsDelete: Operation<{
  path: { scope: string; settingName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "Settings_Delete",
  method: "DELETE",
  path: "/{scope}/providers/Microsoft.HybridCompute/settings/{settingName}",
  apiVersion: "2026-07-15",
};

export const settingsGet: Operation<{
  path: { scope: string; settingName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.Setting;
}> = {
  id: "Settings_Get",
  method: "GET",
  path: "/{scope}/providers/Microsoft.HybridCompute/settings/{settingName}",
  apiVersion: "2026-07-15",
};

export const settingsList: Operation<{
  path: { scope: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.SettingList;
}> = {
  id: "Settings_List",
  method: "GET",
  path: "/{scope}/providers/Microsoft.HybridCompute/settings",
  apiVersion: "2026-07-15",
};

export const settingsUpdate: Operation<{
  path: { scope: string; settingName: string };
  query: Record<never, never>;
  body: types.Setting;
  answer: types.Setting;
}> = {
  id: "Settings_Update",
  method: "PATCH",
  path: "/{scope}/providers/Microsoft.HybridCompute/settings/{settingName}",
  apiVersion: "2026-07-15",
};

export const subscriptionsCreateOrUpdate: Operation<{
  path: { subscriptionId: string };
  query: Record<never, never>;
  body: types.Subscription;
  answer: types.Subscription;
}> = {
  id: "Subscriptions_CreateOrUpdate",
  method: "PUT",
  path: "/subscriptions/{subscriptionId}",
  apiVersion: "2022-12-01",
};

export const subscriptionsDelete: Operation<{
  path: { subscriptionId: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "Subscriptions_Delete",
  method: "DELETE",
  path: "/subscriptions/{subscriptionId}",
  apiVersion: "2022-12-01",
};

export const subscriptionsGet: Operation<{
  path: { subscriptionId: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.Subscription;
}> = {
  id: "Subscriptions_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}",
  apiVersion: "2022-12-01",
};

export const subscriptionsList: Operation<{
  path: Record<never, never>;
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.SubscriptionList;
}> = {
  id: "Subscriptions_List",
  method: "GET",
  path: "/subscriptions",
  apiVersion: "2022-12-01",
};

export const subscriptionsUpdate: Operation<{
  path: { subscriptionId: string };
  query: Record<never, never>;
  body: types.Subscription;
  answer: types.Subscription;
}> = {
  id: "Subscriptions_Update",
  method: "PATCH",
  path: "/subscriptions/{subscriptionId}",
  apiVersion: "2022-12-01",
};

export const userAssignedIdentitiesCreateOrUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; userAssignedIdentityName: string };
  query: Record<never, never>;
  body: types.UserAssignedIdentity;
  answer: types.UserAssignedIdentity;
}> = {
  id: "UserAssignedIdentities_CreateOrUpdate",
  method: "PUT",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{userAssignedIdentityName}",
  apiVersion: "2024-11-30",
};

export const userAssignedIdentitiesDelete: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; userAssignedIdentityName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "UserAssignedIdentities_Delete",
  method: "DELETE",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{userAssignedIdentityName}",
  apiVersion: "2024-11-30",
};

export const userAssignedIdentitiesGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; userAssignedIdentityName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.UserAssignedIdentity;
}> = {
  id: "UserAssignedIdentities_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{userAssignedIdentityName}",
  apiVersion: "2024-11-30",
};

export const userAssignedIdentitiesListByResourceGroup: Operation<{
  path: { subscriptionId: string; resourceGroupName: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.UserAssignedIdentityList;
}> = {
  id: "UserAssignedIdentities_ListByResourceGroup",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ManagedIdentity/userAssignedIdentities",
  apiVersion: "2024-11-30",
};

export const userAssignedIdentitiesListBySubscription: Operation<{
  path: { subscriptionId: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.UserAssignedIdentityList;
}> = {
  id: "UserAssignedIdentities_ListBySubscription",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/providers/Microsoft.ManagedIdentity/userAssignedIdentities",
  apiVersion: "2024-11-30",
};

export const userAssignedIdentitiesUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; userAssignedIdentityName: string };
  query: Record<never, never>;
  body: types.UserAssignedIdentity;
  answer: types.UserAssignedIdentity;
}> = {
  id: "UserAssignedIdentities_Update",
  method: "PATCH",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{userAssignedIdentityName}",
  apiVersion: "2024-11-30",
};

export const userAssignedIdentityFederatedIdentityCredentialsCreateOrUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; userAssignedIdentityName: string; federatedIdentityCredentialName: string };
  query: Record<never, never>;
  body: types.UserAssignedIdentityFederatedIdentityCredential;
  answer: types.UserAssignedIdentityFederatedIdentityCredential;
}> = {
  id: "UserAssignedIdentityFederatedIdentityCredentials_CreateOrUpdate",
  method: "PUT",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{userAssignedIdentityName}/federatedIdentityCredentials/{federatedIdentityCredentialName}",
  apiVersion: "2024-11-30",
};

export const userAssignedIdentityFederatedIdentityCredentialsDelete: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; userAssignedIdentityName: string; federatedIdentityCredentialName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "UserAssignedIdentityFederatedIdentityCredentials_Delete",
  method: "DELETE",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{userAssignedIdentityName}/federatedIdentityCredentials/{federatedIdentityCredentialName}",
  apiVersion: "2024-11-30",
};

export const userAssignedIdentityFederatedIdentityCredentialsGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; userAssignedIdentityName: string; federatedIdentityCredentialName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.UserAssignedIdentityFederatedIdentityCredential;
}> = {
  id: "UserAssignedIdentityFederatedIdentityCredentials_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{userAssignedIdentityName}/federatedIdentityCredentials/{federatedIdentityCredentialName}",
  apiVersion: "2024-11-30",
};

export const userAssignedIdentityFederatedIdentityCredentialsList: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; userAssignedIdentityName: string };
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.UserAssignedIdentityFederatedIdentityCredentialList;
}> = {
  id: "UserAssignedIdentityFederatedIdentityCredentials_List",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{userAssignedIdentityName}/federatedIdentityCredentials",
  apiVersion: "2024-11-30",
};

export const userAssignedIdentityFederatedIdentityCredentialsUpdate: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; userAssignedIdentityName: string; federatedIdentityCredentialName: string };
  query: Record<never, never>;
  body: types.UserAssignedIdentityFederatedIdentityCredential;
  answer: types.UserAssignedIdentityFederatedIdentityCredential;
}> = {
  id: "UserAssignedIdentityFederatedIdentityCredentials_Update",
  method: "PATCH",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{userAssignedIdentityName}/federatedIdentityCredentials/{federatedIdentityCredentialName}",
  apiVersion: "2024-11-30",
};

export const usersCreateOrUpdate: Operation<{
  path: { userName: string };
  query: Record<never, never>;
  body: types.User;
  answer: types.User;
}> = {
  id: "Users_CreateOrUpdate",
  method: "PUT",
  path: "/providers/Microsoft.Bowline/users/{userName}",
  apiVersion: "2026-11-01",
};

export const usersDelete: Operation<{
  path: { userName: string };
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "Users_Delete",
  method: "DELETE",
  path: "/providers/Microsoft.Bowline/users/{userName}",
  apiVersion: "2026-11-01",
};

export const usersGet: Operation<{
  path: { userName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.User;
}> = {
  id: "Users_Get",
  method: "GET",
  path: "/providers/Microsoft.Bowline/users/{userName}",
  apiVersion: "2026-11-01",
};

export const usersList: Operation<{
  path: Record<never, never>;
  query: { "$top"?: number; "$filter"?: string };
  body: undefined;
  answer: types.UserList;
}> = {
  id: "Users_List",
  method: "GET",
  path: "/providers/Microsoft.Bowline/users",
  apiVersion: "2026-11-01",
};

export const usersUpdate: Operation<{
  path: { userName: string };
  query: Record<never, never>;
  body: types.User;
  answer: types.User;
}> = {
  id: "Users_Update",
  method: "PATCH",
  path: "/providers/Microsoft.Bowline/users/{userName}",
  apiVersion: "2026-11-01",
};
