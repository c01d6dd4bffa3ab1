#!/usr/bin/python3
"""The `openstack` client against a running cloud: a line per case, then "client: N passed, N failed".

    client.py IMAGE-FILE KEY-SET-DIR    with OS_AUTH_URL and the other OS_… of an administrator in the environment

Each command is what a user would type. They share one process, because the client takes longer to start than the cloud to answer; the
entry point, the parsing and the exit code are those of the program.
"""
import base64
import contextlib
import io
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from glanceclient import shell as glance_shell
from openstackclient import shell


class Terminal(io.StringIO):
    """A user at a keyboard who types nothing: without one, the clients take our standard input for the data of an image."""
    def isatty(self):
        return True


sys.stdin = Terminal()

CASES = []


class Refused(Exception):
    """A command that did not end as it should have."""


def case(sentence):
    def keep(function):
        CASES.append((sentence, function))
        return function
    return keep


def run(command, expect=0):
    """Standard output of `openstack COMMAND`; Refused where it ended with another exit code."""
    out, trouble = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(trouble):
        try:
            code = shell.main(shlex.split(command))
        except SystemExit as end:
            code = end.code
    code = 1 if code not in (0, None) else 0
    if code != expect:
        raise Refused(f"openstack {command}\nended with {code} instead of {expect}: {trouble.getvalue().strip()[-600:]}")
    return out.getvalue()


def run_alone(command, forgets=()):
    """The same in a process of its own: within one, the client keeps talking as whom it talked as first. `forgets`: variables it doesn't get."""
    environment = {name: value for name, value in os.environ.items() if name not in forgets}
    done = subprocess.run([sys.executable, "-m", "openstackclient.shell", *shlex.split(command)], capture_output=True, text=True, timeout=60,
                          env=environment)
    if done.returncode != 0:
        raise Refused(f"openstack {command}\nended with {done.returncode}: {done.stderr.strip()[-600:]}")


def glance(command):
    """Standard output of `glance COMMAND`, the image service's own client."""
    out, trouble = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(trouble):
        try:
            glance_shell.OpenStackImagesShell().main(shlex.split(command))
        except (Exception, SystemExit) as error:
            raise Refused(f"glance {command}\n{error!r} {trouble.getvalue().strip()[-600:]}") from None
    return out.getvalue()


def show(command):
    """The fields that a command shows."""
    return json.loads(run(command + " -f json"))


def rows(command, column):
    """One column of a listing."""
    return [row[column] for row in json.loads(run(command + " -f json"))]


def check(condition, what):
    if not condition:
        raise Refused(what)


def until(what, probe, seconds=60):
    deadline = time.monotonic() + seconds
    while not probe():
        check(time.monotonic() < deadline, f"{what}: not within {seconds} s")
        time.sleep(0.3)


def status_of(kind, name):
    return show(f"{kind} show {name}")["status"].lower()


@case("a token is issued for the project")
def token():
    issued = show("token issue")
    check(len(issued["id"]) > 100 and issued["project_id"] and issued["user_id"], issued)


@case("the catalog lists the services")
def catalog():
    types = rows("catalog list", "Type")
    check({"identity", "image", "network", "compute", "placement"} <= set(types) and any("volume" in t or "block" in t for t in types), types)


@case("a domain, a project and a user are made, shown, changed, listed and deleted")
def identity():
    domain = show("domain create cli-domain --description made")
    check(domain["name"] == "cli-domain" and domain["enabled"] is True, domain)
    project = show("project create cli-project --domain cli-domain --tag one --property shade=blue")
    check(project["domain_id"] == domain["id"] and project["tags"] == ["one"], project)
    run("project set cli-project --domain cli-domain --description changed --tag two")
    project = show("project show cli-project --domain cli-domain")
    check(project["description"] == "changed" and sorted(project["tags"]) == ["one", "two"], project)
    user = show(f"user create cli-user --domain cli-domain --project {project['id']} --password first --email me@example.org")
    check(user["email"] == "me@example.org", user)
    run("user set cli-user --domain cli-domain --password second --description kept")
    check(show("user show cli-user --domain cli-domain")["description"] == "kept", "the description of the user is lost")
    check(rows("user list --domain cli-domain", "Name") == ["cli-user"], "the domain lists another user than its own")
    check("cli-project" in rows("project list --domain cli-domain", "Name"), "the domain does not list its project")

    role = show("role create cli-role")
    run(f"role set cli-role --name cli-role-renamed")
    check(show("role show cli-role-renamed")["id"] == role["id"], "the renamed role is another")
    run(f"role add cli-role-renamed --user {user['id']} --project {project['id']}")
    check(rows(f"role assignment list --user {user['id']} --project {project['id']} --names", "Role") == ["cli-role-renamed"],
          "the assignment is not listed")
    run(f"role add member --user {user['id']} --project {project['id']}")
    mine = show(f"--os-username cli-user --os-password second --os-user-domain-name cli-domain --os-project-name '' "
                f"--os-project-domain-name '' --os-project-id {project['id']} token issue")
    check(mine["user_id"] == user["id"], "the user gets somebody else's token")
    run(f"role remove cli-role-renamed --user {user['id']} --project {project['id']}")
    check(rows(f"role assignment list --user {user['id']} --project {project['id']} --names", "Role") == ["member"],
          "the removed assignment is listed")

    run("role delete cli-role-renamed")
    run("domain delete cli-domain", expect=1)       # enabled: refused
    run("user delete cli-user --domain cli-domain")
    run("project delete cli-project --domain cli-domain")
    run("domain set cli-domain --disable")
    check(show("domain show cli-domain")["enabled"] is False, "the domain is still enabled")
    run("domain delete cli-domain")
    check("cli-domain" not in rows("domain list", "Name"), "the deleted domain is listed")
    run("domain show cli-domain", expect=1)


@case("a group gets members and roles, also inherited ones; a role implies another")
def group():
    run("group create cli-crew --description made")
    run("group set cli-crew --name cli-staff --description changed")
    check(show("group show cli-staff")["description"] == "changed", "the description of the group is lost")
    user = show("user create cli-member --password first")
    run("group add user cli-staff cli-member")
    check("in group" in run("group contains user cli-staff cli-member"), "the group does not contain its member")
    check(rows("user list --group cli-staff", "Name") == ["cli-member"], "the group does not list its member")
    check(rows("group list --user cli-member", "Name") == ["cli-staff"], "the user's group is not listed")
    project = show("project create cli-parent")
    child = show("project create cli-child --parent cli-parent")
    run("role add member --group cli-staff --project cli-parent")
    run("role add reader --group cli-staff --project cli-parent --inherited")
    run("role add reader --group cli-staff --domain default --inherited")
    run("role add reader --group cli-staff --system all")
    effective = json.loads(run(f"role assignment list --effective --names --user cli-member --project {child['id']} -f json"))
    check([each["Role"] for each in effective] == ["reader"], effective)
    check(sorted(rows("role assignment list --group cli-staff --names", "Role")) == ["member", "reader", "reader", "reader"], "an assignment is missing")
    check(len(rows("role assignment list --group cli-staff --inherited", "Role")) >= 2, "the inherited assignments are not listed")
    check(rows("role assignment list --system all --group cli-staff --names", "Role") == ["reader"], "the system's assignment is not listed")
    run("role create cli-prior")
    run("implied role create cli-prior --implied-role reader")
    check("cli-prior" in rows("implied role list", "Prior Role Name"), "the implied role is not listed")
    run("implied role delete cli-prior --implied-role reader")
    run("role delete cli-prior")
    tree = show("project show cli-parent --children")
    check(child["id"] in str(tree["subtree"]), tree)
    check(project["id"] in str(show("project show cli-child --parents")["parents"]), "the project does not show its parent")
    run("project delete cli-parent", expect=1)      # it has a child: refused
    run("role remove reader --group cli-staff --system all")
    run("role remove reader --group cli-staff --project cli-parent --inherited")
    run("group remove user cli-staff cli-member")
    check(rows("user list --group cli-staff", "Name") == [], "the removed member is listed")
    run("group delete cli-staff")
    run("project delete cli-child")
    run("project delete cli-parent")
    run("user delete cli-member")


