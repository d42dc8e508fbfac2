"""Cases as data, run by the synchronous and by the asynchronous clients alike.

A case names an operation and how it is called. From it follow four calls: by somebody without rights, on a
subscription that does not exist, for what is not there (where the case says so), and by somebody who may.
"""

import inspect
import time

from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.pipeline.policies import SansIOHTTPPolicy


class Recorder(SansIOHTTPPolicy):
    """Tells the report what was sent; placed after the retries, so that it sees each of them."""

    def __init__(self, report):
        super().__init__()
        self.report = report

    def on_response(self, request, response):
        http = response.http_response
        self.report.saw(request.http_request.method, request.http_request.url, http.status_code)


class Case:
    """One operation and what becomes of it."""

    def __init__(self, operation, call, check=None, *, lists=False, anyone=False, scoped=True, only=None):
        self.operation = operation
        self.call = call
        self.check = check or (lambda answer: True)
        # A list shows a caller without rights nothing; everything else is refused.
        self.lists = lists
        # Open to everybody who is signed in.
        self.anyone = anyone
        # Whether the path has the subscription in it.
        self.scoped = scoped
        # `(case, status, code)`: an operation that is refused, and only that.
        self.only = only


def refused(operation, case, status, code, call):
    """A call that fails as a client expects it to."""
    return Case(operation, call, only=(case, status, code))


async def settle(value):
    """The end of whatever an operation returns: a poller, a page, a coroutine, an answer."""
    if inspect.isawaitable(value):
        value = await value
    if hasattr(value, "__aiter__"):
        return [item async for item in value]
    if hasattr(value, "result") and hasattr(value, "status"):
        value = value.result()
        return await value if inspect.isawaitable(value) else value
    if hasattr(value, "by_page"):
        return list(value)
    return value


class Table:
    """Runs cases against one family of clients."""

    def __init__(self, report, clients, scene):
        self.report = report
        # `clients(who, subscription)` gives the bundle of clients that the cases call.
        self.owner = clients("owner", scene.subscription)
        self.stranger = clients("stranger", scene.subscription)
        self.elsewhere = clients("owner", "00000000-dead-beef-0000-000000000000")

    async def owner_group(self, group):
        """The group that the cases work in."""
        await settle(self.owner.resources.resource_groups.create_or_update(group, {"location": "local"}))
        self.report.requests = []

    async def run(self, cases, failures=True):
        for case in cases:
            if case.only:
                await self.fails(case, *case.only, self.owner)
                continue
            if failures:
                if not case.anyone:
                    await self.unprivileged(case)
                if case.scoped:
                    await self.fails(case, "unknown subscription", 404, "SubscriptionNotFound", self.elsewhere)
            await self.succeeds(case)

    async def succeeds(self, case):
        since = time.monotonic()
        try:
            answer = await settle(case.call(self.owner))
            ok = case.check(answer)
            seen = "" if ok else f"not as expected: {answer!r}"
        except Exception as error:  # whatever the client raises is the finding
            ok, seen = False, describe(error)
        self.report.outcome(case.operation, "succeeds", ok, seen, since)

    async def fails(self, case, name, status, code, clients):
        since = time.monotonic()
        try:
            answer = await settle(case.call(clients))
            # A HEAD has no error for its caller: it says that there is nothing.
            head = self.report.requests[-1:] and self.report.requests[-1][0] == "HEAD"
            ok = bool(head) and status == 404 and answer is False
            seen = "" if ok else f"was not refused: {answer!r}"
        except HttpResponseError as error:
            ok = matches(error, status, code, head=self.report.requests[-1:] and self.report.requests[-1][0] == "HEAD")
            seen = "" if ok else f"expected {status} {code}: {describe(error)}"
        except Exception as error:
            ok, seen = False, describe(error)
        self.report.outcome(case.operation, name, ok, seen, since)

    async def unprivileged(self, case):
        if not case.lists:
            await self.fails(case, "no rights", 403, "AuthorizationFailed", self.stranger)
            return
        since = time.monotonic()
        try:
            answer = await settle(case.call(self.stranger))
            ok, seen = answer == [], f"shows {answer!r}"
        except HttpResponseError as error:
            ok, seen = error.status_code == 403, describe(error)
        except Exception as error:
            ok, seen = False, describe(error)
        self.report.outcome(case.operation, "no rights", ok, "" if ok else seen, since)


def matches(error, status, code, head):
    """Whether a refusal is the expected one; None stands for any code, or any status that blames the caller."""
    if error.status_code != status and not (status is None and 400 <= error.status_code < 500):
        return False
    if head:
        return True
    return bool(error.error and error.error.message) and code in (None, error.error.code)


def describe(error):
    if isinstance(error, HttpResponseError):
        return f"{type(error).__name__} {error.status_code}: {error.message}"
    if isinstance(error, AzureError):
        return f"{type(error).__name__}: {error.message}"
    return f"{type(error).__name__}: {error}"
