// The operations of the Azure SDKs for JavaScript on the types that Bowline has.
"use strict";

const { generateKeyPairSync, randomUUID } = require("node:crypto");

const READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const GROUP = "javascript";

function of(operation, call, check, more = {}) {
  return { operation, call, check, scoped: true, ...more };
}

function refused(operation, name, status, code, call) {
  return { operation, call, only: { name, status, code } };
}

// base64 of the PKCS#1 DER, as an agent registers it.
function agentKey() {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return publicKey.export({ type: "pkcs1", format: "der" }).toString("base64");
}

const list = { lists: true };
const wide = { scoped: false };
const named = (name) => (all) => all.some((one) => one.name === name);

function* groups() {
  const at = (c) => c.resources.resourceGroups;
  yield of("resourceGroups.createOrUpdate", (c) => at(c).createOrUpdate(GROUP, { location: "local", tags: { env: "dev" } }), (r) => r.properties.provisioningState === "Succeeded");
  yield of("resourceGroups.get", (c) => at(c).get(GROUP), (r) => r.name === GROUP);
  yield of("resourceGroups.checkExistence", (c) => at(c).checkExistence(GROUP), (r) => r.body === true, wide);
  yield of("resourceGroups.checkExistence (of nothing)", (c) => at(c).checkExistence("no-such"), (r) => r.body === false, { anyone: true, scoped: false });
  yield of("resourceGroups.update", (c) => at(c).update(GROUP, { tags: { env: "prod" } }), (r) => r.tags.env === "prod");
  yield of("resourceGroups.list", (c) => at(c).list(), named(GROUP), list);
  yield of("resourceGroups.list (by tag)", (c) => at(c).list({ filter: "tagName eq 'env' and tagValue eq 'prod'" }), named(GROUP), list);
  yield refused("resourceGroups.get", "not found", 404, "ResourceGroupNotFound", (c) => at(c).get("no-such"));
}

function* kubernetes() {
  const at = (c) => c.kubernetes.connectedClusterOperations;
  const cluster = { location: "local", identity: { type: "SystemAssigned" }, agentPublicKeyCertificate: agentKey(), tags: { a: "b" } };
  yield of("connectedClusterOperations.beginCreateAndWait", (c) => at(c).beginCreateAndWait(GROUP, "c1", cluster), (r) => r.provisioningState === "Succeeded" && r.identity.principalId);
  yield of("connectedClusterOperations.get", (c) => at(c).get(GROUP, "c1"), (r) => r.connectivityStatus);
  yield of("connectedClusterOperations.update", (c) => at(c).update(GROUP, "c1", { tags: { a: "c" } }), (r) => r.tags.a === "c");
  yield of("connectedClusterOperations.listByResourceGroup", (c) => at(c).listByResourceGroup(GROUP), named("c1"), list);
  yield of("connectedClusterOperations.listBySubscription", (c) => at(c).listBySubscription(), named("c1"), list);
  yield refused("connectedClusterOperations.get", "not found", 404, "ResourceNotFound", (c) => at(c).get(GROUP, "no-such"));
  yield refused("connectedClusterOperations.beginCreateAndWait", "wrong etag", 412, "PreconditionFailed", (c) =>
    at(c).beginCreateAndWait(GROUP, "c1", cluster, { requestOptions: { customHeaders: { "If-Match": '"wrong"' } } }));
  yield of("connectedClusterOperations.beginDeleteAndWait", (c) => at(c).beginDeleteAndWait(GROUP, "c1"));
  yield of("operations.get (Microsoft.Kubernetes)", (c) => c.kubernetes.operations.list(), (r) => r.length > 0, { anyone: true, scoped: false });
}

