"""Who the drivers are and where the server is: the JSON file that the suite writes."""

import json
import ssl
import urllib.parse
import urllib.request


class Scene:
    """The suite's file, by attribute."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.__dict__.update(json.load(file))

    def approve(self, user_code):
        """What the person does whom `az login --use-device-code` sends to the page."""
        form = urllib.parse.urlencode(
            {
                "user_code": user_code,
                "username": self.user["name"],
                "password": self.user["password"],
                "action": "approve",
            }
        )
        request = urllib.request.Request(f"{self.base}/device", data=form.encode())
        context = ssl.create_default_context(cafile=self.ca)
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            page = answer.read().decode()
        if "Approved" not in page:
            raise RuntimeError(f"the page did not approve: {page[:300]}")
