"""What the callers type: operation, case, arguments, and the check of the result or the code of the error.

Every operation has its success; its failures are those that az shows: a reader may change nothing, what is not there,
what exists already, what is locked.
"""

import json
import pathlib
import uuid

G = "az-group"
# For the reader, who comes after the owner.
SEEN = "az-seen"
MACHINES = "Microsoft.HybridCompute/machines"
# Whom an application and an identity trust.
ISSUER = "https://issuer.example"
EXCHANGE = "api://AzureADTokenExchange"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


def anything(result):
    return True


def names(result):
    return {item["name"] for item in result}


def has(name):
    return lambda result: name in names(result)


def lacks(name):
    return lambda result: name not in names(result)


def flat(item):
    """Role commands show the properties of ARM, one level down; older releases of az flattened them."""
    return {**item, **(item.get("properties") or {})}


def each(result, name):
    return {flat(item).get(name) for item in result}


def words(text):
    return text.split()


def ok(command, check=anything, more=()):
    """A command that succeeds; its operation is the words before the first option."""
    arguments = words(command) + list(more)
    return (operation(arguments), "succeeds", arguments, check)


def no(case, command, code, more=()):
    arguments = words(command) + list(more)
    return (operation(arguments), case, arguments, code)


def operation(arguments):
    """`group list --tag` and `group list` are two operations; values are not part of the name."""
    flags = [a for a in arguments if a.startswith("--") and a in ("--tag", "--resource-type", "--resource-id", "--ids", "--assignee", "--all", "--operation")]
    command = []
    for argument in arguments:
        if argument.startswith("-"):
            break
        command.append(argument)
    return " ".join(command + flags)


def owner(scene):
    subscription = f"/subscriptions/{scene.subscription}"
    group = f"{subscription}/resourceGroups/{G}"
    yield from accounts(scene)
    yield from groups()
    yield from resources(subscription, group)
    yield from tags(group)
    yield from locks(group)
    yield from providers()
    yield from activity()
    yield from management_groups(scene)
    yield from roles(scene, group)
    yield from directory()
    yield from identities(group)
    yield from rest(group)
    yield from not_served(scene)
    yield ok(f"group delete -n {G} -y")
    yield ok(f"group exists -n {G}", lambda r: r is False)
    yield no("not found", f"group delete -n {G} -y", "ResourceGroupNotFound")


def accounts(scene):
    yield ok("account show", lambda r: r["id"] == scene.subscription and r["tenantId"] == scene.tenant)
    yield ok("account list", lambda r: [x["state"] for x in r] == ["Enabled"])
    yield ok("account list --refresh", lambda r: scene.subscription in {x["id"] for x in r})
    yield ok("account list-locations", lambda r: "local" in names(r) and all(x["displayName"] and x["metadata"]["regionType"] for x in r))
    yield ok("account get-access-token", lambda r: r["tokenType"] == "Bearer" and r["subscription"] == scene.subscription)
    yield ok("cloud show", lambda r: r["endpoints"]["resourceManager"].rstrip("/") == scene.base)


def groups():
    yield ok(f"group create -n {G} -l local --tags env=dev", lambda r: r["properties"]["provisioningState"] == "Succeeded" and r["tags"] == {"env": "dev"})
    yield ok(f"group create -n {G} -l local --tags env=dev")
    yield ok(f"group create -n {SEEN} -l local")
    yield ok(f"group show -n {G}", lambda r: r["location"] == "local")
    yield ok("group list", has(G))
    yield ok("group list --tag env=dev", has(G))
    yield ok("group list --tag env=prod", lacks(G))
    yield ok(f"group exists -n {G}", lambda r: r is True)
    yield ok(f"group update -n {G} --set tags.env=prod", lambda r: r["tags"] == {"env": "prod"})
    yield ok(f"group update -n {G} --tags env=dev", lambda r: r["tags"] == {"env": "dev"})
    yield ok(f"group wait -n {G} --exists")
    yield no("not found", "group show -n no-such", "ResourceGroupNotFound")
    yield no("another location", f"group create -n {G} -l eastus", "InvalidResourceGroupLocation")
    yield no("unknown location", "group create -n az-nowhere -l nowhere", "LocationNotAvailableForResourceGroup")