@case("a region, a service and an endpoint are made, put into the catalog of one project only, and deleted")
def endpoints():
    run("region create cli-region --description made --parent-region RegionOne")
    run("region set cli-region --description changed")
    check(show("region show cli-region")["description"] == "changed", "the description of the region is lost")
    check("cli-region" in rows("region list", "Region"), "the region is not listed")
    service = show("service create cli-type --name cli-service --description made")
    run("service set cli-service --description changed")
    check("cli-service" in rows("service list", "Name"), "the service is not listed")
    endpoint = show("endpoint create --region cli-region cli-service public http://cli.example/%(project_id)s")
    check(endpoint["service_id"] == service["id"], endpoint)
    check("cli-service" in rows("catalog list", "Name"), "the endpoint is not in the catalog")
    run(f"endpoint set {endpoint['id']} --disable")
    check("http://cli.example" not in run("catalog list -f json"), "the disabled endpoint is in the catalog")
    run(f"endpoint set {endpoint['id']} --enable")
    run("project create cli-only")
    run(f"endpoint add project {endpoint['id']} cli-only")
    check(rows(f"endpoint list --project cli-only", "ID") == [endpoint["id"]], "the project's endpoint is not listed")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as filters:
        filters.write(json.dumps({"service_id": service["id"]}))
        filters.flush()
        run(f"endpoint group create cli-endpoints {filters.name}")
    run("endpoint group add project cli-endpoints cli-only")
    check(rows("endpoint group list --project cli-only", "Name") == ["cli-endpoints"], "the project's group of endpoints is not listed")
    run("endpoint group remove project cli-endpoints cli-only")
    run("endpoint group delete cli-endpoints")
    run(f"endpoint remove project {endpoint['id']} cli-only")
    run("project delete cli-only")
    run("region delete cli-region", expect=1)       # it has an endpoint: refused
    run(f"endpoint delete {endpoint['id']}")
    run("service delete cli-service")
    run("region delete cli-region")


@case("credentials, access keys and application credentials are made, shown, used and deleted")
def credentials():
    made = show("credential create --type cert --project admin admin first")
    run(f"credential set {made['id']} --user admin --type cert --data second --project admin")
    check(show(f"credential show {made['id']}")["blob"] == "second", "the credential is not changed")
    check(made["id"] in rows("credential list --type cert", "ID"), "the credential is not listed")
    run(f"credential delete {made['id']}")
    key = show("ec2 credentials create")
    check(show(f"ec2 credentials show {key['access']}")["secret"] == key["secret"], "the access key is another")
    check(key["access"] in rows("ec2 credentials list", "Access"), "the access key is not listed")
    run(f"ec2 credentials delete {key['access']}")
    rules = json.dumps([{"service": "compute", "method": "GET", "path": "/v2.1/servers"}])
    machine = show(f"application credential create cli-machine --role reader --secret quiet --description made --access-rules '{rules}'")
    check("cli-machine" in rows("application credential list", "Name"), "the application credential is not listed")
    check(show("application credential show cli-machine")["id"] == machine["id"], "the application credential is another")
    rule = rows("access rule list", "ID")
    check(len(rule) == 1 and show(f"access rule show {rule[0]}")["path"] == "/v2.1/servers", rule)
    run(f"access rule delete {rule[0]}", expect=1)  # in use: refused
    run("application credential delete cli-machine")
    run(f"access rule delete {rule[0]}")


@case("a trust is made, shown and deleted")
def trust():
    run("user create cli-trustee --password first")
    made = show("trust create --project admin --role reader --impersonate admin cli-trustee")
    check(made["is_impersonation"] if "is_impersonation" in made else made["impersonation"], made)
    check(made["id"] in rows("trust list", "ID"), "the trust is not listed")
    check(show(f"trust show {made['id']}")["id"] == made["id"], "the trust is another")
    run(f"trust delete {made['id']}")
    run(f"trust show {made['id']}", expect=1)
    run("user delete cli-trustee")


@case("limits are registered for all and set for a project")
def limits():
    run("service create cli-limited --name cli-limited")
    registered = show("registered limit create --service cli-limited --default-limit 10 cli-things")
    run(f"registered limit set {registered['id']} --default-limit 12 --description changed")
    check(show(f"registered limit show {registered['id']}")["default_limit"] == 12, "the registered limit is not changed")
    check(registered["id"] in rows("registered limit list", "ID"), "the registered limit is not listed")
    limit = show("limit create --project admin --service cli-limited --resource-limit 5 cli-things")
    run(f"limit set {limit['id']} --resource-limit 6")
    check(show(f"limit show {limit['id']}")["resource_limit"] == 6, "the limit is not changed")
    check(rows("limit list --service cli-limited", "ID") == [limit["id"]], "the limit is not listed")
    run(f"registered limit delete {registered['id']}", expect=1)   # in use: refused
    run(f"limit delete {limit['id']}")
    run(f"registered limit delete {registered['id']}")
    run("service delete cli-limited")


@case("a policy and a consumer are kept")
def policies():
    with tempfile.NamedTemporaryFile("w", suffix=".json") as rules:
        rules.write(json.dumps({"a": "role:b"}))
        rules.flush()
        made = show(f"policy create {rules.name} --type application/json")
    run(f"policy set {made['id']} --type text/plain")
    check(show(f"policy show {made['id']}")["type"] == "text/plain", "the policy is not changed")
    check(made["id"] in rows("policy list", "ID"), "the policy is not listed")
    run(f"policy delete {made['id']}")
    consumer = show("consumer create --description made")
    check(consumer["secret"], consumer)
    run(f"consumer set {consumer['id']} --description changed")
    check(show(f"consumer show {consumer['id']}")["description"] == "changed", "the consumer is not changed")
    check(consumer["id"] in rows("consumer list", "ID"), "the consumer is not listed")
    run(f"consumer delete {consumer['id']}")


def encoded(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def signed(key, claims):
    """A JSON Web Token by RS256."""
    content = encoded({"alg": "RS256", "typ": "JWT"}) + "." + encoded(claims)
    return content + "." + encoded(key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256()))


