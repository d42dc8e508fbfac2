"""Microsoft.Resources and Microsoft.Features: groups, generic resources, tags, providers, features, subscriptions."""

from azure.mgmt.resource.resources import models

from table import Case, refused

CLUSTERS = "Microsoft.Kubernetes/connectedClusters"
API = "2024-01-01"


def cases(group, scene):
    subscription = f"/subscriptions/{scene.subscription}"
    yield from groups(group, subscription)
    yield from generic(group, subscription)
    yield from tags(group, subscription)
    yield from providers(scene)
    yield from features()
    yield from subscriptions(scene)


def groups(group, subscription):
    def of(clients):
        return clients.resources.resource_groups

    second = f"{group}-second"
    yield Case(
        "resource_groups.create_or_update",
        lambda c: of(c).create_or_update(second, models.ResourceGroup(location="local", tags={"env": "dev"})),
        lambda r: r.name == second and r.properties.provisioning_state == "Succeeded" and r.tags == {"env": "dev"},
    )
    yield Case("resource_groups.get", lambda c: of(c).get(second), lambda r: r.id == f"{subscription}/resourceGroups/{second}")
    yield Case("resource_groups.check_existence", lambda c: of(c).check_existence(second), lambda r: r is True)
    yield Case(
        "resource_groups.check_existence (of nothing)", lambda c: of(c).check_existence("no-such"), lambda r: r is False,
        anyone=True, scoped=False,
    )
    yield Case(
        "resource_groups.update",
        lambda c: of(c).update(second, models.ResourceGroupPatchable(tags={"env": "prod"})),
        lambda r: r.tags == {"env": "prod"},
    )
    yield Case("resource_groups.list", lambda c: of(c).list(), lambda r: {group, second} <= {x.name for x in r}, lists=True)
    yield Case(
        "resource_groups.list (by tag)",
        lambda c: of(c).list(filter="tagName eq 'env' and tagValue eq 'prod'"),
        lambda r: second in {x.name for x in r} and group not in {x.name for x in r},
        lists=True,
    )
    yield Case("resource_groups.list ($top)", lambda c: of(c).list(top=1), lambda r: {group, second} <= {x.name for x in r}, lists=True)
    yield refused("resource_groups.get", "not found", 404, "ResourceGroupNotFound", lambda c: of(c).get("no-such"))
    yield refused(
        "resource_groups.create_or_update", "another location", 409, None,
        lambda c: of(c).create_or_update(second, {"location": "eastus"}),
    )
    yield refused(
        "resource_groups.create_or_update", "bad name", 400, None,
        lambda c: of(c).create_or_update("ends-with-a-dot.", {"location": "local"}),
    )
    yield refused(
        "resource_groups.update", "wrong etag", 412, "PreconditionFailed",
        lambda c: of(c).update(second, {"tags": {}}, headers={"If-Match": '"wrong"'}),
    )
    yield Case("resource_groups.begin_delete", lambda c: of(c).begin_delete(second))
    yield refused("resource_groups.begin_delete", "not found", 404, "ResourceGroupNotFound", lambda c: of(c).begin_delete("no-such"))
    yield refused(
        "resource_groups.begin_export_template", "not served", None, "ExportTemplateNotSupported",
        lambda c: of(c).begin_export_template(group, {"resources": ["*"]}),
    )


