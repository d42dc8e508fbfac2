"""Microsoft.HybridCompute, azure-mgmt-hybridcompute."""

from azure.mgmt.hybridcompute import models

from table import Case, refused


def cases(group):
    def machine(**properties):
        return {"location": "local", "tags": {"env": "test"}, "properties": properties}

    def of(clients):
        return clients.compute.machines

    yield Case(
        "machines.create_or_update",
        lambda c: of(c).create_or_update(group, "m1", machine(osType="linux")),
        lambda r: r.name == "m1" and r.properties.provisioning_state == "Succeeded" and r.tags == {"env": "test"},
    )
    yield Case(
        "machines.create_or_update (again)", lambda c: of(c).create_or_update(group, "m1", machine(osType="linux"))
    )
    yield Case("machines.get", lambda c: of(c).get(group, "m1"), lambda r: r.properties.status)
    yield Case(
        "machines.get (instanceView)", lambda c: of(c).get(group, "m1", expand="instanceView"), lambda r: r.id
    )
    yield Case(
        "machines.update",
        lambda c: of(c).update(group, "m1", models.MachineUpdate(tags={"env": "prod"})),
        lambda r: r.tags == {"env": "prod"},
    )
    yield Case(
        "machines.list_by_resource_group",
        lambda c: of(c).list_by_resource_group(group),
        lambda r: [x.name for x in r] == ["m1"],
        lists=True,
    )
    yield Case(
        "machines.list_by_subscription",
        lambda c: of(c).list_by_subscription(),
        lambda r: any(x.name == "m1" for x in r),
        lists=True,
    )
    yield refused("machines.get", "not found", 404, "ResourceNotFound", lambda c: of(c).get(group, "no-such"))
    yield refused("machines.update", "not found", 404, "ResourceNotFound", lambda c: of(c).update(group, "no-such", {"tags": {}}))
    yield refused(
        "machines.create_or_update", "group not found", 404, "ResourceGroupNotFound",
        lambda c: of(c).create_or_update("no-such", "m1", machine()),
    )
    yield refused(
        "machines.update", "wrong etag", 412, "PreconditionFailed",
        lambda c: of(c).update(group, "m1", {"tags": {}}, headers={"If-Match": '"wrong"'}),
    )
    yield refused(
        "machines.create_or_update", "exists", 412, "PreconditionFailed",
        lambda c: of(c).create_or_update(group, "m1", machine(), headers={"If-None-Match": "*"}),
    )
    yield from extensions(group)
    yield from run_commands(group)
    yield from licenses(group)
    yield from surroundings(group)
    yield from settings(group)
    # What an agent would have to do, and cannot yet: the answer says that it failed and why, it is never an empty success.
    patches = {"maximumDuration": "PT1H", "rebootSetting": "Never"}
    upgrade = {"extensionTargets": {"Microsoft.Azure.Extensions.CustomScript": {"targetVersion": "2.1"}}}
    honest = lambda r: r.status == "Failed" and r.error_details.message
    yield Case("machines.begin_assess_patches", lambda c: of(c).begin_assess_patches(group, "m1"), honest)
    yield Case("machines.begin_install_patches", lambda c: of(c).begin_install_patches(group, "m1", patches), honest)
    yield refused("begin_upgrade_extensions", "not served", None, None, lambda c: c.compute.begin_upgrade_extensions(group, "m1", upgrade))
    setup = {"extensions": [{"name": "e2", "publisher": "Microsoft.Azure.Extensions", "type": "CustomScript"}]}
    yield refused("begin_setup_extensions", "not served", None, None, lambda c: c.compute.begin_setup_extensions(group, "m1", setup))
    yield Case("machines.begin_delete", lambda c: of(c).begin_delete(group, "m1"))
    yield Case("machines.begin_delete (of nothing)", lambda c: of(c).begin_delete(group, "m1"))


def settings(group):
    def of(clients):
        return clients.compute.settings

    place = (group, "Microsoft.HybridCompute", "machines", "m1", "default")
    gateway = "/subscriptions/0/resourceGroups/g/providers/Microsoft.HybridCompute/gateways/g1"
    body = {"properties": {"gatewayProperties": {"gatewayResourceId": gateway}}}
    yield Case(
        "settings.update", lambda c: of(c).update(*place, body), lambda r: r.properties.gateway_properties.gateway_resource_id == gateway
    )
    yield Case("settings.get", lambda c: of(c).get(*place), lambda r: r.name == "default")
    yield Case(
        "settings.patch", lambda c: of(c).patch(*place, {"properties": {"gatewayProperties": {"gatewayResourceId": gateway + "0"}}}),
        lambda r: r.properties.gateway_properties.gateway_resource_id == gateway + "0",
    )
    yield refused("settings.get", "not found", 404, None, lambda c: of(c).get(group, "Microsoft.HybridCompute", "machines", "no-such", "default"))