@case("an identity provider is registered, changed and listed; somebody it vouches for acts in the project their group has a role on")
def federation():
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_numbers()
    with open(os.path.join(KEY_SETS, "cli-corp.json"), "w") as keys:
        json.dump({"keys": [{"kty": "RSA", "e": encoded(public.e.to_bytes(3, "big")), "n": encoded(public.n.to_bytes(256, "big"))}]}, keys)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as rules:
        json.dump([{"local": [{"user": {"name": "{0}"}}, {"group": {"name": "cli-guests", "domain": {"name": "Default"}}}],
                    "remote": [{"type": "OIDC-sub"}]}], rules)
        rules.flush()
        run(f"mapping create cli-people --rules {rules.name}")
        run(f"mapping set cli-people --rules {rules.name}")
    check("cli-people" in rows("mapping list", "ID"), "the mapping is not listed")
    run("identity provider create cli-corp --remote-id https://first.example --enable")
    run("identity provider set cli-corp --remote-id https://corp.example --description guests")
    check("cli-corp" in rows("identity provider list", "ID"), "the provider is not listed")
    check("https://corp.example" in str(show("identity provider show cli-corp")["remote_ids"]), "the remote id is not kept")
    run("federation protocol create openid --identity-provider cli-corp --mapping cli-people")
    check(rows("federation protocol list --identity-provider cli-corp", "id") == ["openid"], "the protocol is not listed")
    check(show("federation protocol show openid --identity-provider cli-corp")["mapping"] == "cli-people", "the protocol has another mapping")
    run("group create cli-guests")
    run("role add --group cli-guests --project admin reader")
    token = signed(key, {"iss": "https://corp.example", "aud": "cli", "sub": "cli-visitor", "exp": int(time.time()) + 300})
    run_alone(f"--os-auth-type v3oidcaccesstoken --os-identity-provider cli-corp --os-protocol openid --os-access-token {token} "
              "network list", forgets=("OS_USERNAME", "OS_PASSWORD", "OS_USER_DOMAIN_NAME", "OS_USER_DOMAIN_ID"))
    run("federation protocol delete openid --identity-provider cli-corp")
    check("cli-visitor" not in run("user list -c Name"), "the visitor is still there")
    run("identity provider delete cli-corp")
    run("mapping delete cli-people")
    run("group delete cli-guests")


@case("a user changes their own password; a token that is revoked is worth nothing")
def passwords():
    run("user create cli-self --password first --project admin")
    run("role add member --user cli-self --project admin")
    def me(password):
        return f"--os-username cli-self --os-password {password} --os-user-domain-name Default --os-project-name admin --os-project-domain-name Default "
    issued = show(me("first") + "token issue")["id"]
    run_alone(me("first") + "user password set --original-password first --password second")
    run(me("first") + "token issue", expect=1)
    run(f"token revoke {issued}", expect=1)         # the change of the password has revoked it already
    issued = show(me("second") + "token issue")["id"]
    run(f"token revoke {issued}")
    run(f"token revoke {issued}", expect=1)
    run("user delete cli-self")


@case("an image is uploaded, shown, changed, listed and saved byte for byte")
def image():
    made = show(f"image create cli-image --file {IMAGE} --disk-format qcow2 --container-format bare --property shade=blue --tag cli --min-disk 1")
    check(status_of("image", "cli-image") == "active", made)
    run("image set cli-image --name cli-image-renamed --property shade=red --min-ram 64")
    now = show("image show cli-image-renamed")
    check(now["min_ram"] == 64 and now["properties"]["shade"] == "red" and now["tags"] == ["cli"], now)
    check("cli-image-renamed" in rows("image list --tag cli", "Name"), "the tagged image is not listed")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        copy = os.path.join(folder, "copy")
        run(f"image save cli-image-renamed --file {copy}")
        with open(copy, "rb") as a, open(IMAGE, "rb") as b:
            check(a.read() == b.read(), "what was saved is not what was uploaded")


@case("an image is shared with a project that accepts it, and taken back")
def image_sharing():
    image = show("image create cli-shared --disk-format raw --container-format bare --shared")["id"]
    project = show("project create cli-friends")["id"]
    run(f"image add project cli-shared {project}")
    check(rows("image member list cli-shared", "Member ID") == [project], "the member is not listed")
    glance(f"member-update {image} {project} accepted")
    check(rows("image member list cli-shared", "Status") == ["accepted"], "the member has not accepted")
    run(f"image remove project cli-shared {project}")
    check(rows("image member list cli-shared", "Member ID") == [], "the removed member is listed")
    run("image set cli-shared --property a=1 --property b=2 --tag x --tag y")
    run("image unset cli-shared --property a --tag x")
    now = show("image show cli-shared")
    check("a" not in now["properties"] and now["properties"]["b"] == "2" and now["tags"] == ["y"], now)
    run("image set cli-shared --protected")
    run("image delete cli-shared", expect=1)
    run("image set cli-shared --unprotected")
    run("image delete cli-shared")
    run("project delete cli-friends")


@case("an image is staged, imported into every store, kept near at hand, and taken out of one store")
def image_import():
    image = show("image create cli-import --disk-format raw --container-format bare")["id"]
    with tempfile.NamedTemporaryFile(dir="/var/tmp") as data:
        data.write(b"staged" * 1000)
        data.flush()
        glance(f"image-stage --file {data.name} {image}")
    check(status_of("image", image) == "uploading", "the staged image is not uploading")
    check("web-download" in glance("import-info") and "image_stage_total" in glance("usage"), "nothing is told of imports")
    check("slow" in glance("stores-info") and "thin_provisioning" in glance("stores-info --detail"), "the stores are not told")
    glance(f"image-import --import-method glance-direct --all-stores True {image}")
    until("imported", lambda: status_of("image", image) == "active")
    check(show(f"image show {image}")["properties"]["stores"] == "fast,slow", "the image is not in both stores")
    check("success" in glance(f"image-tasks {image}") and "api_image_import" in glance("task-list"), "the task is not told of")
    glance(f"cache-queue {image}")
    until("cached", lambda: "cached" in glance("cache-list"))
    glance("cache-clear")
    glance(f"stores-delete --store slow {image}")
    check(show(f"image show {image}")["properties"]["stores"] == "fast", "the image is still in the store")
    run(f"image set {image} --deactivate")
    check(status_of("image", image) == "deactivated", "the image is not deactivated")
    run(f"image set {image} --activate")
    run(f"image delete {image}")


@case("an image may be where its owner says, where that is allowed")
def image_locations():
    image = show("image create cli-elsewhere --disk-format raw --container-format bare")["id"]
    glance(f"location-add --url http://example.org/one {image}")
    glance(f"location-add --url http://example.org/two {image}")
    check(status_of("image", image) == "active", "the image is not active")
    glance(f"location-delete --url http://example.org/one {image}")
    check("example.org/two" in glance(f"image-show {image}"), "the second location is gone too")
    run(f"image delete {image}")


@case("a namespace of metadata definitions is made, filled, shown, changed and deleted")
def metadefs():
    check("OS::Nova::Flavor" in glance("md-resource-type-list"), "the resource types are not listed")
    glance("md-namespace-create CLI::Names --display-name Names --visibility private")
    glance("md-resource-type-associate CLI::Names --name OS::Nova::Flavor --prefix cli:")
    check("cli:" in glance("md-namespace-resource-type-list CLI::Names"), "the association is not listed")
    glance("""md-property-create CLI::Names --name colour --title Colour --schema '{"type": "string", "enum": ["red"]}'""")
    glance("""md-object-create CLI::Names --name thing --schema '{"description": "A thing"}'""")
    glance("md-tag-create-multiple CLI::Names --names two,three")     # its --append fails in the client itself
    glance("md-tag-create CLI::Names --name one")
    check("Colour" in glance("md-property-show CLI::Names colour"), "the property is not shown")
    check("A thing" in glance("md-object-show CLI::Names thing"), "the object is not shown")
    check(all(each in glance("md-tag-list CLI::Names") for each in ("one", "two", "three")), "the tags are not listed")
    glance("""md-object-update CLI::Names thing --name other --schema '{"description": "Another"}'""")
    check("other" in glance("md-object-list CLI::Names") and "colour" in glance("md-property-list CLI::Names"), "object or property are not listed")
    glance("md-namespace-update CLI::Names --description changed --visibility private")
    check("changed" in glance("md-namespace-show CLI::Names"), "the namespace is not changed")
    glance("md-tag-delete CLI::Names one")
    glance("md-resource-type-deassociate CLI::Names OS::Nova::Flavor")
    glance("md-property-delete CLI::Names colour")
    glance("md-object-delete CLI::Names other")
    glance("md-namespace-delete CLI::Names")
    check("CLI::Names" not in glance("md-namespace-list"), "the namespace is still there")