// This SDK's api-version has no PUT of machines, so that others create them; here, the generic client.
function* machines(scene) {
  const id = `/subscriptions/${scene.subscription}/resourceGroups/${GROUP}/providers/Microsoft.HybridCompute/machines/m1`;
  const body = { location: "local", properties: {} };
  const generic = (c) => c.resources.resources;
  const at = (c) => c.compute.machines;
  const extensions = (c) => c.compute.machineExtensions;
  yield of("resources.beginCreateOrUpdateByIdAndWait", (c) => generic(c).beginCreateOrUpdateByIdAndWait(id, "2024-07-10", body), (r) => r.id === id, wide);
  yield of("resources.getById", (c) => generic(c).getById(id, "2024-07-10"), (r) => r.name === "m1", wide);
  yield of("resources.checkExistenceById", (c) => generic(c).checkExistenceById(id, "2024-07-10"), (r) => r.body === true, wide);
  yield of("resources.beginUpdateByIdAndWait", (c) => generic(c).beginUpdateByIdAndWait(id, "2024-07-10", { tags: { env: "prod" } }), (r) => r.tags.env === "prod", wide);
  yield of("resources.list", (c) => generic(c).list({ expand: "createdTime,provisioningState" }), named("m1"), list);
  yield of("resources.list (by type)", (c) => generic(c).list({ filter: "resourceType eq 'Microsoft.HybridCompute/machines'" }), named("m1"), list);
  yield of("resources.listByResourceGroup", (c) => generic(c).listByResourceGroup(GROUP), named("m1"), list);
  yield of("machines.get", (c) => at(c).get(GROUP, "m1"), (r) => r.name === "m1");
  yield of("machines.listByResourceGroup", (c) => at(c).listByResourceGroup(GROUP), named("m1"), list);
  yield of("machines.listBySubscription", (c) => at(c).listBySubscription(), named("m1"), list);
  yield refused("machines.get", "not found", 404, "ResourceNotFound", (c) => at(c).get(GROUP, "no-such"));
  const script = { location: "local", properties: { publisher: "Microsoft.Azure.Extensions", type: "CustomScript", settings: { commandToExecute: "true" } } };
  yield of("machineExtensions.beginCreateOrUpdateAndWait", (c) => extensions(c).beginCreateOrUpdateAndWait(GROUP, "m1", "e1", script), (r) => r.name === "e1");
  yield of("machineExtensions.get", (c) => extensions(c).get(GROUP, "m1", "e1"), (r) => r.properties.publisher === script.properties.publisher);
  yield of("machineExtensions.beginUpdateAndWait", (c) => extensions(c).beginUpdateAndWait(GROUP, "m1", "e1", { properties: { settings: { commandToExecute: "false" } } }), (r) => r.properties.settings.commandToExecute === "false");
  yield of("machineExtensions.list", (c) => extensions(c).list(GROUP, "m1"), named("e1"), list);
  yield of("machineExtensions.beginDeleteAndWait", (c) => extensions(c).beginDeleteAndWait(GROUP, "m1", "e1"));
  yield of("machines.delete", (c) => at(c).delete(GROUP, "m1"));
  yield of("resources.beginDeleteByIdAndWait", (c) => generic(c).beginDeleteByIdAndWait(id, "2024-07-10"), undefined, wide);
  yield refused("resources.getById", "type not served", 404, "InvalidResourceType", (c) => generic(c).getById(id.replace("HybridCompute/machines", "Compute/virtualMachines"), "2024-07-10"));
}

function* tags(scene) {
  const scope = `/subscriptions/${scene.subscription}/resourceGroups/${GROUP}`;
  const at = (c) => c.resources.tagsOperations;
  const merge = { operation: "Merge", properties: { tags: { b: "2" } } };
  yield of("tagsOperations.beginCreateOrUpdateAtScopeAndWait", (c) => at(c).beginCreateOrUpdateAtScopeAndWait(scope, { properties: { tags: { a: "1" } } }), (r) => r.properties.tags.a === "1", wide);
  yield of("tagsOperations.beginUpdateAtScopeAndWait", (c) => at(c).beginUpdateAtScopeAndWait(scope, merge), (r) => r.properties.tags.b === "2", wide);
  yield of("tagsOperations.getAtScope", (c) => at(c).getAtScope(scope), (r) => r.properties.tags.a === "1", wide);
  yield of("tagsOperations.beginDeleteAtScopeAndWait", (c) => at(c).beginDeleteAtScopeAndWait(scope), undefined, wide);
  yield of("tagsOperations.createOrUpdate", (c) => at(c).createOrUpdate("js-tag"), (r) => r.tagName === "js-tag");
  yield of("tagsOperations.createOrUpdateValue", (c) => at(c).createOrUpdateValue("js-tag", "v"), (r) => r.tagValue === "v");
  yield of("tagsOperations.list", (c) => at(c).list(), (r) => r.some((one) => one.tagName === "js-tag"), list);
  yield of("tagsOperations.deleteValue", (c) => at(c).deleteValue("js-tag", "v"));
  yield of("tagsOperations.delete", (c) => at(c).delete("js-tag"));
}

