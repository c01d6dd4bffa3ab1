#!/usr/bin/python3
"""How long POST server to ACTIVE takes with an emulated guest, and how long libvirt alone takes for the same XML and disk.

Prints `product_ms N raw_ms N`, medians of a few runs. Needs root: it runs in a laboratory.
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
    cloud = Cloud("serve", {"network": {"external_network": "none"}}).start()
    try:
        api = cloud.admin()
        image = api.upload_image("guest", guest_image())
        network = api.post("network", "/networks", {"network": {"name": "bench"}})["network"]["id"]
        api.post("network", "/subnets", {"subnet": {"network_id": network, "ip_version": 4, "cidr": "10.8.0.0/24"}})
        flavor = api.post("compute", "/flavors", {"flavor": {"name": "bench", "ram": 128, "vcpus": 1, "disk": 1}})["flavor"]["id"]
        body = {"server": {"name": "bench", "imageRef": image, "flavorRef": flavor, "networks": [{"uuid": network}]}}
        product, raw = [], []
        for run in range(RUNS + 1):
            began = time.monotonic()
            server = api.post("compute", "/servers", body)["server"]["id"]
            until = time.monotonic() + 60
            while (seen := api.get("compute", f"/servers/{server}")["server"])["status"] != "ACTIVE":
                if seen["status"] == "ERROR" or time.monotonic() > until:
                    raise Failed(f"the server is {seen['status']}: {seen.get('fault')} {cloud.tail()}")
                time.sleep(0.01)
            taken = (time.monotonic() - began) * 1000
            if run == 0:                 # stays, switched off: while a server uses an image, its base copy is kept for the next
                subprocess.run(["virsh", "destroy", server], capture_output=True, check=True)
                continue
            xml = subprocess.run(["virsh", "dumpxml", "--inactive", server], capture_output=True, text=True, check=True).stdout
            subprocess.run(["virsh", "destroy", server], capture_output=True, check=True)
            subprocess.run(["virsh", "undefine", server], capture_output=True, check=True)
            path = os.path.join(cloud.folder, "raw.xml")
            with open(path, "w") as out:
                out.write(xml)
            script = f"define {path}; start {server}"
            began = time.monotonic()
            subprocess.run(["virsh", script], capture_output=True, check=True)
            alone = (time.monotonic() - began) * 1000
            subprocess.run(["virsh", "destroy", server], capture_output=True)
            api.post("compute", f"/servers/{server}/action", {"forceDelete": None})
            api.wait_gone("compute", "server", server)
            product.append(taken)
            raw.append(alone)
        print(f"product_ms {statistics.median(product):.1f} raw_ms {statistics.median(raw):.1f}")
    finally:
        cloud.stop()
        cloud.remove()


if __name__ == "__main__":
    main()
