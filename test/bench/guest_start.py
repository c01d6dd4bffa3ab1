#!/usr/bin/python3
"""How long POST server to ACTIVE takes with an emulated guest, and from delete until it is gone, and how long libvirt alone takes for the same.

Prints `start_ms N alone_ms N end_ms N end_alone_ms N`, medians of a few runs; before that `ready_ms N again_ms N`, from the start of the program
until it is ready, on a host where it has never been and where it has. Needs root: it runs in a laboratory.
"""
import os
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cloud import Cloud, Failed, guest_image, in_laboratory  # noqa: E402

RUNS = 5


def main():
    in_laboratory([os.path.abspath(__file__)], 350)
    subprocess.run(["virsh", "version"], check=True, capture_output=True)     # the daemon is there, and has looked at its QEMU
    cloud = Cloud("serve", {"network": {"external_network": "none"}})

    def ready():
        began = time.monotonic()
        cloud.start()
        return (time.monotonic() - began) * 1000

    try:
        anew, again = ready(), []
        for _ in range(RUNS):
            cloud.stop()
            again.append(ready())
        print(f"ready_ms {anew:.0f} again_ms {statistics.median(again):.0f}")
        api = cloud.admin()
        image = api.upload_image("guest", guest_image())
        network = api.post("network", "/networks", {"network": {"name": "bench"}})["network"]["id"]
        api.post("network", "/subnets", {"subnet": {"network_id": network, "ip_version": 4, "cidr": "10.8.0.0/24"}})
        flavor = api.post("compute", "/flavors", {"flavor": {"name": "bench", "ram": 128, "vcpus": 1, "disk": 1}})["flavor"]["id"]
        body = {"server": {"name": "bench", "imageRef": image, "flavorRef": flavor, "networks": [{"uuid": network}]}}
        path = "/servers/{}"

        def became(server, wanted, began):
            """Milliseconds until the server has that status, or is gone (None)."""
            while True:
                answer = api.send("GET", "compute", path.format(server), expect=(200, 404))
                status = answer.json["server"]["status"] if answer.status == 200 else None
                if status == wanted:
                    return (time.monotonic() - began) * 1000
                if status == "ERROR" or time.monotonic() > began + 60:
                    raise Failed(f"the server is {status}: {cloud.tail()}")
                time.sleep(0.01)

        def virsh(commands):
            """Milliseconds that they take."""
            began = time.monotonic()
            done = subprocess.run(["virsh", commands], capture_output=True, text=True)
            if done.returncode != 0:
                raise Failed(f"libvirt alone: {done.stderr}")
            return (time.monotonic() - began) * 1000

        # The first one stays, switched off: while a server uses an image, its base copy is kept for the next; and libvirt alone has its disk.
        began = time.monotonic()
        first = api.post("compute", "/servers", body)["server"]["id"]
        became(first, "ACTIVE", began)
        xml = subprocess.run(["virsh", "dumpxml", "--inactive", first], capture_output=True, text=True, check=True).stdout
        api.post("compute", path.format(first) + "/action", {"os-stop": None})
        became(first, "SHUTOFF", time.monotonic())
        alone = os.path.join(cloud.folder, "alone.xml")
        with open(alone, "w") as out:       # not marked as the product's own, which it would end again
            out.write(re.sub(r"<metadata>.*?</metadata>|<uuid>.*?</uuid>|<entry name='uuid'>.*?</entry>", "", re.sub(r"<name>.*?</name>", "<name>alone</name>", xml), flags=re.S))
        starts, starts_alone, ends, ends_alone = [], [], [], []
        for _ in range(RUNS):
            began = time.monotonic()
            server = api.post("compute", "/servers", body)["server"]["id"]
            starts.append(became(server, "ACTIVE", began))
            began = time.monotonic()
            api.post("compute", path.format(server) + "/action", {"forceDelete": None})
            ends.append(became(server, None, began))
            starts_alone.append(virsh(f"define {alone}; start alone"))
            ends_alone.append(virsh("destroy alone; undefine alone"))
        print("start_ms {:.1f} alone_ms {:.1f} end_ms {:.1f} end_alone_ms {:.1f}".format(*map(statistics.median, (starts, starts_alone, ends, ends_alone))))
    finally:
        cloud.stop()
        cloud.remove()


if __name__ == "__main__":
    main()
