#include "compute/driver/domain_xml.hpp"

#include <catch2/catch.hpp>

#include <stratolet/driver/local_path.hpp>

using namespace stratolet;
using namespace stratolet::compute;
using Catch::Matchers::Contains;

namespace {

GuestSpec smallGuest() {
    return {.server = {"0d1c4b5e-7d5e-4c7f-9d43-3a0f1b1c2d3e"},
            .host = {},
            .name = "web",
            .project = {"0123456789abcdef0123456789abcdef"},
            .vcpus = 2,
            .memory = MiB{512},
            .disks = {{.serial = "root",
                       .source = {FileDisk{"/var/lib/disks/a"}, DiskFormat::Qcow2},
                       .device = "vda",
                       .root = true}},
            .nics = {{.port = {"p"}, .vif = Tap{"tap0123"}, .mac = "fa:16:3e:00:00:01", .mtu = 1450}}};
}

}

TEST_CASE("A domain says what the guest is to be", "[compute][domain]") {
    const auto xml = domainXml(smallGuest(), {.virtType = "qemu", .consoleLog = "/var/log/c.log", .version = "1"});
    CHECK_THAT(xml, Contains("<domain type='qemu'>"));
    CHECK_THAT(xml, Contains("<uuid>0d1c4b5e-7d5e-4c7f-9d43-3a0f1b1c2d3e</uuid>"));
    CHECK_THAT(xml, Contains("<memory unit='MiB'>512</memory>"));
    CHECK_THAT(xml, Contains("<vcpu placement='static'>2</vcpu>"));
    CHECK_THAT(xml, Contains("<entry name='product'>OpenStack Nova</entry>"));
    CHECK_THAT(xml, Contains("<log file='/var/log/c.log' append='on'/>"));
    CHECK_THAT(xml, Contains("<target dev='tap0123' managed='no'/>"));
    CHECK_THAT(xml, Contains("<mtu size='1450'/>"));
    CHECK_THAT(xml, Contains("xmlns:stratolet='urn:stratolet:guest:1'"));
}

TEST_CASE("A domain is a pure function of its guest", "[compute][domain]") {
    CHECK(domainXml(smallGuest(), {}) == domainXml(smallGuest(), {}));
}

TEST_CASE("Nothing a user types becomes markup", "[compute][domain]") {
    auto spec = smallGuest();
    spec.name = "'/><disk type='file'><source file='/etc/shadow'/></disk><x a='\"&\n";
    const auto xml = domainXml(spec, {});
    CHECK(deviceBlocks(xml, "disk").size() == 1);
    CHECK_THAT(xml, !Contains("/etc/shadow'/>"));
    CHECK_THAT(xml, Contains("&apos;/&gt;&lt;disk type=&apos;file&apos;&gt;"));
    CHECK_THAT(xml, Contains("&quot;&amp;&#10;"));
}

