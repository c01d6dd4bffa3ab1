#include "compute/encoding.hpp"
#include "compute/metadata/metadata_tree.hpp"

#include <catch2/catch.hpp>

#include <fstream>

#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::compute;

namespace {

Server web() {
    Server server;
    server.number = 42;
    server.id.text = "0d1c4b5e-7d5e-4c7f-9d43-3a0f1b1c2d3e";
    server.name = "web";
    server.hostname = "web";
    server.project.text = "p";
    server.image.text = "i";
    server.flavor.name = "m1.tiny";
    server.keyName = "mine";
    server.keyType = "ssh";
    server.publicKey = "ssh-ed25519 AAAA me";
    server.userData = base64("#!/bin/sh\n");
    server.zone = "nova";
    server.reservation = "r-1";
    return server;
}

ServerDetails details() {
    ServerDetails all;
    all.metadata = {{"role", "front"}};
    network::PortFacts port;
    port.id.text = "port";
    port.network.text = "net";
    port.mac = "fa:16:3e:00:00:01";
    port.tap = "tap0";
    port.mtu = 1450;
    port.fixedIps = {{.subnet = {"s"}, .address = "10.0.0.5", .floating = "203.0.113.9"}};
    port.securityGroups = {"default"};
    all.ports = {port};
    return all;
}

MetadataFacts facts() {
    return {.server = web(),
            .details = details(),
            .subnets = {{.id = {"s"},
                         .netmask = "255.255.255.0",
                         .addressMode = {},
                         .gateway = "10.0.0.1",
                         .dns = {},
                         .hostRoutes = {}}},
            .randomSeed = "seed"};
}

std::string at(const std::string& path) {
    const auto answer = metadataAt(metadataTree(facts()), path);
    return answer ? answer->body : "404";
}

}

TEST_CASE("A guest finds its documents, with and without a slash at the end", "[compute][metadata]") {
    CHECK(at("/").starts_with("1.0\n2007-01-19\n"));
    CHECK(at("/latest") == "meta-data/\nuser-data");
    CHECK(at("/latest/") == "meta-data/\nuser-data");
    CHECK(at("/2009-04-04/meta-data/hostname") == "web.novalocal");
    CHECK(at("/latest/meta-data/instance-id") == "i-0000002a");
    CHECK(at("/latest/meta-data/local-ipv4") == "10.0.0.5");
    CHECK(at("/latest/meta-data/public-ipv4") == "203.0.113.9");
    CHECK(at("/latest/meta-data/public-keys/") == "0=mine");
    CHECK(at("/latest/meta-data/public-keys/0") == "openssh-key");
    CHECK(at("/latest/meta-data/public-keys/0/openssh-key") == "ssh-ed25519 AAAA me");
    CHECK(at("/latest/user-data") == "#!/bin/sh\n");
    CHECK(at("/openstack").ends_with("2020-10-14\nlatest"));
    CHECK(at("/openstack/latest") ==
          "meta_data.json\nnetwork_data.json\nuser_data\nvendor_data.json\nvendor_data2.json");
}

TEST_CASE("An older version does not know what came later", "[compute][metadata]") {
    CHECK(at("/1.0/meta-data/public-ipv4") == "404");
    CHECK(at("/2007-01-19/meta-data/public-ipv4") == "203.0.113.9");
    CHECK(at("/openstack/2012-08-10/network_data.json") == "404");
    CHECK(Json::parse(at("/openstack/2012-08-10/meta_data.json")).has("random_seed") == false);
    CHECK(Json::parse(at("/openstack/2015-10-15/meta_data.json")).text("project_id") == "p");
}

TEST_CASE("The documents say what the server is", "[compute][metadata]") {
    const Json meta = Json::parse(at("/openstack/latest/meta_data.json"));
    CHECK(meta.text("uuid") == web().id.text);
    CHECK(meta.text("hostname") == "web.novalocal");
    CHECK(meta.object("meta").text("role") == "front");
    CHECK(meta.object("public_keys").text("mine") == "ssh-ed25519 AAAA me");
    CHECK(meta.array("keys").items().front().text("type") == "ssh");
    const Json network = Json::parse(at("/openstack/latest/network_data.json"));
    CHECK(network.array("links").items().front().text("ethernet_mac_address") == "fa:16:3e:00:00:01");
    CHECK(network.array("networks").items().front().text("type") == "ipv4_dhcp");
}

