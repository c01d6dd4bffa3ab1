#!/usr/bin/python3
"""The `nova` client against a running cloud, as client.py does it with `openstack`: every command that maps to what is served.

    nova_client.py IMAGE-FILE FOLDER    with OS_AUTH_URL and the other OS_… of an administrator in the environment
"""
import contextlib
import io
import shlex
import sys
import tempfile

from novaclient.shell import OpenStackComputeShell

import client
from client import Refused, case, check, until

client.CASES.clear()    # those of the other client are another run

NEWEST = "2.92"         # that this client knows


def nova(command, version=NEWEST, fails=False):
    """Standard output of `nova COMMAND`; Refused where it failed, or should have (then what it said)."""
    out, trouble = io.StringIO(), io.StringIO()
    said = None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(trouble):
        try:
            OpenStackComputeShell().main(["--os-compute-api-version", version, *shlex.split(command)])
        except SystemExit as end:
            said = None if end.code in (0, None) else f"exit {end.code}"
        except Exception as error:      # noqa: BLE001  what the program would print
            said = str(error) or repr(error)
    if (said is not None) != fails:
        raise Refused(f"nova {command}\n{'succeeded' if fails else said}: {trouble.getvalue().strip()[-600:]}")
    return said if fails else out.getvalue()


def table(command, **more):
    """The rows of what a command prints, as a dictionary each."""
    lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in nova(command, **more).splitlines() if line.startswith("|")]
    return [dict(zip(lines[0], line)) for line in lines[1:]] if lines else []


def column(command, name, **more):
    return [row[name] for row in table(command, **more)]


def shown(command, **more):
    """What a command shows of one thing."""
    return {row["Property"]: row["Value"] for row in table(command, **more)}


def is_now(name, status):
    until(f"{name} {status}", lambda: shown(f"show {name}")["status"] == status and shown(f"show {name}")["OS-EXT-STS:task_state"] == "-")


@case("nova: a server is booted with a key, metadata, tags and a group, and shown")
def boot():
    client.run(f"image create n-image --file {IMAGE} --disk-format qcow2 --container-format bare")
    client.run("network create n-net")
    client.run("subnet create n-subnet --network n-net --subnet-range 10.79.0.0/24")
    with tempfile.NamedTemporaryFile("w", suffix=".pub") as key:
        key.write("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f n")
        key.flush()
        nova(f"keypair-add n-key --pub-key {key.name} --key-type ssh")
    check("n-key" in column("keypair-list", "Name"), "the key is not listed")
    check("ssh-ed25519" in nova("keypair-show n-key"), "the key is not shown")
    nova("flavor-create n-flavor auto 128 1 1 --ephemeral 0 --swap 0 --is-public true --description small")
    group = column("server-group-create n-group anti-affinity --rule max_server_per_host=3", "Id")[0]
    check(column(f"server-group-get {group}", "Name") == ["n-group"] and group in column("server-group-list", "Id"), "the group is not there")
    nova(f"boot n-server --image n-image --flavor n-flavor --nic net-name=n-net --key-name n-key --meta shade=blue --tags one,two "
         f"--hint group={group} --config-drive true --poll")
    is_now("n-server", "ACTIVE")
    server = shown("show n-server")
    check(server["key_name"] == "n-key" and "blue" in server["metadata"] and server["flavor:original_name"] == "n-flavor", server)
    check(server["tags"] and "n-net network" in server and server["config_drive"] == "True", server)
    check("n-server" in column("list --all-tenants --sort created_at:desc --limit 10", "Name"), "the server is not listed")
    check(column("list --status ACTIVE --tags one --fields name", "Name") == ["n-server"], "the filters do not find it")
    nova("boot n-none --image n-image --flavor nothing --nic none", fails=True)


