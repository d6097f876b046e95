# SPDX-License-Identifier: GPL-2.0-or-later
"""browser.py - Chromium without a window, through chromedriver's own protocol (W3C WebDriver)

Nothing of it is left running when the "with" ends. @folder takes the browser's profile.
"""
import base64
import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request


class Browser:
    def __init__(self, folder):
        self.folder = folder
        self.session = None

    def __enter__(self):
        os.makedirs(self.folder, exist_ok=True)
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, text=True,
                                       start_new_session=True,
                                       env={**os.environ, "HOME": self.folder})
        for line in self.driver.stdout:
            port = re.search(r"started successfully on port (\d+)", line)
            if port:
                break
        else:
            raise RuntimeError("chromedriver did not start")
        self.url = f"http://127.0.0.1:{port[1]}"
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--force-color-profile=srgb", "--no-first-run", "--disable-extensions",
                     f"--user-data-dir={self.folder}/profile", "about:blank"]
        try:
            answer = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
                "goog:chromeOptions": {"args": arguments},
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})
        except BaseException:
            self.__exit__()
            raise
        self.session = f"/session/{answer['sessionId']}"
        # What the browser shows at first asks for much of its own.
        self.post("/url", url="about:blank")
        self.log("performance")
        return self

    def __exit__(self, *_):
        try:
            if self.session:
                self.ask("DELETE", self.session)
        finally:
            os.killpg(self.driver.pid, signal.SIGTERM)
            self.driver.wait(20)

    def ask(self, method, path, body=None):
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.url + path, data, method=method,
                                         headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error.read().decode()[:500]}") from None

    def post(self, path, **body):
        return self.ask("POST", self.session + path, body)

    def protocol(self, command, **parameters):
        """a command of the browser's own protocol"""
        return self.post("/goog/cdp/execute", cmd=command, params=parameters)

    def open(self, path):
        self.post("/url", url="file://" + path)

    def run(self, script, *arguments):
        return self.post("/execute/sync", script=script, args=list(arguments))

    def log(self, kind):
        """what came since the last call"""
        return self.post("/se/log", type=kind)

    def look(self, width, height, scheme="light", media=""):
        self.protocol("Emulation.setEmulatedMedia", media=media,
                      features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.protocol("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=False)

    def press(self, key):
        """a key as WebDriver writes it, as "\\ue004" for Tab"""
        self.post("/actions", actions=[{"type": "key", "id": "keyboard", "actions": [
            {"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]}])

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.ask("GET", self.session + "/screenshot")))

    def pdf(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.post("/print", background=False)))