def generic(group, subscription):
    def of(clients):
        return clients.resources.resources

    machine = f"{subscription}/resourceGroups/{group}/providers/Microsoft.HybridCompute/machines/generic"
    body = {"location": "local", "tags": {"env": "dev"}, "properties": {"osType": "linux"}}
    by_name = (group, "Microsoft.HybridCompute", "", "machines", "generic")
    yield Case(
        "resources.begin_create_or_update_by_id",
        lambda c: of(c).begin_create_or_update_by_id(machine, body, api_version=API),
        lambda r: r.id == machine and r.location == "local",
        scoped=False,
    )
    yield Case("resources.get_by_id", lambda c: of(c).get_by_id(machine, api_version=API), lambda r: r.properties["provisioningState"] == "Succeeded", scoped=False)
    yield Case("resources.check_existence_by_id", lambda c: of(c).check_existence_by_id(machine, api_version=API), lambda r: r is True, scoped=False)
    yield Case(
        "resources.begin_update_by_id",
        lambda c: of(c).begin_update_by_id(machine, {"tags": {"env": "prod"}}, api_version=API),
        lambda r: r.tags == {"env": "prod"}, scoped=False,
    )
    yield Case("resources.get", lambda c: of(c).get(*by_name, api_version=API), lambda r: r.name == "generic")
    yield Case("resources.check_existence", lambda c: of(c).check_existence(*by_name, api_version=API), lambda r: r is True)
    yield Case(
        "resources.begin_create_or_update", lambda c: of(c).begin_create_or_update(*by_name, body, api_version=API), lambda r: r.tags == {"env": "dev"}
    )
    yield Case(
        "resources.begin_update", lambda c: of(c).begin_update(*by_name, {"tags": {"env": "prod"}}, api_version=API), lambda r: r.tags == {"env": "prod"}
    )
    yield Case(
        "resources.list", lambda c: of(c).list(expand="createdTime,changedTime,provisioningState"),
        lambda r: any(x.id == machine and x.created_time and x.provisioning_state == "Succeeded" for x in r), lists=True,
    )
    yield Case(
        "resources.list (by type)", lambda c: of(c).list(filter="resourceType eq 'Microsoft.HybridCompute/machines'"),
        lambda r: r and {x.type for x in r} == {"Microsoft.HybridCompute/machines"}, lists=True,
    )
    yield Case(
        "resources.list (by tag)", lambda c: of(c).list(filter="tagName eq 'env' and tagValue eq 'prod'"),
        lambda r: machine in {x.id for x in r}, lists=True,
    )
    yield Case(
        "resources.list (by group and name)", lambda c: of(c).list(filter=f"resourceGroup eq '{group}' and name eq 'generic'"),
        lambda r: [x.id for x in r] == [machine], lists=True,
    )
    yield Case("resources.list ($top)", lambda c: of(c).list(top=1), lambda r: machine in {x.id for x in r}, lists=True)
    yield Case("resources.list_by_resource_group", lambda c: of(c).list_by_resource_group(group), lambda r: machine in {x.id for x in r}, lists=True)
    yield refused(
        "resources.get_by_id", "type not served", 404, "InvalidResourceType",
        lambda c: of(c).get_by_id(f"{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/v", api_version=API),
    )
    yield refused(
        "resources.get_by_id", "unknown namespace", 404, "InvalidResourceNamespace",
        lambda c: of(c).get_by_id(f"{subscription}/resourceGroups/{group}/providers/Contoso.Things/things/t", api_version=API),
    )
    yield refused(
        "resources.begin_create_or_update_by_id", "not an object", 400, "InvalidRequestContent",
        lambda c: of(c).begin_create_or_update_by_id(machine, [1, 2], api_version=API),
    )
    target = f"{subscription}/resourceGroups/elsewhere"
    yield refused(
        "resources.begin_move_resources", "not served", None, None,
        lambda c: of(c).begin_move_resources(group, {"resources": [machine], "targetResourceGroup": target}),
    )
    yield Case("resources.begin_delete", lambda c: of(c).begin_delete(*by_name, api_version=API))
    yield Case("resources.begin_delete_by_id", lambda c: of(c).begin_delete_by_id(machine, api_version=API), scoped=False)


def tags(group, subscription):
    def of(clients):
        return clients.resources.tags

    scope = f"{subscription}/resourceGroups/{group}"
    yield Case(
        "tags.begin_create_or_update_at_scope",
        lambda c: of(c).begin_create_or_update_at_scope(scope, {"properties": {"tags": {"a": "1"}}}),
        lambda r: r.properties.tags == {"a": "1"}, scoped=False,
    )
    for operation, sent, left in (
        ("Merge", {"b": "2"}, {"a": "1", "b": "2"}), ("Delete", {"a": "1"}, {"b": "2"}), ("Replace", {"c": "3"}, {"c": "3"}),
    ):
        yield Case(
            f"tags.begin_update_at_scope ({operation})",
            lambda c, operation=operation, sent=sent: of(c).begin_update_at_scope(
                scope, {"operation": operation, "properties": {"tags": sent}}
            ),
            lambda r, left=left: r.properties.tags == left, scoped=False,
        )
    yield Case("tags.get_at_scope", lambda c: of(c).get_at_scope(scope), lambda r: r.properties.tags == {"c": "3"}, scoped=False)
    yield Case("tags.begin_delete_at_scope", lambda c: of(c).begin_delete_at_scope(scope), scoped=False)
    yield Case("tags.create_or_update", lambda c: of(c).create_or_update(f"{group}-tag"), lambda r: r.tag_name == f"{group}-tag")
    yield Case("tags.create_or_update_value", lambda c: of(c).create_or_update_value(f"{group}-tag", "v"), lambda r: r.tag_value == "v")
    yield Case("tags.list", lambda c: of(c).list(), lambda r: f"{group}-tag" in {x.tag_name for x in r}, lists=True)
    yield Case("tags.delete_value", lambda c: of(c).delete_value(f"{group}-tag", "v"))
    yield Case("tags.delete", lambda c: of(c).delete(f"{group}-tag"))