@case("a network with a subnet, a router with gateway, a port and a floating IP are made and joined")
def network():
    made = show("network create cli-net --description made")
    run("network set cli-net --description changed")
    check(show("network show cli-net")["description"] == "changed", "the description of the network is lost")
    subnet = show("subnet create cli-subnet --network cli-net --subnet-range 10.77.0.0/24 --dns-nameserver 10.77.0.9")
    check(subnet["gateway_ip"] == "10.77.0.1" and subnet["network_id"] == made["id"], subnet)
    run("subnet set cli-subnet --name cli-subnet-renamed")
    check(rows("subnet list --network cli-net", "Name") == ["cli-subnet-renamed"], "the subnet is not listed")
    external = rows("network list --external", "Name")[0]
    run("router create cli-router")
    run("router add subnet cli-router cli-subnet-renamed")
    run(f"router set cli-router --external-gateway {external}")
    router = show("router show cli-router")
    check(router["external_gateway_info"]["network_id"] and router["interfaces_info"][0]["ip_address"] == "10.77.0.1", router)
    port = show("port create cli-port --network cli-net --fixed-ip subnet=cli-subnet-renamed,ip-address=10.77.0.50")
    check(port["fixed_ips"][0]["ip_address"] == "10.77.0.50", port)
    check("cli-port" in rows("port list --network cli-net", "Name"), "the port is not listed")
    floating = show(f"floating ip create {external}")["floating_ip_address"]
    run(f"floating ip set {floating} --port cli-port")
    check(show(f"floating ip show {floating}")["fixed_ip_address"] == "10.77.0.50", "the floating IP does not lead to the port")
    run("router remove subnet cli-router cli-subnet-renamed", expect=1)     # the floating IP needs it: refused
    run(f"floating ip unset --port {floating}")
    run(f"floating ip delete {floating}")
    check(floating not in rows("floating ip list", "Floating IP Address"), "the deleted floating IP is listed")


@case("a network has a second segment, and a port of it carries another's frames as a trunk")
def segments_and_trunks():
    run("network create cli-wired --provider-network-type vxlan --provider-segment 77")
    made = show("network show cli-wired")
    check(made["provider:segmentation_id"] == 77 and made["mtu"] == 1450, made)
    run("network create cli-other --provider-network-type geneve", expect=1)
    segment = show("network segment create --network cli-wired --network-type vxlan --segment 78 --description second cli-segment")
    check(segment["segmentation_id"] == 78, segment)
    run("network segment set --name cli-segment-renamed cli-segment")
    check("cli-segment-renamed" in rows("network segment list --network cli-wired", "Name"), "the segment is not listed")
    check(show("network segment show cli-segment-renamed")["network_type"] == "vxlan", "the segment is of another type")
    run("network segment delete cli-segment-renamed")
    run("network segment show cli-segment-renamed", expect=1)

    run("port create cli-parent --network cli-wired --dns-name cli-host")
    check(show("port show cli-parent")["dns_name"] == "cli-host", "the port's name is lost")
    for name in ("cli-inner", "cli-inner-two"):
        run(f"port create {name} --network cli-wired --extra-dhcp-option name=mtu,value=1300")
    run("network trunk create --parent-port cli-parent --subport port=cli-inner,segmentation-type=vlan,segmentation-id=100 cli-trunk")
    run("network trunk set cli-trunk --description changed --subport port=cli-inner-two,segmentation-type=vlan,segmentation-id=101")
    check(sorted(rows("network subport list --trunk cli-trunk", "Segmentation ID")) == [100, 101], "the sub-ports are not listed")
    check("cli-trunk" in rows("network trunk list", "Name"), "the trunk is not listed")
    check(len(show("port show cli-parent")["trunk_details"]["sub_ports"]) == 2, "the port knows nothing of its trunk")
    run("port delete cli-inner", expect=1)
    run("network trunk unset cli-trunk --subport cli-inner-two")
    trunk = show("network trunk show cli-trunk")
    check(trunk["description"] == "changed" and len(trunk["sub_ports"]) == 1, trunk)
    run("network trunk delete cli-trunk")
    run("port delete cli-parent cli-inner cli-inner-two")
    run("network delete cli-wired")


@case("a range of segments is added for a project, changed, and goes; what the configuration says can't be")
def segment_ranges():
    standard = [row for row in json.loads(run("network segment range list --long -f json")) if row["Default"]]
    check(standard and all(row["Shared"] for row in standard), standard)
    run(f"network segment range delete {standard[0]['ID']}", expect=1)
    taken = max(row["Maximum ID"] for row in standard if row["Network Type"] == "vxlan") if any(
        row["Network Type"] == "vxlan" for row in standard) else 1000
    least, most = taken + 1, taken + 10
    made = show(f"network segment range create --private --project admin --network-type vxlan --minimum {least} --maximum {most} cli-range")
    check(made["minimum"] == least and made["shared"] is False and made["project_id"], made)
    run(f"network segment range create --shared --network-type vxlan --minimum {most} --maximum {most + 5} cli-overlap", expect=1)
    run(f"network segment range set --name cli-range-renamed --minimum {least} --maximum {most + 10} cli-range")
    check("cli-range-renamed" in rows("network segment range list", "Name"), "the range is not listed")
    check(show("network segment range show cli-range-renamed")["maximum"] == most + 10, "the range is as long as before")
    check(show("network segment range show cli-range-renamed")["available"] == [f"{least}-{most + 10}"], "numbers of the range are taken")
    run("network segment range delete cli-range-renamed")
    run("network segment range show cli-range-renamed", expect=1)


@case("what a security group keeps out of a port is logged: the log is made, changed, found and deleted")
def logs():
    check(rows("network loggable resources list", "Supported types") == ["security_group"], "security groups are not logged")
    run("security group create cli-logged")
    made = show("network log create cli-log --resource-type security_group --resource cli-logged --event DROP --description made")
    check(made["Event"] == "DROP" and made["Enabled"] is True, made)
    run("network log create cli-wrong --resource-type nothing", expect=1)
    run("network log set cli-log --disable --name cli-log-renamed --description changed")
    shown = show("network log show cli-log-renamed")
    check(shown["Enabled"] is False and shown["Description"] == "changed", shown)
    check("cli-log-renamed" in rows("network log list --long", "Name"), "the log is not listed")
    run("network log delete cli-log-renamed")
    run("network log show cli-log-renamed", expect=1)
    run("security group delete cli-logged")


@case("agents are listed, described, and give up a network and a router for a while")
def network_agents():
    agents = {row["Agent Type"]: row["ID"] for row in json.loads(run("network agent list -f json"))}
    check(set(agents) == {"Linux bridge agent", "DHCP agent", "L3 agent", "Metadata agent"}, agents)
    dhcp, l3 = agents["DHCP agent"], agents["L3 agent"]
    check(rows("network agent list --agent-type l3", "Binary") == ["neutron-l3-agent"], "the L3 agent is not found by its kind")
    run(f"network agent set {dhcp} --description watched")
    shown = show(f"network agent show {dhcp}")
    check(shown["description"] == "watched" and shown["alive"] and shown["admin_state_up"], shown)
    check("cli-net" in rows(f"network list --agent {dhcp}", "Name"), "the DHCP agent doesn't serve the network")
    run(f"network agent remove network --dhcp {dhcp} cli-net")
    check("cli-net" not in rows(f"network list --agent {dhcp}", "Name"), "the DHCP agent still serves the network")
    run(f"network agent add network --dhcp {dhcp} cli-net")
    check(rows("network agent list --network cli-net", "ID") == [dhcp], "nobody serves the network")
    run(f"network agent remove router --l3 {l3} cli-router")
    check("cli-router" not in rows(f"router list --agent {l3}", "Name"), "the L3 agent still serves the router")
    run(f"network agent add router --l3 {l3} cli-router")
    check(rows("network agent list --router cli-router", "ID") == [l3], "nobody serves the router")
    run(f"network agent set {l3} --disable")
    check("not available" in rows("availability zone list --network", "Zone Status"), "a zone whose one agent is down is available")
    run(f"network agent set {l3} --enable")


