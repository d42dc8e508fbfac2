"""Drives the Azure SDKs for Python: `driver.py SCENE [--quick]`. See ../README.md."""

import asyncio
import functools
import importlib.metadata
import sys
import time

import azure.identity
import azure.identity.aio
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.authorization.aio import AuthorizationManagementClient as AsyncAuthorization
from azure.mgmt.hybridcompute import HybridComputeManagementClient
from azure.mgmt.hybridcompute.aio import HybridComputeManagementClient as AsyncCompute
from azure.mgmt.hybridkubernetes import ConnectedKubernetesClient
from azure.mgmt.hybridkubernetes.aio import ConnectedKubernetesClient as AsyncKubernetes
from azure.mgmt.monitor import MonitorManagementClient
from azure.mgmt.monitor.aio import MonitorManagementClient as AsyncMonitor
from azure.mgmt.resource.features import FeatureClient
from azure.mgmt.resource.features.aio import FeatureClient as AsyncFeatures
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resource.resources.aio import ResourceManagementClient as AsyncResources
from azure.mgmt.resource.subscriptions import SubscriptionClient
from azure.mgmt.resource.subscriptions.aio import SubscriptionClient as AsyncSubscriptions
from azure.mgmt.resourcegraph import ResourceGraphClient
from azure.mgmt.resourcegraph.aio import ResourceGraphClient as AsyncGraph

import activity
import authorization
import graph
import hybrid_compute
import kubernetes
import resources
from login import Logins
from report import Report, end
from scene import Scene
from table import Recorder, Table, describe

PACKAGES = (
    "azure-core azure-identity msal azure-mgmt-authorization azure-mgmt-hybridcompute azure-mgmt-hybridkubernetes "
    "azure-mgmt-monitor azure-mgmt-resource azure-mgmt-resource-features azure-mgmt-resource-subscriptions azure-mgmt-resourcegraph"
).split()


class Clients:
    """The clients of one caller on one subscription."""

    def __init__(self, kinds, credential, subscription, scene, report):
        scoped = {
            "base_url": scene.base,
            "credential_scopes": [f"{scene.base}/.default"],
            "per_retry_policies": [Recorder(report)],
        }
        for name, kind in kinds.items():
            by_subscription = name not in ("subscriptions", "graph")
            arguments = (credential, subscription) if by_subscription else (credential,)
            setattr(self, name, kind(*arguments, **scoped))
        self.subscription = subscription


# `validate` is in this version only.
PREVIEW = "2020-10-01-preview"

SYNC = {
    "assignments": functools.partial(AuthorizationManagementClient, api_version=PREVIEW),
    "authorization": AuthorizationManagementClient,
    "compute": HybridComputeManagementClient,
    "features": FeatureClient,
    "graph": ResourceGraphClient,
    "kubernetes": ConnectedKubernetesClient,
    "monitor": MonitorManagementClient,
    "resources": ResourceManagementClient,
    "subscriptions": SubscriptionClient,
}
ASYNC = {
    "assignments": functools.partial(AsyncAuthorization, api_version=PREVIEW),
    "authorization": AsyncAuthorization,
    "compute": AsyncCompute,
    "features": AsyncFeatures,
    "graph": AsyncGraph,
    "kubernetes": AsyncKubernetes,
    "monitor": AsyncMonitor,
    "resources": AsyncResources,
    "subscriptions": AsyncSubscriptions,
}


def bundles(kinds, secret, scene, report):
    """`clients(who, subscription)`; each caller signs in once."""
    credentials = {}

    def clients(who, subscription):
        if who not in credentials:
            of = getattr(scene, who)
            credentials[who] = secret(
                scene.tenant, of["clientId"], of["secret"], authority=scene.base, disable_instance_discovery=True
            )
        return Clients(kinds, credentials[who], subscription, scene, report)

    return clients


async def areas(table, scene, group, failures):
    await table.owner_group(group)
    await table.run(kubernetes.cases(group), failures)
    await table.run(hybrid_compute.cases(group), failures)
    await table.run(resources.cases(group, scene), failures)
    await table.run(authorization.cases(group, scene), failures)
    await table.run(graph.cases(group, scene), failures)
    await table.run(activity.cases(group), failures)
    await table.run(kubernetes.ending(group), failures)


async def drive(scene, quick):
    report = Report("sync")
    clients = bundles(SYNC, azure.identity.ClientSecretCredential, scene, report)

    def subscriptions(credential):
        return Clients({"subscriptions": SubscriptionClient}, credential, None, scene, report).subscriptions.subscriptions.list()

    Logins(report, scene, subscriptions).run()
    await areas(Table(report, clients, scene), scene, "python", True)
    if not quick:
        report = Report("aio")
        clients = bundles(ASYNC, azure.identity.aio.ClientSecretCredential, scene, report)
        await areas(Table(report, clients, scene), scene, "python-aio", False)
    end({name: importlib.metadata.version(name) for name in PACKAGES})


def throttled(scene):
    """On a server with a small budget: the client waits as long as it is told, and its user notices nothing."""
    report = Report("sync")
    clients = bundles(SYNC, azure.identity.ClientSecretCredential, scene, report)("owner", scene.subscription)
    since = time.monotonic()
    seen = ""
    try:
        for number in range(60):
            clients.resources.resource_groups.create_or_update("throttled", {"location": "local", "tags": {"n": str(number)}})
            if 429 in [status for *_, status in report.requests]:
                break
        else:
            seen = "60 writes were never too many"
    except Exception as error:
        seen = describe(error)
    report.outcome("resource_groups.create_or_update", "throttled", not seen, seen, since)
    end({})


if __name__ == "__main__":
    if "--throttled" in sys.argv:
        throttled(Scene(sys.argv[1]))
    else:
        asyncio.run(drive(Scene(sys.argv[1]), "--quick" in sys.argv))
