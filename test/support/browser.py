"""A headless browser that a test drives: Chromium over its DevTools protocol, through pipes instead of a port.

    with Browser() as browser:
        page = browser.open(url)
        page.wait("the title", "document.title")
        page.type("text\\r")
        page.save("page.png")
"""
import base64
import contextlib
import fcntl
import json
import os
import selectors
import subprocess
import tempfile
import time

from cloud import Failed, wait_for

PROGRAM = "chromium"
REPLY_SECONDS = 30


class Browser:
    """One process with a profile of its own, both gone at the end of the block."""

    def __init__(self):
        self.serial, self.pending, self.answers = 0, b"", {}

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="stratolet-browser.")
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        # Away from 3 and 4 first: those are where Chromium looks for its pipes.
        far = [fcntl.fcntl(each, fcntl.F_DUPFD, 16) for each in (theirs_in, theirs_out)]

        def as_chromium_wants():
            os.dup2(far[0], 3)
            os.dup2(far[1], 4)

        self.log = open(os.path.join(self.profile.name, "log"), "wb")
        self.process = subprocess.Popen(
            [PROGRAM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
             "--remote-debugging-pipe", f"--user-data-dir={self.profile.name}", "--window-size=1024,768", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, preexec_fn=as_chromium_wants, pass_fds=(3, 4),
            env={**os.environ, "HOME": self.profile.name}, start_new_session=True)
        for each in (theirs_in, theirs_out, *far):
            os.close(each)
        self.to, self.back = ours_out, ours_in
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Failed, OSError):
            self.ask("Browser.close")
        os.close(self.to)
        os.close(self.back)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
            self.process.wait(10)
        self.log.close()
        with contextlib.suppress(OSError):
            self.profile.cleanup()

    def ask(self, method, session=None, **params):
        """One command, and its answer; Failed for an error, and after a while."""
        self.serial += 1
        message = {"id": self.serial, "method": method, "params": params, **({"sessionId": session} if session else {})}
        os.write(self.to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + REPLY_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self.back, selectors.EVENT_READ)
            while self.serial not in self.answers:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise Failed(f"the browser does not answer {method}")
                chunk = os.read(self.back, 1 << 20)
                if not chunk:
                    raise Failed("the browser has ended")
                *messages, self.pending = (self.pending + chunk).split(b"\0")
                for each in map(json.loads, messages):
                    if "id" in each:        # else it tells of something that happened
                        self.answers[each["id"]] = each
        answer = self.answers.pop(self.serial)
        if "error" in answer:
            raise Failed(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, url):
        target = self.ask("Target.createTarget", url=url)["targetId"]
        return Page(self, self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])


class Page:
    def __init__(self, browser, session):
        self.browser, self.session = browser, session

    def value(self, expression):
        """What an expression of the page's is, or promises; Failed where it throws."""
        answer = self.browser.ask("Runtime.evaluate", self.session, expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise Failed(f"{expression}: {answer['exceptionDetails'].get('exception', {}).get('description', 'throws')}")
        return answer["result"].get("value")

    def wait(self, what, expression, seconds=30):
        return wait_for(what, lambda: self.value(expression), seconds)

    def type(self, text):
        """Key by key, into what has the focus."""
        for letter in text:
            key = {"\r": {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}}.get(
                letter, {"key": letter, "code": f"Key{letter.upper()}" if letter.isalpha() else "", "text": letter})
            for kind in ("keyDown", "keyUp"):
                self.browser.ask("Input.dispatchKeyEvent", self.session, type=kind, **(key if kind == "keyDown" else {**key, "text": ""}))

    def save(self, path):
        """As a PNG."""
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.browser.ask("Page.captureScreenshot", self.session)["data"]))
