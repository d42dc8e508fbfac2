"""Microsoft.ResourceGraph, azure-mgmt-resourcegraph: queries over resources, and queries that people share."""

from azure.mgmt.resourcegraph import models

from table import Case, refused


def cases(group, scene):
    def of(clients):
        return clients.graph.graph_query

    def at(clients):
        return (clients.subscription, group)

    query = {"location": "global", "properties": {"query": "Resources | count", "description": "How many"}}
    yield Case(
        "graph_query.create_or_update", lambda c: of(c).create_or_update(*at(c), "q1", query),
        lambda r: r.query == "Resources | count",
    )
    yield Case("graph_query.get", lambda c: of(c).get(*at(c), "q1"), lambda r: r.name == "q1")
    yield Case("graph_query.update", lambda c: of(c).update(*at(c), "q1", {"tags": {"a": "b"}}), lambda r: r.tags == {"a": "b"})
    yield Case("graph_query.list", lambda c: of(c).list(*at(c)), lambda r: [x.name for x in r] == ["q1"], lists=True)
    yield Case("graph_query.list_by_subscription", lambda c: of(c).list_by_subscription(c.subscription), lambda r: any(x.name == "q1" for x in r), lists=True)
    yield Case("graph_query.delete", lambda c: of(c).delete(*at(c), "q1"))
    yield Case("operations.list (Microsoft.ResourceGraph)", lambda c: c.graph.operations.list(), lambda r: r, anyone=True, scoped=False)

    def ask(clients, text, **options):
        options = models.QueryRequestOptions(**options)
        return clients.graph.resources(models.QueryRequest(subscriptions=[clients.subscription], query=text, options=options))

    containers = "ResourceContainers | where name == '%s' | project name" % group
    yield Case("resources", lambda c: ask(c, containers), lambda r: r.data == [{"name": group}] and r.total_records == 1, scoped=False)
    yield Case(
        "resources (table)", lambda c: ask(c, containers, result_format="table"),
        lambda r: r.data == {"columns": [{"name": "name", "type": "string"}], "rows": [[group]]}, scoped=False,
    )
    yield refused("resources", "no KQL", 400, "BadRequest", lambda c: ask(c, "Resources | wher name == 'x'"))
