"""A host whose interface is lent to external networks, killed in each step of that: the real program in network namespaces, with a peer on
the host's network whose connection has to go on. Needs root.
"""
import contextlib
import functools
import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time

from cloud import PROGRAM, Failed, wait_for

FORTH = ("note", "bridge", "addresses", "port", "routes", "clear", "gateways", "done")
BACK = ("note back", "addresses back", "routes back", "port back", "bridge back", "forget")

ECHO = """
import socket
listening = socket.create_server(("192.168.9.7", 2222))
print("listening", flush=True)
peer = listening.accept()[0]
while (data := peer.recv(100)):
    peer.sendall(data)
"""
SAY = """
import socket, sys
peer = socket.create_connection(("192.168.9.7", 2222), 10)
peer.settimeout(60)
print("connected", flush=True)
for line in sys.stdin:
    peer.sendall(line.encode())
    got = b""
    while not got.endswith(b"\\n"):
        got += peer.recv(100)
    print(got.decode().strip(), flush=True)
"""
BOUND = 15      # seconds until the peer hears from the host again


class Home:
    """Two namespaces, the host's and that of its network, and a connection between them."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="stratolet-crash.", dir="/var/tmp")
        self.running = []
        # Names of namespaces and locks of its own, as another machine has.
        own = "mount --make-rprivate / && mount -t tmpfs none /run && mkdir /run/netns && echo up && exec sleep 900"
        self.host, self.lan = (self.keeps(["unshare", "--net", "--mount", "--", "sh", "-c", own]) for _ in range(2))
        subprocess.run(["ip", "link", "add", "eth0", "netns", str(self.host), "type", "veth", "peer", "name", "lan0", "netns", str(self.lan)], check=True)
        for words in ("link set lo up", "link set eth0 up", "addr add 192.168.9.7/24 dev eth0", "route add default via 192.168.9.1"):
            self.inside(self.host, "ip", *words.split())
        for words in ("addr add 192.168.9.1/24 dev lan0", "link set lan0 up"):
            self.inside(self.lan, "ip", *words.split())
        self.before = self.state()
        self.spawn(self.host, ECHO)
        self.said = 0
        self.peer = self.spawn(self.lan, SAY)
        self.heard = []
        threading.Thread(target=lambda: self.heard.extend(line.strip() for line in iter(self.peer.stdout.readline, "")), daemon=True).start()

    def keeps(self, argv):
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.running.append(process)
        if process.stdout.readline().strip() != "up":
            raise Failed("no namespace was made")
        return process.pid

    def enter(self, place, *argv):
        return ["nsenter", "-t", str(place), "-n", "-m", "--", *argv]

    def inside(self, place, *argv):
        return subprocess.run(self.enter(place, *argv), check=True, capture_output=True, text=True, timeout=30).stdout

    def spawn(self, place, script):
        """Has said its first word."""
        process = subprocess.Popen(self.enter(place, "python3", "-u", "-c", script), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.running.append(process)
        if not process.stdout.readline():
            raise Failed("there is no connection to begin with")
        return process

    def goes_on(self, when):
        """The connection that was there from the beginning."""
        self.said += 1
        word = f"word-{self.said}"
        self.peer.stdin.write(word + "\n")
        self.peer.stdin.flush()
        wait_for(f"the connection of the peer, {when}", lambda: word in self.heard, BOUND, every=0.05)

    def state(self):
        return sorted(self.inside(self.host, "ip", "-o", "-4", "addr", "show", "scope", "global").splitlines() + self.inside(self.host, "ip", "route").splitlines())

    def start(self, network, crash=None):
        """True where it became ready; False where it died before."""
        config = os.path.join(self.folder, "stratolet.conf")
        with open(config, "w") as out:
            out.write(f"[DEFAULT]\npolicy_dir =\n[identity]\npassword_hash_rounds = 4\n[compute]\nhypervisor = simulated\n[network]\n{network}\n")
        environment = {**os.environ, **({"STRATOLET_CRASH_AT": f"network.outside:{crash}"} if crash else {})}
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.cloud = subprocess.Popen(self.enter(self.host, PROGRAM, "serve", "--config", config, "--state-dir", os.path.join(self.folder, "state"),
                                                     "--listen", "127.0.0.1:8780"), stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True, env=environment)
        self.running.append(self.cloud)
        line = self.cloud.stdout.readline()
        if not line.startswith("ready "):
            self.cloud.wait(20)
            return False
        return True

    def stop(self):
        self.cloud.terminate()
        self.cloud.wait(20)

    def doctor(self):
        out = subprocess.run(self.enter(self.host, PROGRAM, "doctor", "--config", os.path.join(self.folder, "stratolet.conf"), "--state-dir",
                                        os.path.join(self.folder, "state")), capture_output=True, text=True, timeout=60)
        return out.stdout + out.stderr

    def rows(self, sql):
        with contextlib.closing(sqlite3.connect(f"file:{os.path.join(self.folder, 'state')}/stratolet.db?mode=ro", uri=True)) as db:
            return db.execute(sql).fetchall()

    def log(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as log:
            return log.read()

    def remove(self):
        for process in reversed(self.running):
            process.kill()
            process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


LENT = "external_network = bridge:eth0\nexternal_pool = 192.168.9.200-192.168.9.219"
NAT = "external_network = nat"


def is_lent(home):
    state = "\n".join(home.state())
    if "default via 192.168.9.1 dev br-ex" not in state or "192.168.9.7/24" not in state or " eth0 " in state:
        raise Failed(f"not lent: {state}")


def killed(step):
    home = Home()
    try:
        home.goes_on("at the beginning")
        if step in BACK and not home.start(LENT):
            raise Failed(f"it does not start: {home.log()}")
        if step in BACK:
            home.stop()
        if home.start(NAT if step in BACK else LENT, f"{step}:before"):
            raise Failed("it was not killed")
        began = time.monotonic()
        if not home.start(LENT):
            raise Failed(f"it does not start again: {home.log()}")
        home.goes_on("after it was started again")
        if time.monotonic() - began > BOUND:
            raise Failed(f"it took {time.monotonic() - began:.0f} s")
        is_lent(home)
        try:
            wait_for("doctor to find nothing", lambda: "all is well" in home.doctor(), 20)
        except Failed as failed:
            raise Failed(f"{failed}: {home.doctor()}{home.log()[-2000:]}") from failed
        home.stop()
        is_lent(home)       # as guests stay
        home.goes_on("while nothing runs")
        if not home.start(NAT):
            raise Failed(f"it does not start with nat: {home.log()}")
        home.goes_on("after it was given back")
        left = [each for each in home.before if each not in home.state()]
        if left or "br-ex" in str(home.state()):
            raise Failed(f"not as it was: {left}, {home.state()}")
        home.stop()
    finally:
        home.remove()


def chosen():
    """What is refused is refused by the name of the option, before anything is touched; what is right becomes the external network, and
    the older one stays beside it."""
    home = Home()
    try:
        pools = {"192.168.9.1-192.168.9.20": "external_pool = 192.168.9.1-192.168.9.20: it contains 192.168.9.7, which is the host's own",
                 "192.168.9.1-192.168.9.2": "it contains 192.168.9.1, which is the gateway's",
                 "192.168.8.10-192.168.8.20": "the host is on 192.168.9.0/24",
                 "192.168.9.200-192.168.9.255": "not all of the pool can be addresses there"}
        wrong = [(f"external_network = bridge:eth0\nexternal_pool = {pool}", said) for pool, said in pools.items()]
        wrong += [("external_network = bridge:eth0", "external_network = bridge:eth0 needs external_pool = FIRST-LAST"),
                  ("external_network = bridge:eth9\nexternal_pool = 192.168.9.200-192.168.9.219", "external_network = bridge:eth9: this host has no such interface"),
                  ("external_network = bridge:", "is not nat, none, or bridge: and the name of an interface"),
                  (f"{LENT}\nphysical_networks = public:eth1", "physical_networks: \"public\" is what external_network")]
        for options, said in wrong:
            if home.start(options):
                raise Failed(f"{options} was taken")
            if said not in home.log():
                raise Failed(f"{options}: {said!r} was not said: {home.log()[-600:]}")
        if home.state() != home.before:
            raise Failed(f"something was touched: {home.state()}")
        external = "SELECT n.name, n.is_default, n.mtu, s.cidr, s.gateway FROM networks n JOIN subnets s ON s.network = n.id WHERE n.external ORDER BY n.name"
        if not home.start(NAT):
            raise Failed(home.log())
        home.stop()
        if not home.start(LENT):
            raise Failed(home.log())
        found = home.rows(external)
        if found != [("public", 0, 1500, "172.24.4.0/24", "172.24.4.1"), ("public-lan", 1, 1500, "192.168.9.0/24", "192.168.9.1")]:
            raise Failed(f"external networks: {found}")
        wait_for("the pair", lambda: "phy-br-ex" in home.inside(home.host, "ip", "-o", "link"), 10)
        home.stop()
        if not home.start(NAT):
            raise Failed(home.log())
        if home.rows(external) != found:
            raise Failed(f"a restart made another: {home.rows(external)}")
        # The one that has no way outside any more says so.
        wait_for("doctor to name it", lambda: "is on physical network public, which this host is not on" in home.doctor(), 20)
        home.stop()
    finally:
        home.remove()


def tried_again():
    """A gateway that no longer answers once the bridge is there: the host has everything back, the network outside is in ERROR, and once
    the gateway answers the next try succeeds without anybody's doing."""
    home = Home()
    try:
        status = ("SELECT n.name, EXISTS (SELECT 1 FROM network_problems x WHERE x.subject = n.id) FROM networks n JOIN network_segments e "
                  "ON e.network = n.id WHERE n.external AND e.type = 'flat'")
        for options in (LENT, NAT):
            if not home.start(options):
                raise Failed(home.log())
            home.stop()
        # What drops whatever comes in by a bridge.
        home.inside(home.host, "nft", "add table bridge wall; add chain bridge wall in { type filter hook prerouting priority 0; policy drop; }")
        if not home.start(LENT):
            raise Failed(f"it does not start while there is no way outside: {home.log()}")
        home.goes_on("after the move failed")
        left = [each for each in home.before if each not in home.state()]
        if left or "br-ex" in str(home.state()):
            raise Failed(f"not as it was: {left}, {home.state()}")
        if "the gateway 192.168.9.1 does not answer at br-ex any more" not in home.log() or "the next try is in 1 min" not in home.log():
            raise Failed(f"not said: {home.log()[-2000:]}")
        wait_for("the network to be in ERROR", lambda: home.rows(status) == [("public", 1)], 20)
        home.inside(home.host, "nft", "delete table bridge wall")
        wait_for("the next try", lambda: "default via 192.168.9.1 dev br-ex" in str(home.state()), 120, every=1)
        is_lent(home)
        home.goes_on("after the next try")
        wait_for("the network to be ACTIVE", lambda: home.rows(status) == [("public", 0)], 20)
        home.stop()
    finally:
        home.remove()


CASES = [(f"killed before step \"{step}\" of lending its interface, the host stays reachable, and the next start finishes",
          f"network.outside:{step}", functools.partial(killed, step)) for step in FORTH]
CASES += [(f"killed before step \"{step}\" of taking its interface back, the host stays reachable, and the next start finishes",
           f"network.outside:{step}", functools.partial(killed, step)) for step in BACK]
CASES += [("an interface and a pool that can't be are refused before anything is touched, and one that can becomes the external network",
           "network.outside:chosen", chosen)]
CASES += [("a network outside is in ERROR after its host could not be joined to it, and ACTIVE after the next try", "network.outside:tried again", tried_again)]