def extensions(group):
    def of(clients):
        return clients.compute.machine_extensions

    def script(command):
        properties = {"publisher": "Microsoft.Azure.Extensions", "type": "CustomScript", "settings": {"commandToExecute": command}}
        return {"location": "local", "properties": properties}

    yield Case(
        "machine_extensions.begin_create_or_update",
        lambda c: of(c).begin_create_or_update(group, "m1", "e1", script("true")),
        lambda r: r.name == "e1" and r.properties.publisher == "Microsoft.Azure.Extensions" and r.properties.type == "CustomScript",
    )
    yield Case("machine_extensions.get", lambda c: of(c).get(group, "m1", "e1"), lambda r: r.properties.settings)
    yield Case(
        "machine_extensions.begin_update",
        lambda c: of(c).begin_update(group, "m1", "e1", {"properties": {"settings": {"commandToExecute": "false"}}}),
        lambda r: r.properties.settings == {"commandToExecute": "false"},
    )
    yield Case(
        "machine_extensions.list", lambda c: of(c).list(group, "m1"), lambda r: [x.name for x in r] == ["e1"], lists=True
    )
    yield refused("machine_extensions.get", "not found", 404, "ResourceNotFound", lambda c: of(c).get(group, "m1", "no-such"))
    yield refused(
        "machine_extensions.begin_create_or_update", "machine not found", 404, "ParentResourceNotFound",
        lambda c: of(c).begin_create_or_update(group, "no-such", "e1", script("true")),
    )
    yield Case("machine_extensions.begin_delete", lambda c: of(c).begin_delete(group, "m1", "e1"))


def run_commands(group):
    def of(clients):
        return clients.compute.machine_run_commands

    command = {"location": "local", "properties": {"source": {"script": "uptime"}, "asyncExecution": True}}
    yield Case(
        "machine_run_commands.begin_create_or_update",
        lambda c: of(c).begin_create_or_update(group, "m1", "r1", command),
        lambda r: r.properties.source.script == "uptime" and r.properties.instance_view.execution_state,
    )
    yield Case("machine_run_commands.get", lambda c: of(c).get(group, "m1", "r1"), lambda r: r.name == "r1")
    yield Case(
        "machine_run_commands.list", lambda c: of(c).list(group, "m1"), lambda r: [x.name for x in r] == ["r1"], lists=True
    )
    yield Case("machine_run_commands.begin_delete", lambda c: of(c).begin_delete(group, "m1", "r1"))


def licenses(group):
    def of(clients):
        return clients.compute.licenses

    details = {"state": "Deactivated", "target": "Windows Server 2012", "edition": "Datacenter", "type": "pCore", "processors": 16}
    body = {"location": "local", "properties": {"licenseType": "ESU", "licenseDetails": details}}
    yield Case(
        "licenses.begin_create_or_update",
        lambda c: of(c).begin_create_or_update(group, "l1", body),
        lambda r: r.properties.license_details.processors == 16,
    )
    yield Case("licenses.get", lambda c: of(c).get(group, "l1"), lambda r: r.name == "l1")
    yield Case("licenses.begin_update", lambda c: of(c).begin_update(group, "l1", {"tags": {"a": "b"}}), lambda r: r.tags == {"a": "b"})
    yield Case("licenses.list_by_resource_group", lambda c: of(c).list_by_resource_group(group), lambda r: [x.name for x in r] == ["l1"], lists=True)
    yield Case("licenses.list_by_subscription", lambda c: of(c).list_by_subscription(), lambda r: any(x.name == "l1" for x in r), lists=True)
    yield Case("licenses.begin_delete", lambda c: of(c).begin_delete(group, "l1"))
    profiles = lambda c: c.compute.license_profiles
    profile = {"location": "local", "properties": {"softwareAssurance": {"softwareAssuranceCustomer": True}}}
    yield Case("license_profiles.begin_create_or_update", lambda c: profiles(c).begin_create_or_update(group, "m1", profile), lambda r: r.name == "default")
    yield Case("license_profiles.get", lambda c: profiles(c).get(group, "m1"), lambda r: r.name == "default")
    yield Case("license_profiles.begin_update", lambda c: profiles(c).begin_update(group, "m1", {"tags": {"a": "b"}}), lambda r: r.tags == {"a": "b"})
    yield Case("license_profiles.list", lambda c: profiles(c).list(group, "m1"), lambda r: len(r) == 1, lists=True)
    yield Case("license_profiles.begin_delete", lambda c: profiles(c).begin_delete(group, "m1"))


