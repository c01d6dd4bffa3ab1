"""What the suites that run the real program share: starting and stopping it, a client that speaks the API, results that the runner reads.

Standard library only, so that a suite says what it needs beyond that itself.
"""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("STRATOLET", os.path.join(TOP, "build", "stratolet"))
LAB = os.path.join(TOP, "test", "support", "lab")


class Failed(Exception):
    """Something that had to happen did not."""


def wait_for(what, probe, seconds, every=0.3):
    """Calls probe until it returns something true, and returns that; Failed after so many seconds."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            found = probe()
            if found:
                return found
        except (Failed, OSError, http.client.HTTPException) as error:
            last = error
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds} s" + (f" ({last})" if last else ""))
        time.sleep(every)


class Cloud:
    """One `stratolet serve` (or `sandbox`) of a test, with its state directory."""

    def __init__(self, mode="serve", config=None, keep=None):
        self.mode = mode
        # Not /tmp: it may be a small tmpfs. Others may pass through, because QEMU opens its disks as another user.
        self.folder = keep or tempfile.mkdtemp(prefix="stratolet-test.", dir="/var/tmp")
        os.chmod(self.folder, 0o711)
        self.state = os.path.join(self.folder, "state")
        self.log_path = os.path.join(self.folder, "stratolet.log")
        self.config_path = os.path.join(self.folder, "stratolet.conf")
        # A login costs a quarter of a second by default; what the suites look at is not that.
        self.config = {"identity": {"password_hash_rounds": 4}}
        self.configured = mode == "serve" or config is not None
        for section, options in (config or {}).items():
            self.config.setdefault(section, {}).update(options)
        self.process = None
        self.url = None
        self.env = {}
        self.listen = "127.0.0.1:0"

    def start(self, seconds=60):
        """Starts the program and returns when it has said that it is ready."""
        if not os.access(PROGRAM, os.X_OK):
            raise Failed(f"{PROGRAM} is not there: build it first")
        if self.configured:
            with open(self.config_path, "w") as out:
                for section, options in self.config.items():
                    out.write(f"[{section}]\n" + "".join(f"{name} = {value}\n" for name, value in options.items()))
        argv = [PROGRAM, self.mode, "--listen", self.listen]
        if self.configured:
            argv += ["--config", self.config_path]
        if self.mode == "serve":
            argv += ["--state-dir", self.state]
        log = open(self.log_path, "ab")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, env=environment)
        log.close()
        self.url = None
        self._lines = []
        ready = threading.Event()

        def read(stream):
            for raw in stream:
                line = raw.decode(errors="replace").strip()
                self._lines.append(line)
                found = re.match(r"ready (http\S+)", line)
                if found:
                    self.url = found.group(1).rstrip("/")
                exported = re.match(r"export (OS_\w+)=(.*)", line)
                if exported:
                    self.env[exported.group(1)] = exported.group(2).strip("'\"")
                if self.url and (self.mode == "serve" or "OS_PASSWORD" in self.env):
                    ready.set()
            ready.set()

        threading.Thread(target=read, args=(self.process.stdout,), daemon=True).start()
        if not ready.wait(seconds) or not self.url:
            self.kill()
            raise Failed(f"{' '.join(argv)} was not ready within {seconds} s:\n{self.tail()}")
        if self.mode == "serve":
            # A restart keeps the address: what was written down in openrc stays true.
            self.listen = urllib.parse.urlsplit(self.url).netloc
            with open(os.path.join(self.state, "admin-openrc")) as openrc:
                for line in openrc:
                    exported = re.match(r"\s*export (OS_\w+)=(.*)", line)
                    if exported:
                        self.env[exported.group(1)] = exported.group(2).strip().strip("'\"")
        else:
            time.sleep(0.2)     # the export lines behind the one we waited for
        self.env.setdefault("OS_AUTH_URL", self.url + "/identity/v3")
        return self

    def stop(self, seconds=20):
        """SIGTERM; returns the exit code."""
        if not self.process:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"the program did not end within {seconds} s of SIGTERM")
        self.process = None
        return code

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def tail(self, lines=40):
        with contextlib.suppress(OSError):
            with open(self.log_path, errors="replace") as log:
                return "".join(log.readlines()[-lines:])
        return ""

    def remove(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def admin(self):
        return Api(self.env["OS_AUTH_URL"], self.env.get("OS_USERNAME", "admin"), self.env["OS_PASSWORD"],
                   project=self.env.get("OS_PROJECT_NAME", "admin"))


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body) if self.body else None

    def __getitem__(self, name):
        return self.json[name]

    def __repr__(self):
        return f"{self.status} {self.body[:600]!r}"


class Api:
    """One user in one project (or domain, or system) who speaks the API."""

    def __init__(self, auth_url, user, password, project=None, system=False, domain="Default"):
        self.auth_url, self.user, self.password = auth_url.rstrip("/"), user, password
        self.project, self.system, self.domain = project, system, domain
        self.token = None
        self.login()

    def login(self):
        identity = {"methods": ["password"], "password": {"user": {"name": self.user, "password": self.password, "domain": {"name": self.domain}}}}
        auth = {"identity": identity}
        if self.system:
            auth["scope"] = {"system": {"all": True}}
        elif self.project:
            auth["scope"] = {"project": {"name": self.project, "domain": {"name": self.domain}}}
        answer = request("POST", self.auth_url + "/auth/tokens", {"auth": auth})
        if answer.status != 201:
            raise Failed(f"{self.user} cannot log in: {answer}")
        self.token = answer.headers["x-subject-token"]
        token = answer["token"]
        self.user_id = token["user"]["id"]
        self.project_id = token.get("project", {}).get("id")
        self.catalog = {}
        for service in token.get("catalog", []):
            for endpoint in service["endpoints"]:
                if endpoint["interface"] == "public":
                    self.catalog[service["type"]] = endpoint["url"].rstrip("/")

    def url(self, service, path):
        aliases = {"volume": ("block-storage", "volumev3", "block-store"), "identity": ("identity",)}
        base = self.auth_url if service == "identity" else next(
            (self.catalog[name] for name in (service,) + aliases.get(service, ()) if name in self.catalog), None)
        if not base:
            raise Failed(f"the catalog has no service {service}: {sorted(self.catalog)}")
        if service == "network" and "/v2.0" not in base:
            base += "/v2.0"
        if service == "image" and not base.endswith("/v2"):
            base += "/v2"
        return base + path

    def send(self, method, service, path, body=None, headers=None, raw=None, expect=None, timeout=60):
        sent = {"X-Auth-Token": self.token}
        if service == "compute":
            sent["X-OpenStack-Nova-API-Version"] = "2.1"
        sent.update(headers or {})
        answer = request(method, self.url(service, path), body, sent, raw, timeout)
        if expect is not None and answer.status not in (expect if isinstance(expect, tuple) else (expect,)):
            raise Failed(f"{method} {service} {path}: expected {expect}, got {answer}")
        return answer

    def get(self, service, path, expect=200, **more):
        return self.send("GET", service, path, expect=expect, **more).json

    def post(self, service, path, body, expect=(200, 201, 202, 204), **more):
        return self.send("POST", service, path, body, expect=expect, **more).json

    def put(self, service, path, body=None, expect=(200, 201, 202, 204), **more):
        return self.send("PUT", service, path, body, expect=expect, **more).json

    def delete(self, service, path, expect=(200, 202, 204), **more):
        self.send("DELETE", service, path, expect=expect, **more)

    def upload_image(self, name, path, **properties):
        image = self.post("image", "/images", {"name": name, "disk_format": "qcow2", "container_format": "bare", **properties})
        with open(path, "rb") as data:
            self.send("PUT", "image", f"/images/{image['id']}/file", raw=data, expect=204, timeout=300,
                      headers={"Content-Type": "application/octet-stream", "Content-Length": str(os.path.getsize(path))})
        return image["id"]

    def wait(self, service, kind, identifier, status, seconds=60):
        """Waits for the status; an unasked for `error` ends the wait at once."""
        def look():
            found = self.get(service, f"/{kind}s/{identifier}")
            found = found.get(kind, found)
            if found["status"].lower() == "error" and status.lower() != "error":
                raise RuntimeError(f"{kind} {identifier} is in error: {found.get('fault', '')}")
            return found if found["status"].lower() == status.lower() else None
        return wait_for(f"{kind} {identifier} {status}", look, seconds)

    def wait_gone(self, service, kind, identifier, seconds=60):
        def gone():
            answer = self.send("GET", service, f"/{kind}s/{identifier}")
            found = answer.json.get(kind, answer.json) if answer.status == 200 else {}
            # A server may have been in error before; then the task shows that it is still being deleted.
            if (found.get("status") or "").lower().startswith("error") and not found.get("OS-EXT-STS:task_state"):
                raise RuntimeError(f"{kind} {identifier} is in error instead of gone")
            return answer.status == 404
        wait_for(f"{kind} {identifier} gone", gone, seconds)


def request(method, url, body=None, headers=None, raw=None, timeout=60):
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    sent = {"Accept": "application/json"}
    data = raw
    if body is not None:
        data = json.dumps(body).encode()
        sent["Content-Type"] = "application/json"
    sent.update(headers or {})
    try:
        connection.request(method, parts.path + ("?" + parts.query if parts.query else ""), data, sent)
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def guest_image():
    """Path of the guest image, built if need be. Building it may want the network: not from inside a laboratory."""
    path = os.path.join(TOP, "build", "guest.qcow2")
    if os.environ.get("STRATOLET_LAB"):
        return path
    cache = os.path.join(TOP, "build", "guest-cache")
    os.makedirs(cache, exist_ok=True)
    subprocess.run([os.path.join(TOP, "packaging", "guest-image", "build"), "--cache", cache, path], check=True, timeout=300, stdout=sys.stderr)
    return path


def write_result(passed, failed, skipped):
    """The three counts, for the runner."""
    where = os.environ.get("SUITE_RESULT")
    if where:
        with open(where, "w") as out:
            out.write(f"{passed} {failed} {skipped}\n")


def in_laboratory(argv, seconds):
    """Runs this script again inside a laboratory, unless it is in one already."""
    def stopped(*_):
        raise KeyboardInterrupt     # so that what `finally` holds is tidied up
    signal.signal(signal.SIGTERM, stopped)
    if os.environ.get("STRATOLET_LAB"):
        return
    if os.geteuid() != 0:
        print("skipped: needs root for namespaces, bridges and libvirt")
        write_result(0, 0, 1)
        sys.exit(0)
    guest_image()
    try:
        process = subprocess.Popen([LAB, sys.executable, *argv])
        sys.exit(process.wait(seconds))
    except subprocess.TimeoutExpired:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        print(f"FAILED the suite took longer than {seconds} s")
        sys.exit(124)
    except KeyboardInterrupt:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        sys.exit(130)