def resources(subscription, group):
    machine = f"{group}/providers/{MACHINES}/m1"
    of = f"-g {G} -n m1 --resource-type {MACHINES}"
    yield ok(f"resource create {of} -l local", lambda r: r["id"] == machine, ["--properties", '{"osType": "linux"}'])
    yield ok(f"resource create {of}", lambda r: r["tags"] == {"env": "dev"}, ["--is-full-object", "--properties", '{"location": "local", "tags": {"env": "dev"}, "properties": {}}'])
    yield ok(f"resource show {of}", lambda r: r["name"] == "m1")
    yield ok(f"resource show --ids {machine}", lambda r: r["name"] == "m1")
    yield ok("resource list", has("m1"))
    yield ok(f"resource list -g {G}", lambda r: names(r) == {"m1"} and r[0]["provisioningState"] == "Succeeded" and r[0]["createdTime"])
    yield ok(f"resource list --resource-type {MACHINES}", lambda r: {x["type"] for x in r} == {MACHINES})
    yield ok("resource list --tag env=dev", has("m1"))
    yield ok("resource list --name m1", has("m1"))
    yield ok("resource list --location local", has("m1"))
    yield ok(f"resource update {of} --set tags.env=prod", lambda r: r["tags"] == {"env": "prod"})
    yield ok(f"resource patch {of}", lambda r: r["tags"] == {"env": "dev"}, ["--is-full-object", "--properties", '{"tags": {"env": "dev"}}'])
    yield ok(f"resource tag {of} --tags a=1", lambda r: r["tags"] == {"a": "1"})
    yield ok(f"resource tag {of} --tags b=2 -i", lambda r: r["tags"] == {"a": "1", "b": "2"})
    yield ok(f"resource wait {of} --exists")
    yield no("not found", f"resource show -g {G} -n no-such --resource-type {MACHINES}", "ResourceNotFound")
    yield no("group not found", f"resource create -g no-such -n m1 --resource-type {MACHINES} -l local", "ResourceGroupNotFound", ["--properties", "{}"])
    yield no("unknown subscription", f"resource show --ids {machine.replace(subscription, '/subscriptions/00000000-dead-beef-0000-000000000000')}", "SubscriptionNotFound")
    yield no("unknown action", f"resource invoke-action {of} --action fly", "InvalidResourceAction")
    yield no("unknown namespace", f"resource show -g {G} -n t --resource-type Contoso.Things/things", "InvalidResourceNamespace")


def tags(group):
    at = ["--resource-id", group]
    yield ok("tag create --tags a=1 b=2", lambda r: r["properties"]["tags"] == {"a": "1", "b": "2"}, at)
    yield ok("tag update --operation Merge --tags c=3", lambda r: r["properties"]["tags"] == {"a": "1", "b": "2", "c": "3"}, at)
    yield ok("tag update --operation Delete --tags a=1", lambda r: r["properties"]["tags"] == {"b": "2", "c": "3"}, at)
    yield ok("tag update --operation Replace --tags env=dev", lambda r: r["properties"]["tags"] == {"env": "dev"}, at)
    yield ok("tag list", lambda r: r["properties"]["tags"] == {"env": "dev"}, at)
    yield ok("tag create -n az-tag", lambda r: r["tagName"] == "az-tag")
    yield ok("tag add-value -n az-tag --value v", lambda r: r["tagValue"] == "v")
    yield ok("tag list", lambda r: {"az-tag", "env"} <= {x["tagName"] for x in r})
    yield ok("tag remove-value -n az-tag --value v")
    yield ok("tag delete -n az-tag -y")
    yield ok("tag delete -y", anything, at)


def locks(group):
    of = f"-g {G} --resource-name m1 --resource-type {MACHINES}"
    yield ok(f"lock create -n keep -t CanNotDelete -g {G} --notes why", lambda r: r["level"] == "CanNotDelete" and r["notes"] == "why")
    yield ok(f"lock show -n keep -g {G}", lambda r: r["name"] == "keep")
    yield ok(f"lock list -g {G}", has("keep"))
    yield ok("lock list", anything)
    yield no("locked", f"group delete -n {G} -y", "ScopeLocked")
    yield no("locked (by its group)", f"resource delete -g {G} -n m1 --resource-type {MACHINES}", "failed to be deleted")
    yield ok(f"resource tag -g {G} -n m1 --resource-type {MACHINES} --tags still=possible")
    yield ok(f"lock update -n keep -t ReadOnly -g {G}", lambda r: r["level"] == "ReadOnly")
    yield no("locked", f"resource tag -g {G} -n m1 --resource-type {MACHINES} --tags x=y", "ScopeLocked")
    yield no("locked", f"group update -n {G} --tags x=y", "ScopeLocked")
    yield ok(f"lock delete -n keep -g {G}")
    yield ok(f"group lock create -n own -t CanNotDelete -g {G}", lambda r: r["name"] == "own")
    yield ok(f"group lock list -g {G}", has("own"))
    yield ok(f"group lock delete -n own -g {G}")
    yield ok(f"resource lock create -n here -t CanNotDelete {of}", lambda r: r["name"] == "here")
    yield ok(f"resource lock show -n here {of}", lambda r: r["name"] == "here")
    yield no("locked", f"resource delete -g {G} -n m1 --resource-type {MACHINES}", "failed to be deleted")
    yield ok(f"resource lock delete -n here {of}")
    yield ok("account lock create -n az-all -t CanNotDelete", lambda r: r["name"] == "az-all")
    yield ok("account lock list", has("az-all"))
    yield ok("account lock delete -n az-all")
    yield ok(f"resource delete -g {G} -n m1 --resource-type {MACHINES}")
    yield ok(f"resource delete -g {G} -n m1 --resource-type {MACHINES}")