@case("a port of a floating IP is forwarded, and a router helps FTP")
def port_forwarding():
    external = rows("network list --external", "Name")[0]
    floating = show(f"floating ip create {external}")
    made = show(f"floating ip port forwarding create --internal-ip-address 10.77.0.50 --port cli-port --internal-protocol-port 22 "
                f"--external-protocol-port 2222 --protocol tcp --description ssh {floating['id']}")
    check(made["external_port"] == 2222 and made["internal_ip_address"] == "10.77.0.50", made)
    run(f"floating ip port forwarding set {floating['id']} {made['id']} --external-protocol-port 2200")
    check(rows(f"floating ip port forwarding list {floating['id']}", "External Port") == [2200], "the port forwarding is not listed")
    run(f"floating ip delete {floating['id']}", expect=1)        # a port of it is forwarded: refused
    run(f"floating ip port forwarding delete {floating['id']} {made['id']}")
    run(f"floating ip delete {floating['id']}")
    helper = show("network l3 conntrack helper create cli-router --helper ftp --protocol tcp --port 21")
    run(f"network l3 conntrack helper set cli-router {helper['id']} --port 2121")
    check(show(f"network l3 conntrack helper show cli-router {helper['id']}")["port"] == 2121, "the helper's port is lost")
    check(rows("network l3 conntrack helper list cli-router", "Helper") == ["ftp"], "the helper is not listed")
    run(f"network l3 conntrack helper delete cli-router {helper['id']}")


@case("a project gets a network for the asking, and loses it again")
def auto_allocated_topology():
    run("network auto allocated topology create --check-resources", expect=1)       # there is no default pool
    run("subnet pool create cli-default-pool --pool-prefix 10.78.0.0/16 --default-prefix-length 26 --default --share")
    run("network auto allocated topology create --check-resources")
    made = show("network auto allocated topology create")
    check(show(f"network show {made['id']}")["name"] == "auto_allocated_network", made)
    run("network auto allocated topology delete")
    run(f"network show {made['id']}", expect=1)
    run("subnet pool delete cli-default-pool")


@case("a network flavor gets a profile, loses it, and both go")
def network_flavor():
    made = show("network flavor create cli-flavor --service-type L3_ROUTER_NAT --description made")
    check(made["service_type"] == "L3_ROUTER_NAT" and made["is_enabled" if "is_enabled" in made else "enabled"], made)
    profile = show("network flavor profile create --description made --metainfo shade=blue")["id"]
    run(f"network flavor add profile cli-flavor {profile}")
    check(profile in run("network flavor show cli-flavor"), "the flavor has no profile")
    run(f"network flavor profile delete {profile}", expect=1)       # a flavor has it: refused
    run(f"network flavor remove profile cli-flavor {profile}")
    run("network flavor set cli-flavor --disable --name cli-flavor-renamed")
    check(rows("network flavor list", "Name") == ["cli-flavor-renamed"], "the flavor is not listed")
    run(f"network flavor profile set {profile} --description changed")
    check(show(f"network flavor profile show {profile}")["description"] == "changed", "the description of the profile is lost")
    run(f"network flavor profile delete {profile}")
    run("network flavor delete cli-flavor-renamed")


@case("a QoS policy gets rules of each kind, serves a network and a port, and goes when it serves nothing")
def qos():
    policy = show("network qos policy create cli-qos --description made --share")
    check(policy["shared"] and policy["rules"] == [], policy)
    run("network qos policy set cli-qos --description changed --default")
    check(show("network qos policy show cli-qos")["is_default"], "the policy is not the default")
    run("network qos policy set cli-qos --no-default")
    for kind, words in [("bandwidth-limit", "--max-kbps 1000 --max-burst-kbits 100 --ingress"), ("dscp-marking", "--dscp-mark 26"),
                        ("minimum-bandwidth", "--min-kbps 500 --egress")]:
        rule = show(f"network qos rule create cli-qos --type {kind} {words}")
        check(show(f"network qos rule show cli-qos {rule['id']}")["id"] == rule["id"], rule)
    ids = rows("network qos rule list cli-qos", "ID")
    check(len(ids) == 3 and len(show("network qos policy show cli-qos")["rules"]) == 3, ids)
    limit = next(each for each in json.loads(run("network qos rule list cli-qos -f json")) if each["Type"] == "bandwidth_limit")["ID"]
    run(f"network qos rule set cli-qos {limit} --max-kbps 2000")
    check(show(f"network qos rule show cli-qos {limit}")["max_kbps"] == 2000, "the rule is not changed")
    check("bandwidth_limit" in rows("network qos rule type list", "Type"), "the kind is not listed")
    check("max_kbps" in str(show("network qos rule type show bandwidth_limit")), "the kind does not tell its values")
    run("network set cli-net --qos-policy cli-qos")
    run("port set cli-port --qos-policy cli-qos")
    check(show("port show cli-port")["qos_policy_id"] == policy["id"], "the port has no policy")
    run("network qos policy delete cli-qos", expect=1)
    run("port unset cli-port --qos-policy")
    run("network set cli-net --no-qos-policy")
    run(f"network qos rule delete cli-qos {limit}")
    run("network qos policy delete cli-qos")
    check("cli-qos" not in rows("network qos policy list", "Name"), "the deleted policy is listed")


@case("a meter with rules is made, listed and deleted")
def meter():
    made = show("network meter create cli-meter --description made --share")
    check(show("network meter show cli-meter")["id"] == made["id"], made)
    rule = show("network meter rule create cli-meter --ingress --remote-ip-prefix 10.77.0.0/24")
    check(rule["direction"] == "ingress" and rule["remote_ip_prefix"] == "10.77.0.0/24", rule)
    run("network meter rule create cli-meter --egress --exclude --source-ip-prefix 10.77.0.0/25")
    check(rule["id"] in rows("network meter rule list", "ID"), "the rule is not listed")
    check(show(f"network meter rule show {rule['id']}")["metering_label_id"] == made["id"], rule)
    run(f"network meter rule delete {rule['id']}")
    run("network meter delete cli-meter")
    check("cli-meter" not in rows("network meter list", "Name"), "the deleted meter is listed")


@case("a security group gets a rule, loses it and is deleted")
def security_group():
    run("security group create cli-group --description made")
    run("security group set cli-group --description changed")
    rule = show("security group rule create cli-group --ingress --protocol tcp --dst-port 22 --remote-ip 10.0.0.0/8")
    check(rule["port_range_min"] == 22 and rule["remote_ip_prefix"] == "10.0.0.0/8", rule)
    check(rule["id"] in rows("security group rule list cli-group", "ID"), "the rule is not listed")
    run(f"security group rule delete {rule['id']}")
    check(rule["id"] not in rows("security group rule list cli-group", "ID"), "the deleted rule is listed")
    check(show("security group show cli-group")["description"] == "changed", "the description of the group is lost")
    run("security group delete cli-group")
    run("security group show cli-group", expect=1)


