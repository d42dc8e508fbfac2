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