function* providers() {
  const at = (c) => c.resources.providers;
  const open = { anyone: true };
  yield of("providers.list", (c) => at(c).list(), (r) => r.some((one) => one.namespace === "Microsoft.Kubernetes"), open);
  yield of("providers.get", (c) => at(c).get("Microsoft.Kubernetes"), (r) => r.registrationState === "Registered", open);
  yield of("providers.register", (c) => at(c).register("Microsoft.Kubernetes"), (r) => r.registrationState === "Registered");
  yield of("providers.listAtTenantScope", (c) => at(c).listAtTenantScope(), (r) => r.length > 3, { anyone: true, scoped: false });
  yield of("providers.getAtTenantScope", (c) => at(c).getAtTenantScope("Microsoft.Kubernetes"), (r) => r.resourceTypes.length > 0, { anyone: true, scoped: false });
  yield refused("providers.get", "unknown namespace", 404, "InvalidResourceNamespace", (c) => at(c).get("Contoso.Things"));
}

function* authorization(scene) {
  const scope = `/subscriptions/${scene.subscription}/resourceGroups/${GROUP}`;
  const role = `/subscriptions/${scene.subscription}/providers/Microsoft.Authorization/roleDefinitions/${READER}`;
  const roles = (c) => c.authorization.roleDefinitions;
  const at = (c) => c.authorization.roleAssignments;
  const [name, other, custom] = [randomUUID(), randomUUID(), randomUUID()];
  const definition = { roleName: `Viewer ${custom.slice(0, 6)}`, roleType: "CustomRole", assignableScopes: [scope], permissions: [{ actions: ["Microsoft.HybridCompute/machines/read"] }] };
  yield of("roleDefinitions.createOrUpdate", (c) => roles(c).createOrUpdate(scope, custom, definition), (r) => r.roleName === definition.roleName, wide);
  yield of("roleDefinitions.list", (c) => roles(c).list(scope, { filter: "roleName eq 'Reader'" }), (r) => r.length === 1 && r[0].id === role, { ...list, ...wide });
  yield of("roleDefinitions.get", (c) => roles(c).get(scope, READER), (r) => r.roleName === "Reader", wide);
  yield of("roleDefinitions.getById", (c) => roles(c).getById(role), (r) => r.roleType === "BuiltInRole", wide);
  yield of("roleDefinitions.delete", (c) => roles(c).delete(scope, custom), undefined, wide);
  const body = { roleDefinitionId: role, principalId: scene.spare.objectId, principalType: "ServicePrincipal" };
  yield of("roleAssignments.create", (c) => at(c).create(scope, name, body), (r) => r.roleDefinitionId === role, wide);
  yield refused("roleAssignments.create", "conflict", 409, "RoleAssignmentExists", (c) => at(c).create(scope, other, body));
  yield of("roleAssignments.get", (c) => at(c).get(scope, name), (r) => r.principalId === body.principalId, wide);
  yield of("roleAssignments.listForScope", (c) => at(c).listForScope(scope), named(name), { ...list, ...wide });
  yield of("roleAssignments.listForSubscription", (c) => at(c).listForSubscription(), named(name), list);
  yield of("roleAssignments.listForResourceGroup", (c) => at(c).listForResourceGroup(GROUP), named(name), list);
  yield of("roleAssignments.delete", (c) => at(c).delete(scope, name), undefined, wide);
  yield of("permissions.listForResourceGroup", (c) => c.authorization.permissions.listForResourceGroup(GROUP), (r) => r.some((one) => one.actions.includes("*")), list);
  yield of("denyAssignments.listForScope", (c) => c.authorization.denyAssignments.listForScope(scope), (r) => r.length === 0, { ...list, ...wide });
}

function* ending() {
  yield of("resourceGroups.beginDeleteAndWait", (c) => c.resources.resourceGroups.beginDeleteAndWait(GROUP));
  yield refused("resourceGroups.beginDeleteAndWait", "not found", 404, "ResourceGroupNotFound", (c) => c.resources.resourceGroups.beginDeleteAndWait("no-such"));
}

module.exports = (scene) => [...groups(), ...kubernetes(), ...machines(scene), ...tags(scene), ...providers(), ...authorization(scene), ...ending()];