def providers():
    yield ok("provider list", lambda r: {"Microsoft.Kubernetes", "Microsoft.HybridCompute"} <= {x["namespace"] for x in r})
    yield ok("provider show -n Microsoft.Kubernetes", lambda r: r["registrationState"] == "Registered")
    yield ok("provider register -n Microsoft.HybridCompute")
    yield ok("provider operation list", lambda r: len(r) > 3)
    yield ok("provider operation show --namespace Microsoft.HybridCompute", lambda r: r["name"] == "Microsoft.HybridCompute")
    yield ok("provider permission list -n Microsoft.Kubernetes", lambda r: r["value"] == [])
    yield no("unknown namespace", "provider show -n Contoso.Things", "InvalidResourceNamespace")
    feature = "--namespace Microsoft.HybridCompute -n AzFeature"
    yield ok(f"feature register {feature}", lambda r: r["properties"]["state"] == "Registered")
    yield ok(f"feature show {feature}", lambda r: r["name"] == "Microsoft.HybridCompute/AzFeature")
    yield ok("feature list", has("Microsoft.HybridCompute/AzFeature"))
    yield ok("feature list --namespace Microsoft.HybridCompute", has("Microsoft.HybridCompute/AzFeature"))
    yield ok(f"feature unregister {feature}")


def activity():
    told = lambda r: any(e["operationName"]["value"] == f"{MACHINES}/write" and e["caller"] for e in r)
    yield ok(f"monitor activity-log list -g {G} --offset 1h", told)
    yield ok("monitor activity-log list-categories", lambda r: "Administrative" in {x["value"] for x in r})


def management_groups(scene):
    yield ok("account management-group create -n az-top --display-name Top", lambda r: r["name"] == "az-top")
    yield ok("account management-group create -n az-below --parent az-top", lambda r: r["name"] == "az-below")
    yield ok("account management-group list", lambda r: {"az-top", "az-below", scene.tenant} <= names(r))
    yield ok("account management-group show -n az-top -e", lambda r: names(r["children"]) == {"az-below"})
    yield ok("account management-group update -n az-below --display-name Below", lambda r: r["displayName"] == "Below")
    yield ok(f"account management-group subscription add -n az-below -s {scene.subscription}")
    yield ok("account management-group subscription show-sub-under-mg -n az-below", lambda r: len(r) == 1)
    yield ok(f"account management-group subscription show -n az-below -s {scene.subscription}", lambda r: r["state"] == "Active")
    yield ok(f"account management-group subscription remove -n az-below -s {scene.subscription}")
    yield ok("account management-group entities list", lambda r: "az-top" in names(r))
    yield ok("account management-group check-name-availability -n az-free", lambda r: r["nameAvailable"] is True)
    yield ok("account management-group check-name-availability -n az-top", lambda r: r["nameAvailable"] is False)
    yield no("has children", "account management-group delete -n az-top", "")
    yield ok("account management-group delete -n az-below")
    yield ok("account management-group delete -n az-top")
    yield no("not found", "account management-group show -n az-top", "")


