"""Microsoft.Authorization, azure-mgmt-authorization: roles, assignments, permissions, deny assignments."""

import uuid

from azure.mgmt.authorization.v2022_04_01 import models

from table import Case, refused

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


def cases(group, scene):
    subscription = f"/subscriptions/{scene.subscription}"
    scope = f"{subscription}/resourceGroups/{group}"
    yield from definitions(subscription, scope)
    yield from assignments(subscription, scope, scene, group)
    yield from permissions(group, scene)


def definitions(subscription, scope):
    def of(clients):
        return clients.authorization.role_definitions

    name = str(uuid.uuid4())
    role = models.RoleDefinition(
        role_name=f"Restarter {name[:8]}",
        description="May read and restart.",
        role_type="CustomRole",
        permissions=[models.Permission(actions=["Microsoft.HybridCompute/machines/read"], not_actions=[])],
        assignable_scopes=[scope],
    )
    for again in ("", " (again)"):
        yield Case(
            f"role_definitions.create_or_update{again}",
            lambda c: of(c).create_or_update(scope, name, role),
            lambda r: r.name == name and r.role_name == role.role_name and r.role_type == "CustomRole",
            scoped=False,
        )
    yield Case(
        "role_definitions.list (by name)",
        lambda c: of(c).list(scope, filter="roleName eq 'Reader'"),
        lambda r: [x.id for x in r] == [f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{READER}"],
        lists=True, scoped=False,
    )
    yield Case("role_definitions.list", lambda c: of(c).list(scope), lambda r: {name, READER} <= {x.name for x in r}, lists=True, scoped=False)
    yield Case("role_definitions.get", lambda c: of(c).get(scope, name), lambda r: r.permissions[0].actions, scoped=False)
    yield Case(
        "role_definitions.get_by_id",
        lambda c: of(c).get_by_id(f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{READER}"),
        lambda r: r.role_type == "BuiltInRole", scoped=False,
    )
    yield refused("role_definitions.get", "not found", 404, None, lambda c: of(c).get(scope, str(uuid.uuid4())))
    yield Case("role_definitions.delete", lambda c: of(c).delete(scope, name), scoped=False)


def assignments(subscription, scope, scene, group):
    def of(clients):
        return clients.authorization.role_assignments

    reader = f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    principal = scene.spare["objectId"]

    def body(role=reader, who=principal):
        return models.RoleAssignmentCreateParameters(role_definition_id=role, principal_id=who, principal_type="ServicePrincipal")

    yield Case(
        "role_assignments.create", lambda c: of(c).create(scope, first, body()),
        lambda r: r.scope == scope and r.role_definition_id == reader and r.principal_type == "ServicePrincipal", scoped=False,
    )
    yield refused(
        "role_assignments.create", "conflict", 409, "RoleAssignmentExists", lambda c: of(c).create(scope, second, body())
    )
    yield refused(
        "role_assignments.create", "unknown role", 400, "RoleDefinitionDoesNotExist",
        lambda c: of(c).create(scope, second, body(role=reader.replace(READER, str(uuid.uuid4())))),
    )
    yield refused(
        "role_assignments.create", "unknown principal", 400, "PrincipalNotFound",
        lambda c: of(c).create(scope, second, body(who=str(uuid.uuid4()))),
    )
    identifier = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{first}"
    yield Case("role_assignments.get", lambda c: of(c).get(scope, first), lambda r: r.principal_id == principal, scoped=False)
    yield Case("role_assignments.get_by_id", lambda c: of(c).get_by_id(identifier), lambda r: r.id == identifier, scoped=False)
    yield Case("role_assignments.list_for_scope", lambda c: of(c).list_for_scope(scope, filter="atScope()"), lambda r: identifier in {x.id for x in r}, lists=True, scoped=False)
    yield Case(
        "role_assignments.list_for_scope (of a principal)",
        lambda c: of(c).list_for_scope(scope, filter=f"principalId eq '{principal}'"),
        lambda r: identifier in {x.id for x in r} and {x.principal_id for x in r} == {principal}, lists=True, scoped=False,
    )
    yield Case("role_assignments.list_for_resource_group", lambda c: of(c).list_for_resource_group(group), lambda r: identifier in {x.id for x in r}, lists=True)
    yield Case(
        "role_assignments.list_for_resource",
        lambda c: of(c).list_for_resource(group, "Microsoft.Kubernetes", "connectedClusters", "c1"),
        lambda r: identifier in {x.id for x in r}, lists=True,
    )
    yield Case("role_assignments.list_for_subscription", lambda c: of(c).list_for_subscription(), lambda r: identifier in {x.id for x in r}, lists=True)
    yield refused("role_assignments.get", "not found", 404, None, lambda c: of(c).get(scope, str(uuid.uuid4())))
    preview = lambda c: c.assignments.role_assignments
    wanted = {"properties": {"roleDefinitionId": reader, "principalId": principal, "principalType": "ServicePrincipal"}}
    yield Case(
        "role_assignments.validate (exists)", lambda c: preview(c).validate(scope, second, wanted),
        lambda r: r.is_valid is False and r.error_info.code == "RoleAssignmentExists", scoped=False,
    )
    yield Case("role_assignments.delete", lambda c: of(c).delete(scope, first), scoped=False)
    yield Case("role_assignments.validate", lambda c: preview(c).validate(scope, second, wanted), lambda r: r.is_valid is True, scoped=False)
    yield Case(
        "role_assignments.validate_by_id",
        lambda c: preview(c).validate_by_id(f"{scope}/providers/Microsoft.Authorization/roleAssignments/{second}", wanted),
        lambda r: r.is_valid is True, scoped=False,
    )
    yield Case("role_assignments.delete (of nothing)", lambda c: of(c).delete(scope, first), scoped=False)
    yield Case("role_assignments.create_by_id", lambda c: of(c).create_by_id(identifier, body()), lambda r: r.id == identifier, scoped=False)
    yield Case("role_assignments.delete_by_id", lambda c: of(c).delete_by_id(identifier), scoped=False)


def permissions(group, scene):
    def of(clients):
        return clients.authorization.permissions

    every = lambda r: any("*" in x.actions for x in r)
    yield Case("permissions.list_for_resource_group", lambda c: of(c).list_for_resource_group(group), every, lists=True)
    yield Case(
        "permissions.list_for_resource",
        lambda c: of(c).list_for_resource(group, "Microsoft.Kubernetes", "", "connectedClusters", "c1"), every, lists=True,
    )
    deny = lambda c: c.authorization.deny_assignments
    scope = f"/subscriptions/{scene.subscription}/resourceGroups/{group}"
    yield Case("deny_assignments.list", lambda c: deny(c).list(), lambda r: r == [], lists=True)
    yield Case("deny_assignments.list_for_scope", lambda c: deny(c).list_for_scope(scope), lambda r: r == [], lists=True, scoped=False)
    yield Case("deny_assignments.list_for_resource_group", lambda c: deny(c).list_for_resource_group(group), lambda r: r == [], lists=True)
    yield Case(
        "deny_assignments.list_for_resource",
        lambda c: deny(c).list_for_resource(group, "Microsoft.Kubernetes", "", "connectedClusters", "c1"), lambda r: r == [], lists=True,
    )
    metadata = lambda c: c.authorization.provider_operations_metadata
    yield Case(
        "provider_operations_metadata.get", lambda c: metadata(c).get("Microsoft.Kubernetes"),
        lambda r: any(x.name == "connectedClusters" and x.operations for x in r.resource_types), anyone=True, scoped=False,
    )
    yield Case(
        "provider_operations_metadata.list", lambda c: metadata(c).list(), lambda r: "Microsoft.Authorization" in {x.name for x in r},
        anyone=True, scoped=False,
    )
    yield refused("deny_assignments.get", "not found", 404, None, lambda c: deny(c).get(scope, str(uuid.uuid4())))
