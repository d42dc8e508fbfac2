"""The ways into az that its users have."""

import pathlib
import re


def is_here(scene):
    return lambda accounts: scene.subscription in [account["id"] for account in accounts]


def principal(az, scene, who, name):
    of = getattr(scene, who)
    command = ["login", "--service-principal", "-u", of["clientId"], "-p", of["secret"], "--tenant", scene.tenant]
    return az.case(name, "succeeds", command, is_here(scene))


def owner(az, scene):
    principal(az, scene, "owner", "login --service-principal (ARM_CLOUD_METADATA_URL)")


def reader(az, scene):
    principal(az, scene, "reader", "login --service-principal (ARM_CLOUD_METADATA_URL)")


def with_code(az, scene, arguments, name):
    """A person at the page, who types the code that az prints."""

    def heard(line):
        code = re.search(r"enter the code (\S+)", line)
        if code:
            scene.approve(code.group(1))

    az.ear.heard = heard
    az.case(name, "succeeds", ["login", "--use-device-code", *arguments], is_here(scene))
    az.ear.heard = None
    az.case(f"account show (after {name})", "succeeds", ["account", "show"], lambda a: a["user"]["type"] == "user")


def device(az, scene):
    with_code(az, scene, ["--tenant", scene.tenant], "login --use-device-code --tenant (ARM_CLOUD_METADATA_URL)")
    with_code(az, scene, [], "login --use-device-code (ARM_CLOUD_METADATA_URL)")
    az.case("ad signed-in-user show", "succeeds", ["ad", "signed-in-user", "show"], lambda u: u["displayName"])
    az.case("logout", "succeeds", ["logout"], lambda nothing: True)
    az.case("account show", "signed out", ["account", "show"], "az login")


def register(az, scene):
    command = ["cloud", "register", "-n", "Bowline", "--endpoint-resource-manager", scene.base]
    az.case("cloud register", "succeeds", [*command, "--endpoint-active-directory", f"{scene.base}/adfs"], lambda r: True)
    az.case("cloud set", "succeeds", ["cloud", "set", "-n", "Bowline"], lambda r: True)
    az.case("cloud show", "succeeds", ["cloud", "show"], lambda c: c["endpoints"]["resourceManager"].rstrip("/") == scene.base)


def registered(az, scene):
    register(az, scene)
    principal(az, scene, "owner", "login --service-principal (cloud register, /adfs)")
    az.case("group list (cloud register)", "succeeds", ["group", "list"], lambda r: isinstance(r, list))
    az.case("logout (cloud register)", "succeeds", ["logout"], lambda nothing: True)
    # The authority that the metadata names, with az's own switch.
    az.prepare(["cloud", "set", "-n", "AzureCloud"])
    az.prepare(["cloud", "unregister", "-n", "Bowline"])
    command = ["cloud", "register", "-n", "Bowline", "--endpoint-resource-manager", scene.base]
    az.case("cloud register (metadata alone)", "succeeds", command, lambda r: True)
    az.prepare(["cloud", "set", "-n", "Bowline"])
    az.prepare(["config", "set", "core.instance_discovery=false", "--only-show-errors"])
    principal(az, scene, "owner", "login --service-principal (cloud register, no instance discovery)")


def registered_device(az, scene):
    az.prepare(["cloud", "register", "-n", "Bowline", "--endpoint-resource-manager", scene.base,
            "--endpoint-active-directory", f"{scene.base}/adfs"])
    az.prepare(["cloud", "set", "-n", "Bowline"])
    with_code(az, scene, [], "login --use-device-code (cloud register, /adfs)")


def failing(az, scene):
    of = scene.owner
    login = ["login", "--service-principal", "--tenant", scene.tenant]
    az.case("login --service-principal", "wrong secret", [*login, "-u", of["clientId"], "-p", "wrong"], "AADSTS7000215")
    nobody = "00000000-0000-4000-8000-00000000dead"
    az.case("login --service-principal", "unknown application", [*login, "-u", nobody, "-p", "wrong"], "AADSTS700016")
    stranger = scene.stranger
    without = [*login, "-u", stranger["clientId"], "-p", stranger["secret"]]
    az.case("login --service-principal", "no subscriptions", without, "No subscriptions found")
    az.case(
        "login --service-principal --allow-no-subscriptions", "succeeds", [*without, "--allow-no-subscriptions"],
        lambda accounts: [a["tenantId"] for a in accounts] == [scene.tenant],
    )
    az.case(
        "login --service-principal --certificate", "succeeds",
        [*login, "-u", of["clientId"], "--certificate", scene.certificate], is_here(scene),
    )


def certificate(az, scene):
    """The certificate that az makes for a new service principal, and the way in with it."""
    of = scene.owner
    az.prepare(["login", "--service-principal", "-u", of["clientId"], "-p", of["secret"], "--tenant", scene.tenant])
    made = {}

    def keep(result):
        made.update(result)
        return result["fileWithCertAndPrivateKey"] and not result.get("password")

    create = ["ad", "sp", "create-for-rbac", "-n", "az-certified", "--create-cert"]
    create += ["--role", "Reader", "--scopes", f"/subscriptions/{scene.subscription}"]
    if not az.case("ad sp create-for-rbac --create-cert", "succeeds", create, keep):
        return
    file = made["fileWithCertAndPrivateKey"]
    login = ["login", "--service-principal", "-u", made["appId"], "--certificate", file, "--tenant", made["tenant"]]
    az.case("login --service-principal --certificate (of create-for-rbac)", "succeeds", login, is_here(scene))
    az.case("group list (with that certificate)", "succeeds", ["group", "list"], lambda r: isinstance(r, list))
    pathlib.Path(file).unlink()


RUN = {
    "owner": owner, "reader": reader, "device": device, "registered": registered,
    "registered-device": registered_device, "failing": failing, "certificate": certificate,
}
