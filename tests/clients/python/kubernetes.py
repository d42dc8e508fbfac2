"""Microsoft.Kubernetes, azure-mgmt-hybridkubernetes."""

from azure.mgmt.hybridkubernetes import models

from keys import agent_key
from table import Case, refused


def cases(group):
    key = agent_key()

    def cluster(name, location="local", **more):
        return models.ConnectedCluster(
            location=location,
            identity=models.ConnectedClusterIdentity(type="SystemAssigned"),
            tags={"env": "test"},
            properties=models.ConnectedClusterProperties(agent_public_key_certificate=name and key, distribution="k3s"),
            **more,
        )

    def enrolled(made):
        return (
            made.properties.provisioning_state == "Succeeded"
            and made.identity.principal_id
            and made.id.lower().endswith("/connectedclusters/c1")
            and made.tags == {"env": "test"}
            and made.properties.distribution == "k3s"
        )

    def of(clients):
        return clients.kubernetes.connected_cluster

    yield Case(
        "connected_cluster.begin_create_or_replace",
        lambda c: of(c).begin_create_or_replace(group, "c1", cluster("c1")),
        enrolled,
    )
    yield Case(
        "connected_cluster.begin_create_or_replace (again)",
        lambda c: of(c).begin_create_or_replace(group, "c1", cluster("c1")),
        enrolled,
    )
    yield Case(
        "connected_cluster.get", lambda c: of(c).get(group, "c1"), lambda r: r.properties.connectivity_status
    )
    yield Case(
        "connected_cluster.begin_update_async",
        lambda c: of(c).begin_update_async(group, "c1", models.ConnectedClusterPatch(tags={"env": "prod"})),
        lambda r: r.tags == {"env": "prod"},
    )
    yield Case(
        "connected_cluster.list_by_resource_group",
        lambda c: of(c).list_by_resource_group(group),
        lambda r: [x.name for x in r] == ["c1"],
        lists=True,
    )
    yield Case(
        "connected_cluster.list_by_subscription",
        lambda c: of(c).list_by_subscription(),
        lambda r: any(x.name == "c1" for x in r),
        lists=True,
    )
    yield Case("operations.get", lambda c: c.kubernetes.operations.get(), lambda r: any("/read" in x.name for x in r), anyone=True, scoped=False)
    credential = models.ListClusterUserCredentialProperties(authentication_method="Token", client_proxy=True)
    yield Case(
        "connected_cluster.list_cluster_user_credential",
        lambda c: of(c).list_cluster_user_credential(group, "c1", credential),
        lambda r: b"/connectedClusters/c1/proxy" in bytes(r.kubeconfigs[0].value),
    )
    yield refused(
        "connected_cluster.get", "not found", 404, "ResourceNotFound", lambda c: of(c).get(group, "no-such")
    )
    yield refused(
        "connected_cluster.get", "group not found", 404, "ResourceGroupNotFound", lambda c: of(c).get("no-such", "c1")
    )
    yield refused(
        "connected_cluster.begin_create_or_replace",
        "group not found",
        404,
        "ResourceGroupNotFound",
        lambda c: of(c).begin_create_or_replace("no-such", "c1", cluster("c1")),
    )
    yield refused(
        "connected_cluster.begin_create_or_replace",
        "unknown location",
        400,
        None,
        lambda c: of(c).begin_create_or_replace(group, "c2", cluster("c2", location="nowhere")),
    )
    yield refused(
        "connected_cluster.begin_create_or_replace",
        "another location",
        409,
        "InvalidResourceLocation",
        lambda c: of(c).begin_create_or_replace(group, "c1", cluster("c1", location="eastus")),
    )
    yield refused(
        "connected_cluster.begin_create_or_replace",
        "wrong etag",
        412,
        "PreconditionFailed",
        lambda c: of(c).begin_create_or_replace(group, "c1", cluster("c1"), headers={"If-Match": '"wrong"'}),
    )
    yield refused(
        "connected_cluster.begin_update_async",
        "wrong etag",
        412,
        "PreconditionFailed",
        lambda c: of(c).begin_update_async(
            group, "c1", models.ConnectedClusterPatch(tags={}), headers={"If-Match": '"wrong"'}
        ),
    )
    yield refused(
        "connected_cluster.begin_delete",
        "wrong etag",
        412,
        "PreconditionFailed",
        lambda c: of(c).begin_delete(group, "c1", headers={"If-Match": '"wrong"'}),
    )


def ending(group):
    """After the areas that need the cluster."""
    yield Case("connected_cluster.begin_delete", lambda c: c.kubernetes.connected_cluster.begin_delete(group, "c1"))
    yield Case(
        "connected_cluster.begin_delete (of nothing)",
        lambda c: c.kubernetes.connected_cluster.begin_delete(group, "c1"),
    )