def surroundings(group):
    scopes = lambda c: c.compute.private_link_scopes
    body = {"location": "local", "properties": {"publicNetworkAccess": "Disabled"}}
    yield Case("private_link_scopes.create_or_update", lambda c: scopes(c).create_or_update(group, "s1", body), lambda r: r.properties.public_network_access == "Disabled")
    yield Case("private_link_scopes.get", lambda c: scopes(c).get(group, "s1"), lambda r: r.name == "s1")
    yield Case("private_link_scopes.update_tags", lambda c: scopes(c).update_tags(group, "s1", {"tags": {"a": "b"}}), lambda r: r.tags == {"a": "b"})
    yield Case("private_link_scopes.list_by_resource_group", lambda c: scopes(c).list_by_resource_group(group), lambda r: [x.name for x in r] == ["s1"], lists=True)
    yield Case("private_link_scopes.list", lambda c: scopes(c).list(), lambda r: any(x.name == "s1" for x in r), lists=True)
    yield Case("private_link_resources.list_by_private_link_scope", lambda c: c.compute.private_link_resources.list_by_private_link_scope(group, "s1"), lambda r: len(r) == 1, lists=True)
    yield Case("private_link_resources.get", lambda c: c.compute.private_link_resources.get(group, "s1", "hybridcompute"), lambda r: r.name == "hybridcompute")
    yield Case("private_endpoint_connections.list_by_private_link_scope", lambda c: c.compute.private_endpoint_connections.list_by_private_link_scope(group, "s1"), lambda r: r == [], lists=True)
    perimeters = lambda c: c.compute.network_security_perimeter_configurations
    yield Case("network_security_perimeter_configurations.list_by_private_link_scope", lambda c: perimeters(c).list_by_private_link_scope(group, "s1"), lambda r: r == [], lists=True)
    # There are none, and none can be made: nothing calls in to an agent.
    connections = lambda c: c.compute.private_endpoint_connections
    yield refused("private_endpoint_connections.get", "not found", 404, None, lambda c: connections(c).get(group, "s1", "c1"))
    yield refused("private_endpoint_connections.begin_create_or_update", "not served", None, None, lambda c: connections(c).begin_create_or_update(group, "s1", "c1", {"properties": {}}))
    yield refused("private_endpoint_connections.begin_delete", "not served", None, None, lambda c: connections(c).begin_delete(group, "s1", "c1"))
    yield refused("network_security_perimeter_configurations.get_by_private_link_scope", "not found", 404, None, lambda c: perimeters(c).get_by_private_link_scope(group, "s1", "p1"))
    yield refused("network_security_perimeter_configurations.begin_reconcile_for_private_link_scope", "not served", None, None, lambda c: perimeters(c).begin_reconcile_for_private_link_scope(group, "s1", "p1"))
    yield Case("private_link_scopes.begin_delete", lambda c: scopes(c).begin_delete(group, "s1"))
    gateways = lambda c: c.compute.gateways
    gateway = {"location": "local", "properties": {"gatewayType": "Public", "allowedFeatures": ["*"]}}
    yield Case("gateways.begin_create_or_update", lambda c: gateways(c).begin_create_or_update(group, "g1", gateway), lambda r: r.properties.allowed_features == ["*"])
    yield Case("gateways.get", lambda c: gateways(c).get(group, "g1"), lambda r: r.name == "g1")
    yield Case("gateways.update", lambda c: gateways(c).update(group, "g1", {"tags": {"a": "b"}}), lambda r: r.tags == {"a": "b"})
    yield Case("gateways.list_by_resource_group", lambda c: gateways(c).list_by_resource_group(group), lambda r: [x.name for x in r] == ["g1"], lists=True)
    yield Case("gateways.list_by_subscription", lambda c: gateways(c).list_by_subscription(), lambda r: any(x.name == "g1" for x in r), lists=True)
    yield Case("gateways.begin_delete", lambda c: gateways(c).begin_delete(group, "g1"))
    yield Case("network_profile.get", lambda c: c.compute.network_profile.get(group, "m1"))
    yield Case("operations.list", lambda c: c.compute.operations.list(), lambda r: any("/read" in x.name for x in r), anyone=True, scoped=False)