@case("nova: a server is renamed, locked, tagged, given metadata, and tells its console, its topology and what was done to it")
def change():
    nova("update n-server --name n-renamed --description made")
    nova("update n-renamed --name n-server")
    nova("lock n-server --reason mine")
    check(shown("show n-server")["locked"] == "True" and shown("show n-server")["locked_reason"] == "mine", "it is not locked")
    nova("unlock n-server")
    nova("meta n-server set tone=low")
    nova("meta n-server delete shade")
    check("low" in shown("show n-server")["metadata"] and "blue" not in shown("show n-server")["metadata"], "the metadata is another")
    nova("server-tag-add n-server three")
    check(sorted(column("server-tag-list n-server", "Tag")) == ["one", "three", "two"], "the tags are others")
    nova("server-tag-delete n-server one")
    nova("server-tag-set n-server four")
    check(column("server-tag-list n-server", "Tag") == ["four"], "the tags are not set")
    nova("server-tag-delete-all n-server")
    check(nova("console-log n-server --length 50").strip(), "no console")
    for kind in ("vnc-console n-server novnc", "serial-console n-server"):
        check("token" in nova(f"get-{kind}"), kind)
    nova("get-spice-console n-server spice-html5", fails=True)
    nova("server-topology n-server")
    nova("diagnostics n-server")
    request = column("instance-action-list n-server", "Request_ID")[0]
    check(shown(f"instance-action n-server {request}")["request_id"] == request, "the action is another")
    nova("get-password n-server")
    nova("clear-password n-server")
    check(column("list-secgroup n-server", "Name") == ["default"], "the security groups are others")
    client.run("security group create n-secgroup")
    nova("add-secgroup n-server n-secgroup")
    check(sorted(column("list-secgroup n-server", "Name")) == ["default", "n-secgroup"], "the group is not added")
    nova("remove-secgroup n-server n-secgroup")
    client.run("security group delete n-secgroup")


@case("nova: a server goes through its states and comes back from each")
def states():
    for command, status in (("pause", "PAUSED"), ("unpause", "ACTIVE"), ("suspend", "SUSPENDED"), ("resume", "ACTIVE"), ("stop", "SHUTOFF"),
                            ("start", "ACTIVE"), ("reboot", "ACTIVE"), ("reboot --hard", "ACTIVE"), ("rescue", "RESCUE"), ("unrescue", "ACTIVE"),
                            ("shelve", None), ("unshelve", "ACTIVE"), ("trigger-crash-dump", "ACTIVE"),
                            ("rebuild", "ACTIVE"), ("resize", "VERIFY_RESIZE"), ("resize-revert", "ACTIVE"), ("resize", "VERIFY_RESIZE"), ("resize-confirm", "ACTIVE"),
                            ("reset-state", "ERROR"), ("reset-state --active", "ACTIVE")):
        more = {"rebuild": " n-image", "resize": " n-large"}.get(command, "")
        if command == "resize" and "n-large" not in column("flavor-list", "Name"):
            nova("flavor-create n-large auto 256 1 1")
        nova(f"{command} n-server{more}")
        if status is None:
            until("shelved", lambda: shown("show n-server")["status"].startswith("SHELVED") and shown("show n-server")["OS-EXT-STS:task_state"] == "-")
        else:
            is_now("n-server", status)
    nova("flavor-delete n-large")
    check("resize" in column("migration-list", "Type"), "the resize is no migration")
    nova("server-migration-list n-server")
    nova("refresh-network n-server")


@case("nova: images are made of a server, now and as backups")
def images():
    nova("image-create n-server n-snapshot --poll")
    nova("backup n-server n-backup daily 1")
    until("backup", lambda: client.show("image show n-backup")["status"] == "active")
    client.run("image delete n-snapshot n-backup")


@case("nova: volumes and interfaces come and go")
def devices():
    client.run("volume create n-volume --size 1")
    until("volume available", lambda: client.status_of("volume", "n-volume") == "available")
    volume = client.show("volume show n-volume")["id"]
    nova(f"volume-attach n-server {volume} --delete-on-termination --tag data")
    until("volume in use", lambda: client.status_of("volume", "n-volume") == "in-use")
    check(volume in column("volume-attachments n-server", "VOLUME ID"), "the volume is not listed")
    nova(f"volume-update n-server {volume} {volume} --no-delete-on-termination")
    nova(f"volume-detach n-server {volume}")
    until("volume available", lambda: client.status_of("volume", "n-volume") == "available")
    client.run("volume delete n-volume")
    network = client.show("network show n-net")["id"]
    nova(f"interface-attach n-server --net-id {network}")
    until("two interfaces", lambda: len(table("interface-list n-server")) == 2)
    port = column("interface-list n-server", "Port ID")[-1]
    nova(f"interface-detach n-server {port}")
    until("one interface", lambda: len(table("interface-list n-server")) == 1)