@case("a volume is made, changed, extended and listed")
def volume():
    made = show("volume create cli-volume --size 1 --property shade=blue")
    check(made["size"] == 1, made)
    until("volume available", lambda: status_of("volume", "cli-volume") == "available")
    run("volume set cli-volume --size 2 --description kept")
    until("volume extended", lambda: show("volume show cli-volume")["size"] == 2)
    until("volume available", lambda: status_of("volume", "cli-volume") == "available")
    check(show("volume show cli-volume")["description"] == "kept", "the description of the volume is lost")
    run("volume set cli-volume --read-only")
    check(show("volume show cli-volume")["properties"]["readonly"].lower() == "true", "the volume is not read-only")
    run("volume set cli-volume --read-write")
    check("cli-volume" in rows("volume list", "Name"), "the volume is not listed")


@case("a snapshot is taken, changed, listed, copied to a volume, and goes; volumes are cloned and become images")
def snapshots():
    def gone(noun, name):
        until(f"{name} gone", lambda: name not in rows(f"{noun} list", "Name"))

    run("volume snapshot create cli-snapshot --volume cli-volume --property shade=red")
    until("snapshot available", lambda: status_of("volume snapshot", "cli-snapshot") == "available")
    run("volume snapshot set cli-snapshot --description kept --property tone=low")
    shown = show("volume snapshot show cli-snapshot")
    check(shown["description"] == "kept" and "low" in str(shown["properties"]), shown)
    run("volume snapshot unset cli-snapshot --property shade")
    check("cli-snapshot" in rows("volume snapshot list --volume cli-volume --status available", "Name"), "the snapshot is not listed")
    run("volume snapshot set cli-snapshot --state error")
    run("volume snapshot set cli-snapshot --state available")
    run("volume create cli-copy --snapshot cli-snapshot")
    run("volume create cli-clone --source cli-volume")
    for name in ("cli-copy", "cli-clone"):
        until(f"{name} available", lambda: status_of("volume", name) == "available")
    run("volume delete cli-volume", expect=1)       # it has a snapshot: refused
    run("volume snapshot delete cli-snapshot")
    gone("volume snapshot", "cli-snapshot")
    run("image create cli-from-volume --volume cli-copy --disk-format qcow2 --container-format bare")
    until("image active", lambda: show("image show cli-from-volume")["status"] == "active")
    until("copy available", lambda: status_of("volume", "cli-copy") == "available")
    run("image delete cli-from-volume")
    run("volume delete cli-copy cli-clone")
    for name in ("cli-copy", "cli-clone"):
        gone("volume", name)


@case("a volume is backed up, whole and what has changed since, and restored; a backup is exported and goes")
def backups():
    run("volume backup create --name cli-backup --description kept cli-volume")
    until("backup available", lambda: status_of("volume backup", "cli-backup") == "available")
    until("volume available", lambda: status_of("volume", "cli-volume") == "available")
    run("volume backup create --name cli-later --incremental cli-volume")
    until("later backup available", lambda: status_of("volume backup", "cli-later") == "available")
    check(show("volume backup show cli-later")["is_incremental"] is True, "the later backup is not incremental")
    check(show("volume backup show cli-backup")["description"] == "kept", "the description of the backup is lost")
    check(set(rows("volume backup list --status available", "Name")) >= {"cli-backup", "cli-later"}, "the backups are not listed")
    check(show("volume backup record export cli-backup")["backup_url"], "the backup has no record")
    run("volume backup delete cli-backup", expect=1)        # another stands on it: refused
    run("volume create cli-restored --size 2")
    until("volume to restore to", lambda: status_of("volume", "cli-restored") == "available")
    run("volume backup restore --force cli-later cli-restored", expect=1)      # asks for it, and stumbles over the answer by itself
    until("restored", lambda: status_of("volume", "cli-restored") == "available")
    for name in ("cli-later", "cli-backup"):
        until(f"{name} available", lambda: status_of("volume backup", name) == "available")
        run(f"volume backup delete {name}")
        until(f"{name} gone", lambda: name not in rows("volume backup list", "Name"))
    run("volume delete cli-restored")
    until("restored volume gone", lambda: "cli-restored" not in rows("volume list", "Name"))


@case("volume types have specs, access and QoS, and encryption; volumes are of them")
def volume_type():
    made = show("volume type create cli-type --property volume_backend_name=none --private")
    check(made["is_public"] is False, made)
    run("volume type set cli-type --property multiattach='<is> False' --description kept --project admin")
    shown = show("volume type show cli-type")
    check(shown["description"] == "kept" and shown["properties"]["multiattach"] == "<is> False", shown)
    run("volume type unset cli-type --property volume_backend_name --property multiattach")
    check("cli-type" in rows("volume type list --private", "Name"), "the type is not listed")
    run("volume type set cli-type --encryption-provider luks --encryption-cipher aes-xts-plain64 --encryption-key-size 256 "
        "--encryption-control-location front-end")
    check("luks" in json.dumps(show("volume type show cli-type --encryption-type")), "the type is not encrypted")
    run("volume type unset cli-type --encryption-type")
    run("volume qos create cli-qos --consumer front-end --property total_iops_sec=500")
    run("volume qos associate cli-qos cli-type")
    check("cli-type" in json.dumps(show("volume qos show cli-qos")), "the QoS specs are not the type's")
    run("volume qos set cli-qos --property read_iops_sec=5")
    run("volume qos unset cli-qos --property read_iops_sec")
    run("volume qos disassociate cli-qos --all")
    run("volume qos delete cli-qos")
    run("volume create cli-typed --size 1 --type cli-type")
    until("volume available", lambda: status_of("volume", "cli-typed") == "available")
    run("volume type delete cli-type", expect=1)    # in use: refused
    run("volume delete cli-typed")
    until("volume gone", lambda: "cli-typed" not in rows("volume list", "Name"))
    run("volume type delete cli-type")


@case("a volume is offered, taken back, offered again and accepted")
def volume_transfer():
    run("volume create cli-gift --size 1")
    until("volume available", lambda: status_of("volume", "cli-gift") == "available")
    run("volume transfer request create cli-gift --name cli-first")
    check("cli-first" in rows("volume transfer request list", "Name"), "the transfer is not listed")
    run("volume transfer request delete cli-first")
    made = show("volume transfer request create cli-gift --name cli-second")
    show("volume transfer request show cli-second")
    run(f"volume transfer request accept {made['id']} --auth-key wrong", expect=1)
    run(f"volume transfer request accept {made['id']} --auth-key {made['auth_key']}")
    until("volume available", lambda: status_of("volume", "cli-gift") == "available")
    run("volume delete cli-gift")
    until("volume gone", lambda: "cli-gift" not in rows("volume list", "Name"))


