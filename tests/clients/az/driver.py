"""Drives azure-cli: `driver.py SCENE [--quick]`. See ../README.md.

Starting `az` costs a second, so the commands of one caller run in one process, each by az's own entry point and each
with a CLI of its own. What az keeps (accounts, tokens, clouds) is in the caller's own folder, as for two people.
"""

import importlib.metadata
import io
import json
import logging
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(1, str(pathlib.Path(__file__).parent.parent / "python"))

from report import Report, end  # noqa: E402
from scene import Scene  # noqa: E402

SETTINGS = {
    "AZURE_CORE_COLLECT_TELEMETRY": "0",
    "AZURE_CORE_NO_COLOR": "1",
    "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
    "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
    "AZURE_CORE_SURVEY_MESSAGE": "0",
    "AZURE_CORE_OUTPUT": "json",
}


class Said(logging.Handler):
    """What az tells its user beside the result."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


class Ear:
    """Standard error, read as az writes it: the device code must be typed while az waits."""

    def __init__(self, stream):
        self.stream = stream
        self.heard = None

    def write(self, text):
        self.stream.write(text)
        if self.heard and text.strip():
            self.heard(text)

    def __getattr__(self, name):
        return getattr(self.stream, name)


class Az:
    """One caller's az."""

    def __init__(self, report):
        import requests
        from azure.cli.core import get_default_cli

        self.report = report
        self.new = get_default_cli
        self.ear = sys.stderr = Ear(sys.stderr)
        self.said = Said()
        logging.getLogger("cli").addHandler(self.said)
        send = requests.Session.send

        def recorded(session, request, **kwargs):
            response = send(session, request, **kwargs)
            if "/oauth2/" not in request.url and "/.well-known/" not in request.url:
                report.saw(request.method, request.url, response.status_code)
            return response

        requests.Session.send = recorded

    def run(self, arguments):
        """Exit code, result, and what was said."""
        self.said.lines = []
        out = io.StringIO()
        cli = self.new()
        try:
            code = cli.invoke(arguments, out_file=out)
        except SystemExit as exit:
            code = exit.code or 0
        text = out.getvalue()
        try:
            result = json.loads(text) if text.strip() else None
        except ValueError:
            result = text
        return code, result, "\n".join(self.said.lines)

    def prepare(self, arguments):
        """A command that is no case: what follows shows whether it worked."""
        try:
            self.run(arguments)
        except Exception as error:
            print(error, file=sys.stderr)
        self.report.requests = []

    def case(self, operation, case, arguments, expected):
        """Runs a command. `expected` is a check of the result, or the code of the error."""
        since = time.monotonic()
        try:
            code, result, said = self.run(arguments)
            if callable(expected):
                ok = code == 0 and bool(expected(result))
            else:
                ok = code != 0 and expected in said
            seen = f"exit {code}: {said or result}"
        except Exception as error:  # whatever az raises is the finding
            ok, seen = False, f"{type(error).__name__}: {error}"
        self.report.outcome(operation, case, ok, "" if ok else seen, since)
        return ok


def by_itself(scene, caller, arguments=()):
    """A caller's commands in a process of its own; its lines are passed on."""
    folder = pathlib.Path(scene.work) / f"az-{caller}"
    environment = {**os.environ, **SETTINGS, "AZURE_CONFIG_DIR": str(folder)}
    if not caller.startswith("registered"):
        environment["ARM_CLOUD_METADATA_URL"] = f"{scene.base}/metadata/endpoints?api-version=2019-05-01"
    command = [sys.executable, __file__, sys.argv[1], "--as", caller, *arguments]
    ended = subprocess.run(command, env=environment, check=False)
    if ended.returncode != 0:
        sys.exit(f"the commands of {caller} ended with {ended.returncode}")


def main():
    scene = Scene(sys.argv[1])
    if "--as" not in sys.argv:
        for caller in ("owner", "reader", "device", "registered", "registered-device", "failing", "certificate"):
            by_itself(scene, caller, sys.argv[2:])
        end({"azure-cli": importlib.metadata.version("azure-cli")})
        return
    import commands
    import logins

    caller = sys.argv[sys.argv.index("--as") + 1]
    az = Az(Report(caller))
    logins.RUN[caller](az, scene)
    if caller in commands.TABLES:
        for operation, case, arguments, expected in commands.TABLES[caller](scene):
            az.case(operation, case, arguments, expected)


if __name__ == "__main__":
    main()