TEST_CASE("Without DHCP a guest is told its address, its routes and its name servers", "[compute][metadata]") {
    auto told = facts();
    auto& subnet = told.subnets.front();
    subnet.dhcp = false;
    subnet.dns = {"9.9.9.9"};
    subnet.hostRoutes = {{"192.0.2.0", "255.255.255.0", "10.0.0.7"}};
    const auto document = metadataAt(metadataTree(told), "/openstack/latest/network_data.json");
    REQUIRE(document);
    const auto network = Json::parse(document->body).array("networks").items().front();
    CHECK(network.text("type") == "ipv4");
    CHECK(network.text("ip_address") == "10.0.0.5");
    CHECK(network.text("netmask") == "255.255.255.0");
    const auto routes = network.array("routes").items();
    REQUIRE(routes.size() == 2);
    CHECK(routes[0].text("network") == "0.0.0.0");
    CHECK(routes[0].text("gateway") == "10.0.0.1");
    CHECK(routes[1].text("gateway") == "10.0.0.7");
    CHECK(Json::parse(document->body).array("services").items().front().text("address") == "9.9.9.9");

    told.details.ports.front().fixedIps.front().address = "2001:db8::5";
    subnet.addressMode = "slaac";
    const auto six = metadataAt(metadataTree(told), "/openstack/latest/network_data.json");
    CHECK(Json::parse(six->body).array("networks").items().front().text("type") == "ipv6_slaac");
}

TEST_CASE(
    "A disk that its owner has tagged is told apart, whether it is a volume or not; names have the cloud's domain",
    "[compute][metadata]") {
    auto told = facts();
    told.domain = "example.org";
    told.ownDisks = {{.id = "bdm", .server = told.server.id, .local = true, .name = "/dev/vdb", .tag = "scratch"},
                     {.id = "other", .server = told.server.id, .local = true, .name = "/dev/vdc"}};
    const auto meta = Json::parse(metadataAt(metadataTree(told), "/openstack/latest/meta_data.json")->body);
    CHECK(meta.text("hostname") == "web.example.org");
    const auto devices = meta.array("devices").items();
    REQUIRE(devices.size() == 1);
    CHECK(devices[0].text("serial") == "bdm");
    CHECK(devices[0].text("path") == "/dev/vdb");
    CHECK(devices[0].array("tags").items().front().text() == "scratch");
    told.domain.clear();
    CHECK(metadataAt(metadataTree(told), "/latest/meta-data/hostname")->body == "web");
}

TEST_CASE("What isn't there is 404", "[compute][metadata]") {
    for (const char* path : {"/nothing", "/latest/meta-data/nothing", "/openstack/1999-01-01",
                             "/openstack/latest/password", "/latest/meta-data/../user-data"}) {
        CAPTURE(path);
        CHECK(at(path) == "404");
    }
    Server bare = web();
    bare.userData.reset();
    bare.keyName.reset();
    CHECK_FALSE(metadataAt(metadataTree({.server = bare, .details = {}}), "/latest/user-data"));
    CHECK_FALSE(metadataAt(metadataTree({.server = bare, .details = {}}), "/latest/meta-data/public-keys"));
}

TEST_CASE("What who runs the cloud has for every guest is its vendor data", "[compute][metadata]") {
    test::Folder folder;
    Log log{{.level = Log::Level(99)}};
    const auto file = (folder / "vendor.json").string();
    std::ofstream(file) << R"({"site":"north"})";
    CHECK(vendorDataIn(file, log) == R"({"site":"north"})");
    auto told = facts();
    told.vendorData = vendorDataIn(file, log);
    const auto tree = metadataTree(told);
    CHECK(metadataAt(tree, "/openstack/latest/vendor_data.json")->body == R"({"site":"north"})");
    CHECK(!metadataAt(tree, "/openstack/2013-04-04/vendor_data.json"));

    CHECK(vendorDataIn("", log) == "{}");
    CHECK(vendorDataIn((folder / "nothing").string(), log) == "{}");
    for (const std::string& wrong :
         {std::string("[1]"), std::string("{"), "{\"a\":\"" + std::string(70000, 'x') + "\"}"}) {
        std::ofstream(file, std::ios::trunc) << wrong;
        CHECK(vendorDataIn(file, log) == "{}");
    }
}
