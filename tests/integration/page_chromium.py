# SPDX-License-Identifier: MIT
"""A headless Chromium that is told what to do over a pair of pipes (the DevTools protocol)."""

import base64
import contextlib
import itertools
import json
import os
import select
import time

import host

# Nothing that it would do by itself, and nothing of an earlier run.
FLAGS = [
    "--headless",
    "--no-sandbox",  # tests run as root, where it has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--remote-debugging-pipe",
]


class Chromium:
    """A browser with one window on a host; close() ends it."""

    def __init__(self, place, folder):
        host.must_have("chromium")
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        # The protocol's descriptors are 3 and 4, and only a shell puts them there safely.
        redirect = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        # A folder of its own: nothing is left in a home, and nothing there has a say.
        environment = {"HOME": folder, "PATH": os.environ["PATH"], "TZ": "UTC", "LANG": "C.UTF-8"}
        with open(os.path.join(folder, "chromium.log"), "wb") as log:
            self.process = place.spawn(
                ["bash", "-c", redirect, "bash", "chromium", *FLAGS, f"--user-data-dir={folder}"],
                pass_fds=(theirs_in, theirs_out), stdin=-3, stdout=log, stderr=log, env=environment,
            )
        os.close(theirs_in)
        os.close(theirs_out)
        self._in, self._out = ours_in, ours_out
        self._rest, self._numbers, self._session = b"", itertools.count(1), None
        self.events = []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self._session = self.call(
            "Target.attachToTarget", targetId=page["targetId"], flatten=True
        )["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self.call(f"{domain}.enable")

    def close(self):
        with contextlib.suppress(AssertionError, OSError):
            self.call("Browser.close", timeout=10)  # its own children end with it
        host.end(self.process, 0)
        os.close(self._out)
        os.close(self._in)

    def _read(self, timeout):
        """The next message, or None."""
        end = time.monotonic() + timeout
        while b"\0" not in self._rest:
            left = max(0, end - time.monotonic())
            if not select.select([self._in], [], [], left)[0]:
                return None
            octets = os.read(self._in, 1 << 20)
            if not octets:
                raise AssertionError("chromium ended")
            self._rest += octets
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, timeout=30, **parameters):
        """Result of a command; events that come before it are kept."""
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._out, json.dumps(command).encode() + b"\0")
        end = time.monotonic() + timeout
        while message := self._read(end - time.monotonic()):
            if message.get("id") != number:
                self.events.append(message)
            elif "error" in message:
                raise AssertionError(f"{method}: {message['error']['message']}")
            else:
                return message["result"]
        raise AssertionError(f"{method}: no answer within {timeout} s")

    def wait(self, method, timeout=30):
        """The next event of a kind; those before it are kept."""
        end = time.monotonic() + timeout
        while message := self._read(end - time.monotonic()):
            self.events.append(message)
            if message.get("method") == method:
                return message["params"]
        raise AssertionError(f"{method} did not happen within {timeout} s")

    def look(self, width=1280, height=900, scheme="light", mobile=False):
        """Size of the window in CSS pixels, and the colour scheme that its user prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=mobile,
        )
        preferred = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[preferred])

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait("Page.loadEventFired")

    def evaluate(self, script):
        """Value of an expression; ours, not the page's: no policy of the page applies to it."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in result:
            raise AssertionError(str(result["exceptionDetails"]))
        return result["result"].get("value")

    def screenshot(self, path):
        """The whole page, beyond the window."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def complaints(self):
        """What the console says, what the browser found wrong, what failed to load."""
        said = []
        for event in self.events:
            parameters = event.get("params", {})
            if event.get("method") == "Log.entryAdded":
                said.append(parameters["entry"])
            elif event.get("method") == "Audits.issueAdded":
                # Some are about sites that the browser knows by itself.
                if parameters["issue"]["code"] != "BounceTrackingIssue":
                    said.append(parameters["issue"])
            elif event.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown",
                                         "Network.loadingFailed"):
                said.append(parameters)
        return said

    def requests(self):
        """Addresses that the pages asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]