def roles(scene, group):
    name = f"Restarter {uuid.uuid4().hex[:6]}"
    role = '{"Name": "%s", "Description": "May read.", "Actions": ["Microsoft.HybridCompute/machines/read"], "AssignableScopes": ["%s"]}' % (name, group)
    wider = role.replace("machines/read", "machines/*")
    yield ok("role definition list", lambda r: {"Reader", "Owner", "Contributor"} <= each(r, "roleName"))
    yield ok("role definition list", lambda r: [x["name"] for x in r] == [READER], ["-n", "Reader"])
    yield ok("role definition create", lambda r: flat(r)["roleName"] == name, ["--role-definition", role])
    yield ok("role definition list --custom-role-only true", lambda r: name in each(r, "roleName"), ["--scope", group])
    yield ok("role definition update", lambda r: flat(r)["permissions"][0]["actions"] == ["Microsoft.HybridCompute/machines/*"], ["--role-definition", wider])
    who = scene.spare["objectId"]
    at = ["--scope", group]
    yield ok(f"role assignment create --role Reader --assignee-object-id {who} --assignee-principal-type ServicePrincipal", lambda r: flat(r)["principalId"] == who, at)
    yield ok(f"role assignment create --role Reader --assignee-object-id {who} --assignee-principal-type ServicePrincipal", lambda r: flat(r)["principalId"] == who, at)
    yield ok(f"role assignment list --assignee {who}", lambda r: each(r, "roleDefinitionName") == {"Reader"} and flat(r[0])["principalName"], at)
    yield ok("role assignment list", lambda r: who in each(r, "principalId"), at)
    yield ok("role assignment list --all", lambda r: who in each(r, "principalId") and None not in each(r, "roleDefinitionName"))
    yield ok("role assignment list --include-inherited", lambda r: "Owner" in each(r, "roleDefinitionName"), at)
    yield ok(f"role assignment delete --role Reader --assignee {who}", anything, at)
    app = scene.spare["clientId"]
    yield ok(f"role assignment create --assignee {app}", lambda r: flat(r)["principalId"] == who, [*at, "--role", name])
    yield ok(f"role assignment delete --assignee {app}", anything, [*at, "--role", name])
    yield no("unknown role", f"role assignment create --assignee-object-id {who} --assignee-principal-type ServicePrincipal --role Nonsense", "doesn't exist", at)
    yield ok("role definition delete", anything, ["-n", name, "--scope", group])


def directory():
    yield ok("ad user create --display-name Ann --user-principal-name az-ann@bowline.local --password Long-Passphrase-77", lambda r: r["displayName"] == "Ann")
    yield ok("ad user list", lambda r: "az-ann@bowline.local" in {x["userPrincipalName"] for x in r})
    yield ok("ad user show --id az-ann@bowline.local", lambda r: r["displayName"] == "Ann")
    yield ok("ad user update --id az-ann@bowline.local --display-name Anna")
    yield ok("ad group create --display-name az-team --mail-nickname az-team", lambda r: r["displayName"] == "az-team")
    yield ok("ad group list", lambda r: "az-team" in {x["displayName"] for x in r})
    yield ok("ad group show -g az-team", lambda r: r["displayName"] == "az-team")
    yield ok("ad group member list -g az-team", lambda r: r == [])
    yield ok("ad group delete -g az-team")
    yield ok("ad user delete --id az-ann@bowline.local")
    yield from application()
    yield ok("ad sp list --all", lambda r: "owner" in {x["displayName"] for x in r})
    yield ok("ad sp create-for-rbac -n az-robot", lambda r: r["appId"] and r["password"] and r["tenant"])
    yield ok("ad sp list --display-name az-robot", lambda r: len(r) == 1)


def application():
    made = {}
    yield ok("ad app create --display-name az-app", lambda r: made.update(r) or r["appId"])
    yield ok("ad app list --display-name az-app", lambda r: len(r) == 1)
    credential = {"name": "az-trust", "issuer": ISSUER, "subject": "repo:plant", "audiences": [EXCHANGE]}
    at = ["--id", made.get("appId", "")]
    one = [*at, "--federated-credential-id", "az-trust"]
    yield ok("ad app federated-credential create", lambda r: r["name"] == "az-trust", [*at, "--parameters", json.dumps(credential)])
    yield ok("ad app federated-credential list", has("az-trust"), at)
    yield ok("ad app federated-credential show", lambda r: r["subject"] == "repo:plant", one)
    yield ok("ad app federated-credential update", anything, [*one, "--parameters", json.dumps({**credential, "subject": "repo:other"})])
    yield ok("ad app federated-credential delete", anything, one)


def identities(group):
    yield ok(f"identity create -n az-id -g {G} -l local", lambda r: r["principalId"] and r["clientId"])
    yield ok(f"identity show -n az-id -g {G}", lambda r: r["name"] == "az-id")
    yield ok(f"identity list -g {G}", has("az-id"))
    yield ok("identity list", has("az-id"))
    yield no("not found", f"identity show -n no-such -g {G}", "ResourceNotFound")
    of, trust = f"-g {G} --identity-name az-id", f"--issuer {ISSUER} --subject repo:plant --audiences {EXCHANGE}"
    yield ok(f"identity federated-credential create {of} -n az-trust {trust}", lambda r: r["subject"] == "repo:plant")
    yield ok(f"identity federated-credential show {of} -n az-trust", lambda r: r["audiences"] == [EXCHANGE])
    yield ok(f"identity federated-credential list {of}", has("az-trust"))
    yield no("trusted already", f"identity federated-credential create {of} -n az-again {trust}", "Conflict")
    yield ok(f"identity federated-credential update {of} -n az-trust {trust.replace('plant', 'other')}", lambda r: r["subject"] == "repo:other")
    yield ok(f"identity federated-credential create {of} -n az-kept {trust}")
    yield ok(f"identity federated-credential delete {of} -n az-trust -y")
    yield ok(f"identity delete -n az-id -g {G}")