TEST_CASE("What XML cannot carry becomes a question mark", "[compute][domain]") {
    CHECK(xmlEscaped(std::string_view("a\0b\x01", 4)) == "a?b?");
    CHECK(xmlEscaped("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80") == "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK(xmlEscaped("\xff\xc3") == "??");
    CHECK(xmlEscaped("\xed\xa0\x80") == "???"); // a surrogate
    CHECK(xmlEscaped("\xc0\xaf") == "??");      // longer than needed
    CHECK(xmlEscaped("\xef\xbf\xbf") == "???"); // U+FFFF
}

TEST_CASE("Every disk says its format, and a raw disk has nothing behind it", "[compute][domain]") {
    const auto raw =
        diskXml({.serial = "s", .source = {BlockDisk{"/dev/vg/volume"}, DiskFormat::Raw}, .device = "vdb"});
    CHECK_THAT(raw, Contains("<disk type='block' device='disk'>"));
    CHECK_THAT(raw, Contains("type='raw'"));
    CHECK_THAT(raw, Contains("<source dev='/dev/vg/volume'/><backingStore/>"));
    CHECK_THAT(raw, Contains("<serial>s</serial>"));
    CHECK(raw.find("<readonly/>") == std::string::npos);
    CHECK(diskXml({.serial = "s", .source = {BlockDisk{"/dev/vg/volume"}, DiskFormat::Raw, true}, .device = "vdb"})
              .find("<readonly/>") != std::string::npos);
    const auto qcow2 =
        diskXml({.serial = "s", .source = {FileDisk{"/disks/it's"}, DiskFormat::Qcow2}, .device = "vda"});
    CHECK_THAT(qcow2, Contains("type='qcow2'"));
    CHECK_THAT(qcow2, Contains("<source file='/disks/it&apos;s'/>"));
    CHECK_THAT(qcow2, !Contains("backingStore"));
}

TEST_CASE("A domain says how each kind of disk is reached, whatever it is called", "[compute][domain]") {
    const auto file = diskXml({.serial = "s", .source = {FileDisk{"/dev/shm/disk"}, DiskFormat::Raw}, .device = "vdb"});
    CHECK_THAT(file, Contains("<disk type='file' device='disk'>"));
    CHECK_THAT(file, Contains("<source file='/dev/shm/disk'/>"));
    const auto block =
        diskXml({.serial = "s", .source = {BlockDisk{"/mapped/volume"}, DiskFormat::Raw}, .device = "vdb"});
    CHECK_THAT(block, Contains("<disk type='block' device='disk'>"));
    CHECK_THAT(block, Contains("<source dev='/mapped/volume'/>"));

    NetworkDisk disk{.protocol = DiskProtocol::Rbd,
                     .name = "volumes/it's",
                     .hosts = {{"10.0.0.1", 6789}, {"mon.example", 0}},
                     .user = "cinder",
                     .secret = {"5b9e4a0c-2b6e-4b52-9d5b-6f1f3c7c6a01"}};
    const auto rbd = diskXml({.serial = "s", .source = {disk, DiskFormat::Raw}, .device = "vdb"});
    CHECK_THAT(rbd, Contains("<disk type='network' device='disk'>"));
    CHECK_THAT(
        rbd,
        Contains(
            "<source protocol='rbd' name='volumes/it&apos;s'><host name='10.0.0.1' port='6789'/><host "
            "name='mon.example'/>"
            "<auth username='cinder'><secret type='ceph' uuid='5b9e4a0c-2b6e-4b52-9d5b-6f1f3c7c6a01'/></auth></source>"
            "<backingStore/>"));
    disk = {.protocol = DiskProtocol::Iscsi,
            .name = "iqn.2026-11.example:v/1",
            .hosts = {{"::1", 3260}},
            .user = "u",
            .secret = {"s"}};
    CHECK_THAT(diskXml({.serial = "s", .source = {disk, DiskFormat::Raw}, .device = "vdb"}),
               Contains("<source protocol='iscsi' name='iqn.2026-11.example:v/1'><host name='::1' port='3260'/>"
                        "<auth username='u'><secret type='iscsi' uuid='s'/></auth></source>"));
    disk = {.protocol = DiskProtocol::Nbd, .name = "export", .hosts = {{"localhost", 10809}}, .user = {}, .secret = {}};
    CHECK_THAT(diskXml({.serial = "s", .source = {disk, DiskFormat::Qcow2}, .device = "vdb"}),
               Contains("<source protocol='nbd' name='export'><host name='localhost' port='10809'/></source>"));
}

TEST_CASE("A sealed disk is opened by QEMU, with a passphrase that stands nowhere", "[compute][domain]") {
    const auto xml = diskXml({.serial = "s",
                              .source = {.at = FileDisk{"/v"}, .luks = {"5b9e4a0c-2b6e-4b52-9d5b-6f1f3c7c6a01"}},
                              .device = "vdb"});
    CHECK_THAT(xml, Contains("<encryption format='luks'><secret type='passphrase' "
                             "uuid='5b9e4a0c-2b6e-4b52-9d5b-6f1f3c7c6a01'/></encryption>"));
}

TEST_CASE("A disk that several guests have is shared, and one of a type with limits is held to them",
          "[compute][domain]") {
    const auto xml = diskXml({.serial = "s",
                              .source = {.at = FileDisk{"/v"}, .shared = true},
                              .device = "vdb",
                              .limits = {{"total_iops_sec", 500}}});
    CHECK_THAT(xml, Contains("<shareable/>"));
    CHECK_THAT(xml, Contains("<iotune><total_iops_sec>500</total_iops_sec></iotune>"));
    CHECK_THAT(diskXml({.serial = "s", .source = {.at = FileDisk{"/v"}}, .device = "vdb"}), !Contains("iotune"));
}

TEST_CASE("Only a disk of this machine has a path", "[compute][disk]") {
    CHECK(localPath({FileDisk{"/a"}}) == "/a");
    CHECK(localPath({BlockDisk{"/dev/b"}}) == "/dev/b");
    CHECK_THROWS_AS(localPath({NetworkDisk{.name = "pool/image", .hosts = {}, .user = {}, .secret = {}}}), Error);
}

TEST_CASE("A device that comes back is put where the definition has it", "[compute][domain]") {
    const auto nic = smallGuest().nics[0];
    const auto placed = placedAs(
        nicXml(nic), "<interface type='ethernet'><mac address='fa:16:3e:00:00:01'/>\n"
                     "<address type='pci' domain='0x0000' bus='0x00' slot='0x07' function='0x0'/></interface>");
    CHECK_THAT(placed, Contains("<mtu size='1450'/><address type='pci' domain='0x0000' bus='0x00' slot='0x07' "
                                "function='0x0'/></interface>"));
    CHECK(placedAs(nicXml(nic), "<interface type='ethernet'></interface>") == nicXml(nic));
}

TEST_CASE("Devices are found in a description by serial and address", "[compute][domain]") {
    const auto blocks =
        deviceBlocks("<devices>\n<disk type='file'>\n  <serial>one</serial></disk><disk type='file'></disk>"
                     "<interface type='ethernet'><mac address='FA:16:3E:00:00:02'/></interface></devices>",
                     "disk");
    REQUIRE(blocks.size() == 2);
    CHECK(serialOf(blocks[0]) == "one");
    CHECK(serialOf(blocks[1]).empty());
    CHECK(macOf("<interface type='ethernet'><mac address='FA:16:3E:00:00:02'/>") == "fa:16:3e:00:00:02");
    CHECK(deviceBlocks("<disk type='file'>", "disk").empty());
}

TEST_CASE("The files of a disk are found in its description, topmost first, and those of a copy under way aren't",
          "[compute][domain]") {
    const std::string disk =
        "<disk type='file' device='disk'><source file='/v/a&amp;b.qcow2' index='3'/>"
        "<backingStore type='block' index='2'><format type='raw'/><source dev='/dev/vg/base'/><backingStore/>"
        "</backingStore><mirror type='file' file='/v/new' job='copy' ready='yes'><source file='/v/new'/></mirror>"
        "<target dev='vdb' bus='virtio'/></disk>";
    CHECK(filesOf(disk) == std::vector<std::string>{"/v/a&b.qcow2", "/dev/vg/base"});
    CHECK(filesOf("<disk type='network'><source protocol='rbd' name='a/b'/></disk>").empty());
}

TEST_CASE("The secrets that a description names are found, each once", "[compute][domain]") {
    GuestDisk disk{.serial = "s", .source = {}, .device = "vdb"};
    disk.source.at = NetworkDisk{DiskProtocol::Iscsi, "iqn/1", {{"host", 3260}}, "user", SecretId{"the-secret"}};
    const auto xml = diskXml(disk);
    CHECK(secretsIn(xml + xml) == std::vector<SecretNamed>{{"iscsi", "the-secret"}});
    CHECK(secretsIn("<disk/>").empty());
}