def providers(scene):
    def of(clients):
        return clients.resources.providers

    def registered(provider):
        return provider.registration_state == "Registered" and any(
            x.resource_type == "connectedClusters" and x.api_versions and x.locations for x in provider.resource_types
        )

    yield Case("providers.list", lambda c: of(c).list(), lambda r: "Microsoft.Kubernetes" in {x.namespace for x in r}, anyone=True)
    yield Case("providers.get", lambda c: of(c).get("Microsoft.Kubernetes"), registered, anyone=True)
    yield Case("providers.register", lambda c: of(c).register("Microsoft.Kubernetes"), lambda r: r.registration_state == "Registered")
    yield Case("providers.unregister", lambda c: of(c).unregister("Microsoft.ResourceGraph"), lambda r: r.namespace == "Microsoft.ResourceGraph")
    yield Case("providers.register (again)", lambda c: of(c).register("Microsoft.ResourceGraph"), lambda r: r.registration_state == "Registered")
    yield Case("providers.list_at_tenant_scope", lambda c: of(c).list_at_tenant_scope(), lambda r: len(r) > 3, anyone=True, scoped=False)
    yield Case("providers.get_at_tenant_scope", lambda c: of(c).get_at_tenant_scope("Microsoft.HybridCompute"), lambda r: r.resource_types, anyone=True, scoped=False)
    yield Case("providers.provider_permissions", lambda c: of(c).provider_permissions("Microsoft.Kubernetes"), lambda r: r.value == [], anyone=True)
    yield Case(
        "providers.register_at_management_group_scope",
        lambda c: of(c).register_at_management_group_scope("Microsoft.Kubernetes", scene.tenant), scoped=False,
    )
    yield Case(
        "provider_resource_types.list", lambda c: c.resources.provider_resource_types.list("Microsoft.Kubernetes"),
        lambda r: any(x.resource_type == "connectedClusters" for x in r.value), anyone=True,
    )
    yield Case("operations.list (Microsoft.Resources)", lambda c: c.resources.operations.list(), lambda r: r, anyone=True, scoped=False)
    yield refused("providers.get", "unknown namespace", 404, "InvalidResourceNamespace", lambda c: of(c).get("Contoso.Things"))


def features():
    def of(clients):
        return clients.features.features

    feature = ("Microsoft.HybridCompute", "ExampleFeature")
    yield Case("features.register", lambda c: of(c).register(*feature), lambda r: r.properties.state == "Registered")
    yield Case("features.get", lambda c: of(c).get(*feature), lambda r: r.name == "/".join(feature))
    yield Case("features.list", lambda c: of(c).list(feature[0]), lambda r: "/".join(feature) in {x.name for x in r}, lists=True)
    yield Case("features.list_all", lambda c: of(c).list_all(), lambda r: "/".join(feature) in {x.name for x in r}, lists=True)
    registrations = lambda c: c.features.subscription_feature_registrations
    yield Case(
        "subscription_feature_registrations.list_all_by_subscription", lambda c: registrations(c).list_all_by_subscription(),
        lambda r: feature[1] in {x.name for x in r}, lists=True,
    )
    yield Case("features.unregister", lambda c: of(c).unregister(*feature), lambda r: r.properties.state in ("Unregistering", "Unregistered"))


def subscriptions(scene):
    def of(clients):
        return clients.subscriptions.subscriptions

    def here(clients):
        return clients.subscription

    yield Case("subscriptions.list", lambda c: of(c).list(), lambda r: scene.subscription in {x.subscription_id for x in r}, lists=True, scoped=False)
    yield Case("subscriptions.get", lambda c: of(c).get(here(c)), lambda r: r.state == "Enabled" and r.tenant_id == scene.tenant)
    yield Case(
        "subscriptions.list_locations", lambda c: of(c).list_locations(here(c)),
        lambda r: all(x.name and x.display_name and x.metadata.region_type for x in r) and "local" in {x.name for x in r}, lists=True,
    )
    name = {"name": "plant-1", "type": "Microsoft.HybridCompute/machines"}
    yield Case("check_resource_name", lambda c: c.subscriptions.check_resource_name(name), lambda r: r.status == "Allowed", anyone=True, scoped=False)
    yield refused(
        "check_resource_name", "bad name", 400, None, lambda c: c.subscriptions.check_resource_name({**name, "name": "no/slash"})
    )
    yield Case("tenants.list", lambda c: c.subscriptions.tenants.list(), lambda r: scene.tenant in {x.tenant_id for x in r}, anyone=True, scoped=False)
