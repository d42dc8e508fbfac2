"""What every driver prints: one line of JSON for each case, read by the suite that started it.

`{"operation", "case", "ok", "seen", "requests": [["PUT", "/path", "api-version", 200], ...]}`; the last line of a
driver is `{"end": true, "versions": {...}}`, so that a driver that died half-way is told from one that is done.
"""

import json
import sys
import threading
import time
from urllib.parse import parse_qs, urlsplit


class Report:
    """Collects the requests of the case that runs, and prints its outcome."""

    def __init__(self, flavour):
        self.flavour = flavour
        self.requests = []
        self.failed = 0
        # The driver's own output; az writes to sys.stdout, which the cases capture.
        self.out = sys.stdout
        self.lock = threading.Lock()

    def saw(self, method, url, status):
        """A request that the client sent, also one that it repeats."""
        parts = urlsplit(url)
        version = parse_qs(parts.query).get("api-version", [""])[0]
        self.requests.append([method, parts.path, version, status])

    def outcome(self, operation, case, ok, seen, since):
        line = {
            "flavour": self.flavour,
            "operation": operation,
            "case": case,
            "ok": bool(ok),
            "seen": str(seen)[:600],
            "seconds": round(time.monotonic() - since, 3),
            "requests": self.requests,
        }
        self.requests = []
        self.failed += not ok
        self.print(line)

    def print(self, line):
        with self.lock:
            self.out.write(json.dumps(line) + "\n")
            self.out.flush()


def end(versions):
    """The last line of a driver."""
    sys.stdout.write(json.dumps({"end": True, "versions": versions}) + "\n")
    sys.stdout.flush()
