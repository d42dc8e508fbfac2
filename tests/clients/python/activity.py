"""Microsoft.Insights' activity log, azure-mgmt-monitor."""

import datetime

from table import Case, refused


def cases(group):
    since = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    of_group = f"eventTimestamp ge '{since}' and resourceGroupName eq '{group}'"

    def told(events):
        return any(
            e.operation_name.value == "Microsoft.HybridCompute/machines/write" and e.caller and e.correlation_id for e in events
        )

    yield Case("activity_logs.list", lambda c: c.monitor.activity_logs.list(filter=of_group), told, lists=True)
    yield Case(
        "activity_logs.list ($select)", lambda c: c.monitor.activity_logs.list(filter=of_group, select="eventTimestamp,operationName"),
        lambda r: r and all(e.event_timestamp and not e.caller for e in r), lists=True,
    )
    yield refused(
        "activity_logs.list", "bad filter", 400, "InvalidFilter", lambda c: c.monitor.activity_logs.list(filter="color eq 'red'")
    )
    tenant = f"eventTimestamp ge '{since}'"
    yield Case("tenant_activity_logs.list", lambda c: c.monitor.tenant_activity_logs.list(filter=tenant), lists=True, scoped=False)
    yield Case(
        "event_categories.list", lambda c: c.monitor.event_categories.list(), lambda r: "Administrative" in {x.value for x in r},
        anyone=True, scoped=False,
    )