def rest(group):
    machine = f"{group}/providers/{MACHINES}/by-rest?api-version=2024-07-10"
    yield ok("rest --method put", lambda r: r["name"] == "by-rest", ["--url", machine, "--body", '{"location": "local"}'])
    yield ok("rest --method get", lambda r: r["name"] == "by-rest", ["--url", machine])
    yield ok("rest --method patch", lambda r: r["tags"] == {"a": "b"}, ["--url", machine, "--body", '{"tags": {"a": "b"}}'])
    yield no("wrong etag", "rest --method put", "PreconditionFailed", ["--url", machine, "--body", '{"location": "local"}', "--headers", 'If-Match="wrong"'])
    yield no("exists", "rest --method put", "PreconditionFailed", ["--url", machine, "--body", '{"location": "local"}', "--headers", "If-None-Match=*"])
    yield no("no api-version", "rest --method get", "MissingApiVersionParameter", ["--url", f"{group}/providers/{MACHINES}"])
    yield ok("rest --method delete", anything, ["--url", machine])
    yield no("not found", "rest --method get", "ResourceNotFound", ["--url", machine])


def not_served(scene):
    """Later releases of Bowline: az shows its user a sentence that says so, and does not wait or retry."""
    yield no("not served", "policy definition list", "InvalidResourceType")
    yield no("not served", f"monitor log-analytics workspace list -g {G}", "InvalidResourceType")
    yield no("not served", "monitor account list", "InvalidResourceType")
    yield no("not served", f"monitor action-group list -g {G}", "InvalidResourceType")
    template = pathlib.Path(scene.work) / "template.json"
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    # With a comment, as people write them: az sends the file as it is.
    template.write_text('{"$schema": "%s", /* nothing yet */ "contentVersion": "1.0.0.0", "resources": []}' % schema)
    file = ["--template-file", str(template)]
    later = "DeploymentsNotServedYet"
    yield no("not served", f"deployment group list -g {G}", later)
    yield no("not served", f"deployment group show -g {G} -n d1", later)
    yield no("not served", f"deployment group validate -g {G} -n d1", later, file)
    yield no("not served", f"deployment group create -g {G} -n d1", later, file)
    yield no("not served", f"deployment group what-if -g {G} -n d1", "", file)
    yield no("not served", f"deployment operation group list -g {G} -n d1", later)
    yield no("not served", "deployment sub create -n d1 -l local", later, file)


def reader(scene):
    """May see everything and change nothing."""
    group = f"/subscriptions/{scene.subscription}/resourceGroups/{SEEN}"
    who = scene.spare["objectId"]
    of = f"-g {SEEN} -n m1 --resource-type {MACHINES}"
    yield ok("group list", anything)
    yield ok("resource list", anything)
    yield ok("role definition list", lambda r: "Reader" in each(r, "roleName"))
    for command, more in (
        (f"group create -n {SEEN} -l local", ()),
        (f"group delete -n {SEEN} -y", ()),
        (f"resource create {of} -l local", ("--properties", "{}")),
        (f"rest --method delete", ("--url", f"{group}/providers/{MACHINES}/m1?api-version=2024-07-10")),
        (f"lock create -n keep -t CanNotDelete -g {SEEN}", ()),
        ("account lock create -n keep -t CanNotDelete", ()),
        ("tag create --tags a=1", ("--resource-id", group)),
        ("tag create -n az-tag", ()),
        ("provider register -n Microsoft.Kubernetes", ()),
        ("feature register --namespace Microsoft.HybridCompute -n AzFeature", ()),
        ("account management-group create -n az-reader", ()),
        (f"identity create -n az-id -g {SEEN} -l local", ()),
        (f"role assignment create --role Reader --assignee-object-id {who} --assignee-principal-type ServicePrincipal", ("--scope", group)),
        ("rest --method put", ("--url", f"{group}/providers/{MACHINES}/m1?api-version=2024-07-10", "--body", '{"location": "local"}')),
    ):
        yield no("no rights", command, "AuthorizationFailed", more)


TABLES = {"owner": owner, "reader": reader}