@case("nova: a flavor has access, specs and a description")
def flavor():
    nova("flavor-create n-private auto 64 1 1 --is-public false")
    project = client.show("project show admin")["id"]
    nova(f"flavor-access-add n-private {project}")
    check(project in nova("flavor-access-list --flavor n-private"), "the access is not listed")
    nova("flavor-key n-private set hw:boot_menu=true")
    nova("flavor-update n-private small")
    described = shown("flavor-show n-private")
    check("boot_menu" in described["extra_specs"] and described["description"] == "small", described)
    nova("flavor-key n-private unset hw:boot_menu")
    nova(f"flavor-access-remove n-private {project}")
    check("n-private" in column("flavor-list --all --extra-specs", "Name"), "the flavor is not listed")
    nova("flavor-delete n-private")


@case("nova: hosts, services, hypervisors, zones and aggregates")
def hosts():
    host = shown("show n-server")["OS-EXT-SRV-ATTR:host"]

    def its():
        return next(row for row in table("service-list --binary nova-compute") if row["Host"] == host)

    service = its()
    nova(f"service-disable {service['Id']} --reason tests")
    disabled = its()["Status"]
    nova(f"service-enable {service['Id']}")
    check(disabled == "disabled", "it was not disabled")
    nova(f"service-force-down {service['Id']}")
    nova(f"service-force-down {service['Id']} --unset")
    hypervisor = column("hypervisor-list", "ID")[0]
    name = column("hypervisor-list", "Hypervisor hostname")[0]
    check(shown(f"hypervisor-show {hypervisor}")["hypervisor_hostname"] == name, "the hypervisor is another")
    check("n-server" in nova("list --host " + service["Host"]), "the host has not the server")
    nova(f"hypervisor-servers {name}")
    nova("hypervisor-stats", version="2.87")
    nova(f"hypervisor-uptime {hypervisor}", version="2.87")
    check("nova" in nova("availability-zone-list"), "the zone is not listed")
    nova("aggregate-create n-aggregate n-zone")
    nova("aggregate-update n-aggregate --name n-renamed")
    nova("aggregate-set-metadata n-renamed shade=blue")
    image = client.show("image show n-image")["id"]
    nova(f"aggregate-cache-images n-renamed {image}")
    check("blue" in nova("aggregate-show n-renamed") and "n-renamed" in nova("aggregate-list"), "the aggregate is another")
    nova(f"aggregate-add-host n-renamed {service['Host']}")
    check(shown("show n-server")["OS-EXT-AZ:availability_zone"] == "n-zone", "its servers are in another zone")
    nova(f"aggregate-remove-host n-renamed {service['Host']}")
    nova("aggregate-delete n-renamed")
    nova(f"host-meta {service['Host']} set tone=high")
    check("high" in shown("show n-server")["metadata"], "the host's servers have no metadata")


@case("nova: what is moved to another host is refused where there is none, and says so")
def moves():
    for command in ("migrate n-server", "live-migration n-server", "evacuate n-server"):
        said = nova(command, fails=True)
        check("No valid host" in said or "still in use" in said, said)
    for command in ("live-migration-abort n-server 1", "live-migration-force-complete n-server 1", "server-migration-show n-server 1"):
        nova(command, fails=True)


@case("nova: quotas, limits and what has been used")
def quotas():
    project = client.show("project show admin")["id"]
    nova(f"quota-update {project} --instances 11 --server-groups 12")
    check(dict((row["Quota"], row["Limit"]) for row in table(f"quota-show --tenant {project}"))["instances"] == "11", "the quota is another")
    nova(f"quota-show --tenant {project} --detail")
    nova("quota-defaults")
    nova(f"quota-delete --tenant {project}")
    nova("quota-class-update default --server-groups 13")
    check("13" in nova("quota-class-show default"), "the class is another")
    nova("quota-class-update default --server-groups 10")
    check("Instances" in nova("limits"), "the limits are not shown")
    nova("usage")
    nova("usage-list")
    nova("instance-usage-audit-log")
    check("v2.1" in nova("version-list"), "the versions are not listed")


@case("nova: a server is deleted, and all that was made")
def away():
    nova("set-password n-server", fails=True)     # nobody types one
    nova("delete n-server")
    until("server gone", lambda: "n-server" not in column("list --all-tenants", "Name"))
    nova("show n-server", fails=True)
    nova(f"server-group-delete {column('server-group-list', 'Id')[0]}")
    nova("keypair-delete n-key")
    nova("flavor-delete n-flavor")
    client.run("subnet delete n-subnet")
    client.run("network delete n-net")
    client.run("image delete n-image")


if __name__ == "__main__":
    IMAGE = sys.argv[1]
    sys.exit(client.main())