def apart(command, program="openstack"):
    """The same in a process of its own: within one, the client keeps the version of block storage that it began with."""
    done = subprocess.run([*program.split(), *shlex.split(command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
                          timeout=60)
    if done.returncode:
        raise Refused(f"{program} {command}\nended with {done.returncode}: {done.stderr.strip()[-600:]}")
    return done.stdout


@case("services and messages of block storage are shown; what is disabled takes nothing more")
def volume_service():
    hosts = rows("volume service list --service cinder-volume", "Host")
    for host in hosts:
        run(f"volume service set {host} cinder-volume --disable --disable-reason full")
    check("full" in run("volume service list --long -f json"), "the reason is not shown")
    run("volume create cli-nowhere --size 1")
    check(status_of("volume", "cli-nowhere") == "error", "the volume went to a disabled back end")
    for host in hosts:
        run(f"volume service set {host} cinder-volume --enable")
    run("volume delete cli-nowhere")
    until("volume gone", lambda: "cli-nowhere" not in rows("volume list", "Name"))
    newer = "--os-volume-api-version 3.60 volume"
    found = json.loads(apart(f"{newer} message list -f json"))
    check(len(found) > 0, "there is no message")
    apart(f"{newer} message show {found[0]['ID']}")
    apart(f"{newer} message delete {found[0]['ID']}")


@case("a group of a type is made, its volumes are snapshotted together, and go with it; pools are listed")
def volume_group():
    def newer(command):
        return apart(f"--os-volume-api-version 3.20 {command}")

    def cinder(command):    # does what the other can't: its "group show" asks for what its own library hasn't
        return apart(command, "cinder --os-volume-api-version 3.70")

    def shown(command):
        return json.loads(newer(f"{command} -f json"))
    newer("volume group type create cli-group-type")
    newer("volume group type set cli-group-type --property consistent_group_snapshot_enabled='<is> True'")
    check("consistent_group_snapshot_enabled" in newer("volume group type list"), "the group type has no specs")
    newer("volume group create cli-group-type __DEFAULT__ --name cli-group")
    until("group available", lambda: shown("volume group list")[0]["Status"] == "available")
    newer("volume group set cli-group --description kept")
    check("kept" in cinder("group-show cli-group"), "the description of the group is lost")
    cinder(f"create 1 --name cli-grouped --group-id {shown('volume group list')[0]['ID']} --volume-type __DEFAULT__")
    until("volume available", lambda: status_of("volume", "cli-grouped") == "available")
    newer("volume group snapshot create cli-group --name cli-group-snapshot")
    until("group snapshot available", lambda: shown("volume group snapshot list")[0]["Status"] == "available")
    check(len(shown("volume group snapshot list")) == 1, "the snapshot of the group is not listed")
    newer("volume group snapshot delete cli-group-snapshot")
    until("group snapshot gone", lambda: not shown("volume group snapshot list"))
    newer("volume group delete cli-group --force")
    until("group gone", lambda: not shown("volume group list"))
    check("cli-grouped" not in rows("volume list", "Name"), "the volume did not go with its group")
    newer("volume group type delete cli-group-type")
    pools = cinder("get-pools --detail")
    check("volume_backend_name" in pools and "free_capacity_gb" in pools, pools)


@case("a consistency group is made, gets a volume and loses it, is snapshotted and copied, and goes with its volumes")
def consistency_group():
    def shown(command):
        return json.loads(apart(f"{command} -f json"))
    apart("consistency group create --volume-type __DEFAULT__ cli-consistent")
    until("group available", lambda: shown("consistency group show cli-consistent")["status"] == "available")
    apart("consistency group set cli-consistent --description kept")
    check(shown("consistency group show cli-consistent")["description"] == "kept", "the description of the group is lost")
    apart("volume create cli-consistent-volume --size 1 --type __DEFAULT__ --consistency-group cli-consistent")
    until("volume available", lambda: status_of("volume", "cli-consistent-volume") == "available")
    apart("consistency group remove volume cli-consistent cli-consistent-volume")
    apart("consistency group add volume cli-consistent cli-consistent-volume")
    apart("consistency group snapshot create --consistency-group cli-consistent cli-moment")
    until("snapshot available", lambda: shown("consistency group snapshot show cli-moment")["status"] == "available")
    # The other client asks for it too, and stumbles over the answer by itself.
    apart("consisgroup-create-from-src --cgsnapshot cli-moment --name cli-consistent-copy", "cinder")
    until("copy available", lambda: shown("consistency group show cli-consistent-copy")["status"] == "available")
    check(len(shown("consistency group list")) == 2 and len(shown("consistency group snapshot list")) == 1, "not all is listed")
    apart("consistency group snapshot delete cli-moment")
    until("snapshot gone", lambda: not shown("consistency group snapshot list"))
    for each in ("cli-consistent", "cli-consistent-copy"):
        apart(f"consistency group delete --force {each}")
    until("groups gone", lambda: not shown("consistency group list"))
    check("cli-consistent-volume" not in rows("volume list", "Name"), "the volume did not go with its group")


@case("a keypair and a flavor are made; a server made of them gets an address, a console and a volume, stops, starts, reboots")
def server():
    flavor = show("flavor create cli-flavor --ram 128 --disk 1 --vcpus 1")
    check(flavor["ram"] == 128 and "cli-flavor" in rows("flavor list", "Name"), flavor)
    with tempfile.TemporaryDirectory() as folder:
        run(f"keypair create cli-key --private-key {folder}/key")
        check(os.path.getsize(f"{folder}/key") > 100, "there is no private key")
    check("cli-key" in rows("keypair list", "Name"), "the keypair is not listed")
    run("server create cli-server --image cli-image-renamed --flavor cli-flavor --key-name cli-key --network cli-net --wait")
    shown = show("server show cli-server")
    check(shown["status"] == "ACTIVE" and shown["key_name"] == "cli-key" and shown["addresses"]["cli-net"][0].startswith("10.77.0."), shown)
    check(rows("server list", "Name") == ["cli-server"], "the server is not listed")
    run("server add volume cli-server cli-volume")
    until("volume attached", lambda: status_of("volume", "cli-volume") == "in-use")
    run("volume delete cli-volume", expect=1)       # in use: refused
    check(len(rows("server volume list cli-server", "Volume ID")) == 1, "the attached volume is not listed")
    run("server remove volume cli-server cli-volume")
    until("volume detached", lambda: status_of("volume", "cli-volume") == "available")
    run("console log show cli-server")
    screen = show("console url show cli-server")
    check(screen["protocol"] == "vnc" and "/console/vnc_lite.html?path=" in screen["url"], screen)
    check("/console/serial?token=" in show("console url show --serial cli-server")["url"], "there is no address of the serial port")
    run("console url show --spice cli-server", expect=1)       # no guest here has that
    run("server stop cli-server")
    until("server stopped", lambda: status_of("server", "cli-server") == "shutoff")
    run("server start cli-server")
    until("server started", lambda: status_of("server", "cli-server") == "active")
    run("server reboot --wait --soft cli-server")
    run("server reboot --wait --hard cli-server")
    run("server set cli-server --name cli-server-renamed --property shade=blue")
    check(show("server show cli-server-renamed")["properties"] == {"shade": "blue"}, "the property of the server is lost")


@case("hosts are shown; an aggregate makes one a zone, and its servers' images are there before them; what is disabled takes nothing more")
def host():
    name = rows("host list", "Host Name")[-1]
    check(name in rows("hypervisor list", "Hypervisor Hostname"), "the host is no hypervisor")
    check(show(f"hypervisor show {name}")["state"] == "up", "the hypervisor is down")
    check(show("hypervisor stats show")["count"] >= 1, "there is no hypervisor")
    check("(total)" in rows(f"host show {name}", "Project"), "the host has no total")
    check({"nova-compute", "nova-scheduler", "nova-conductor"} == set(rows("compute service list", "Binary")), "services are missing")
    run(f"compute service set --disable --disable-reason dust {name} nova-compute")
    check("dust" in run("compute service list --long"), "the reason is not shown")
    run(f"compute service set --enable {name} nova-compute")
    run("aggregate create cli-aggregate --zone cli-zone --property ssd=true")
    run(f"aggregate add host cli-aggregate {name}")
    check("cli-zone" in rows("availability zone list --compute", "Zone Name"), "the zone is not listed")
    shown = show("aggregate show cli-aggregate")
    check(shown["hosts"] == [name] and shown["properties"] == {"ssd": "true"}, shown)
    check("cli-aggregate" in rows("aggregate list", "Name"), "the aggregate is not listed")
    apart("--os-compute-api-version 2.81 aggregate cache image cli-aggregate cli-image-renamed")
    run(f"aggregate remove host cli-aggregate {name}")
    run("aggregate unset --property ssd cli-aggregate")
    run("aggregate set --name cli-renamed cli-aggregate")
    run("aggregate delete cli-renamed")
    group = json.loads(apart("--os-compute-api-version 2.64 server group create --policy anti-affinity --rule max_server_per_host=3 cli-group -f json"))
    check(group["policy"] == "anti-affinity", group)
    check("cli-group" in rows("server group list", "Name"), "the group is not listed")
    show("server group show cli-group")
    run("server group delete cli-group")


@case("hosts are resource providers, which have an inventory, and candidates for what fits them")
def placement():
    def newest(command):
        return f"--os-placement-api-version 1.29 {command}"
    server = show("server show cli-server-renamed")["id"]
    provider = rows(newest(f"resource provider allocation show {server}"), "resource_provider")[0]
    check(provider in rows(newest("resource provider list"), "uuid"), "the server is on no provider")
    check(show(newest(f"resource provider show {provider}"))["root_provider_uuid"] == provider, "it is no root")
    check("VCPU" in rows(newest(f"resource provider inventory list {provider}"), "resource_class"), "it has no processors")
    check(show(newest(f"resource provider inventory show {provider} MEMORY_MB"))["allocation_ratio"] > 0, "its memory is worth nothing")
    check(rows(newest(f"resource provider usage show {provider}"), "resource_class"), "it has no usages")
    check("COMPUTE_NODE" in rows(newest(f"resource provider trait list {provider}"), "name"), "it has no traits")
    run(newest(f"resource provider aggregate list {provider}"))
    check(provider in run(newest("allocation candidate list --resource VCPU=1 --resource MEMORY_MB=64 --required COMPUTE_NODE")), "it is no candidate")
    run(newest("trait create CUSTOM_CLI"))
    check("CUSTOM_CLI" in rows(newest("trait list"), "name"), "the trait is not listed")
    run(newest("trait delete CUSTOM_CLI"))
    run(newest("resource class create CUSTOM_CLI"))
    check("CUSTOM_CLI" in rows(newest("resource class list"), "name"), "the class is not listed")
    run(newest("resource class delete CUSTOM_CLI"))
    run(newest("resource usage show " + show("token issue")["project_id"]))
    run(newest("resource provider create cli-provider"), expect=1)


@case("quotas are shown and set, limits count what is used")
def quotas():
    run("quota set admin --instances 7 --volumes 8 --networks 9")
    now = show("quota show admin")
    now = {row["Resource"]: row["Limit"] for row in now} if isinstance(now, list) else now
    check((now["instances"], now["volumes"], now["networks"]) == (7, 8, 9), now)
    limits = {row["Name"]: row["Value"] for row in json.loads(run("limits show --absolute -f json"))}
    check(limits["totalInstancesUsed"] == 1 and limits["totalVolumesUsed"] == 1 and limits["maxTotalInstances"] == 7, limits)


@case("a flavor is described, has properties, and is opened to a project and closed again")
def flavor():
    def newer(command):
        return apart(f"--os-compute-api-version 2.86 flavor {command}")

    run("flavor create cli-private --ram 64 --disk 0 --vcpus 1 --private --property hw:boot_menu=true")
    newer("set cli-private --description small")
    newer("set cli-private --property hw:cpu_policy=dedicated")
    try:
        newer("set cli-private --property hw:ponies=1")
        raise AssertionError("a property that there isn't was taken")
    except Refused as refused:
        check("hw:ponies" in str(refused), refused)
    run("flavor set cli-private --project admin")
    shown = json.loads(newer("show cli-private -f json"))
    check(shown["description"] == "small" and shown["properties"] == {"hw:boot_menu": "true", "hw:cpu_policy": "dedicated"}, shown)
    check(len(shown["access_project_ids"]) == 1, shown)
    check("cli-private" in rows("flavor list --private", "Name") and "cli-private" not in rows("flavor list --public", "Name"), "who sees it?")
    run("flavor unset cli-private --property hw:boot_menu")
    run("flavor unset cli-private --project admin")
    check(show("flavor show cli-private")["properties"] == {"hw:cpu_policy": "dedicated"}, "the property is still there")
    run("flavor delete cli-private")


@case("a public key is imported, shown and deleted; from 2.92 on only those are taken")
def keypair():
    def newer(command, version="2.92"):
        return apart(f"--os-compute-api-version {version} keypair {command}")

    with tempfile.NamedTemporaryFile("w", suffix=".pub") as key:
        key.write("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f cli")
        key.flush()
        newer(f"create cli@imported --public-key {key.name}")
    shown = json.loads(newer("show cli@imported -f json"))
    check(shown["type"] == "ssh" and len(shown["fingerprint"]) == 47, shown)
    check("ssh-ed25519" in newer("show --public-key cli@imported"), "the public key is not shown")
    names = [row["Name"] for row in json.loads(newer("list --user admin -f json", "2.35"))]
    check("cli@imported" in names, names)
    newer("delete cli@imported")


@case("what a project has used is listed and shown")
def usage():
    listed = json.loads(apart("usage list -f json"))
    check(any(row["RAM MB-Hours"] > 0 for row in listed), listed)
    shown = json.loads(apart("usage show -f json"))
    check(shown["RAM MB-Hours"] > 0, shown)


@case("a quota class is what projects have; a project's own quotas are taken back")
def quota_class():
    apart("quota set --class default --server-groups 17", "openstack --os-compute-api-version 2.50")
    standard = json.loads(apart("quota show --default -f json"))
    standard = {row["Resource"]: row["Limit"] for row in standard} if isinstance(standard, list) else standard
    check(standard["server-groups"] == 17, standard)
    apart("quota set --class default --server-groups 10", "openstack --os-compute-api-version 2.50")


@case("everything is deleted again")
def clean():
    run("server delete --wait cli-server-renamed")
    run("server show cli-server-renamed", expect=1)
    run("volume delete cli-volume")
    until("volume gone", lambda: "cli-volume" not in rows("volume list", "Name"))
    run("port delete cli-port")
    run("router remove subnet cli-router cli-subnet-renamed")
    run("router delete cli-router")
    run("subnet delete cli-subnet-renamed")
    run("network delete cli-net")
    check("cli-net" not in rows("network list", "Name"), "the deleted network is listed")
    run("keypair delete cli-key")
    run("flavor delete cli-flavor")
    run("image delete cli-image-renamed")
    run("image show cli-image-renamed", expect=1)
    limits = {row["Name"]: row["Value"] for row in json.loads(run("limits show --absolute -f json"))}
    check(limits["totalInstancesUsed"] == 0 and limits["totalVolumesUsed"] == 0, limits)


def main():
    passed = failed = 0
    for sentence, function in CASES:
        began = time.monotonic()
        try:
            function()
            outcome, detail = "ok", ""
            passed += 1
        except Exception as error:      # noqa: BLE001  the next case is worth its run
            outcome, detail = "FAILED", str(error) if isinstance(error, Refused) else repr(error)
            failed += 1
        print(f"{outcome} client: {sentence} ({time.monotonic() - began:.1f} s)")
        if detail:
            print("    " + detail.replace("\n", "\n    "))
        sys.stdout.flush()
    print(f"client: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    IMAGE, KEY_SETS = sys.argv[1:]
    sys.exit(main())
