#include <catch2/catch.hpp>

#include <libvirt/libvirt.h>

#include <atomic>
#include <thread>

#include <stratolet/error.hpp>

#include "compute/driver/domain_xml.hpp"
#include "compute/driver/libvirt.hpp"
#include "compute/driver/libvirt_host.hpp"
#include "platform/log/log.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::compute;

namespace {

const std::string uuid = "11111111-0000-4000-8000-000000000001";

/// A guest in libvirt's own test driver, which lives in this process, with this element as its metadata.
void defines(virConnectPtr connection, const std::string& id, const std::string& mark) {
    const std::string xml = "<domain type='test'><name>stratolet-" + id + "</name><uuid>" + id + "</uuid><metadata>" +
                            mark + "</metadata><memory>1024</memory><os><type>hvm</type></os></domain>";
    const virDomainPtr domain = virDomainDefineXML(connection, xml.c_str());
    REQUIRE(domain);
    virDomainFree(domain);
}

std::string markBefore(const std::string& id, const std::string& home) {
    return "<stratolet:guest xmlns:stratolet='" + std::string(guestNamespace) + "'><stratolet:server id='" + id +
           "' name='it&apos;s &quot;web&quot; home=&quot;/elsewhere&quot;' project='p' home='" + home +
           "'/></stratolet:guest>";
}

}

TEST_CASE("Guests that a version before marked with our folder are taken over at the start, those of others are not",
          "[compute][libvirt]") {
    const test::Folder folder;
    Log log({.level = Log::Level(99)});
    const virConnectPtr connection = virConnectOpen("test:///default");
    REQUIRE(connection);
    const std::string other = "11111111-0000-4000-8000-000000000002", strange = "11111111-0000-4000-8000-000000000003";
    defines(connection, uuid, markBefore(uuid, (folder / "instances").string()));
    defines(connection, other, markBefore(other, "/elsewhere"));
    defines(connection, strange, markXml(strange, "web", "p", "another"));

    const auto driver = [&](const std::string& cloud) {
        return libvirtHypervisor(
            {.uri = "test:///default", .virtType = "qemu", .consoleDir = folder / "instances", .cloud = cloud}, log);
    };
    CHECK(driver("ours")->guests() == std::vector{ServerId{uuid}});
    CHECK(driver("ours")->guests() == std::vector{ServerId{uuid}}); // again: it is done already
    CHECK(driver("another")->guests() == std::vector{ServerId{strange}});
    CHECK(driver("third")->guests().empty());
    for (const auto& each : {uuid, other, strange}) {
        const virDomainPtr domain = virDomainLookupByUUIDString(connection, each.c_str());
        REQUIRE(domain);
        virDomainUndefine(domain);
        virDomainFree(domain);
    }
    virConnectClose(connection);
}

TEST_CASE("A host's processors are read from what libvirt says that it can do", "[compute][libvirt]") {
    const auto cpu = cpuIn(R"(<capabilities>
  <host>
    <uuid>11111111-0000-4000-8000-000000000001</uuid>
    <cpu>
      <arch>x86_64</arch>
      <model>Cascadelake-Server</model>
      <vendor>Intel</vendor>
      <topology sockets='2' dies='1' cores='8' threads='2'/>
      <feature name='vmx'/>
      <feature name='hypervisor'/>
    </cpu>
    <topology><cells num='2'><cell id='0'/><cell id='1'/></cells></topology>
  </host>
  <guest><arch name='i686'/></guest>
</capabilities>)");
    CHECK(cpu.architecture == "x86_64");
    CHECK(cpu.model == "Cascadelake-Server");
    CHECK(cpu.vendor == "Intel");
    CHECK(cpu.sockets == 2);
    CHECK(cpu.cores == 8);
    CHECK(cpu.threads == 2);
    CHECK(cpu.cells == 2);
    CHECK(cpu.features == std::vector<std::string>{"vmx", "hypervisor"});
    const auto unknown = cpuIn("<capabilities/>");
    CHECK(unknown.architecture.empty());
    CHECK(unknown.cells == 1);
}

TEST_CASE("Guests that no driver makes are refused at the start, with what libvirt has and what to set instead",
          "[compute][libvirt]") {
    const test::Folder folder;
    Log log({.level = Log::Level(99)});
    for (const char* type : {"lxc", "xen"}) {
        INFO(type);
        const auto begins = [&] {
            libvirtHypervisor({.uri = "test:///default", .virtType = type, .consoleDir = folder / "instances"}, log);
        };
        CHECK_THROWS_WITH(
            begins(), Catch::StartsWith("[compute] virt_type = " + std::string(type) + ": libvirt on this host has ") &&
                          Catch::Contains(std::string(type) + " guests") &&
                          Catch::EndsWith("set virt_type = auto and libvirt_uri = qemu:///system."));
    }
    CHECK(refusalOf("kvm").empty());
    CHECK(refusalOf("auto").empty());
}

TEST_CASE("A host that libvirt drives reports what the scheduler asks of it", "[compute][libvirt]") {
    const test::Folder folder;
    Log log({.level = Log::Level(99)});
    const auto driver = libvirtHypervisor(
        {.uri = "test:///default", .virtType = "qemu", .consoleDir = folder / "instances", .cloud = "ours"}, log);
    const auto report = driver->report();
    CHECK(report.vcpus > 0);
    CHECK(report.memory.count > 0);
    CHECK(report.virtType == "qemu");
    CHECK(report.uri == "test:///default");
    CHECK_FALSE(report.address.empty());
    CHECK_FALSE(report.hostname.empty());
}

TEST_CASE("Who asks is told of a guest that another hand has started or ended", "[compute][libvirt]") {
    const test::Folder folder;
    Log log({.level = Log::Level(99)});
    const std::string id = "11111111-0000-4000-8000-000000000004";
    const virConnectPtr connection = virConnectOpen("test:///default");
    REQUIRE(connection);
    defines(connection, id, markXml(id, "web", "p", "ours"));
    std::atomic<int> told = 0;
    {
        const auto driver = libvirtHypervisor(
            {.uri = "test:///default", .virtType = "qemu", .consoleDir = folder / "instances", .cloud = "ours"}, log);
        driver->onChange([&](const ServerId& server) { told += server.text == id ? 1 : 0; });
        const virDomainPtr domain = virDomainLookupByUUIDString(connection, id.c_str());
        REQUIRE(domain);
        const auto isTold = [&](int times) {
            for (int tries = 0; tries < 400 && told < times; ++tries)
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            return told >= times;
        };
        REQUIRE(virDomainCreate(domain) == 0);
        CHECK(isTold(1));
        const int before = told;
        REQUIRE(virDomainDestroy(domain) == 0);
        CHECK(isTold(before + 1));
        CHECK(driver->powerState({id}) == PowerState::Shutdown);
        CHECK(!driver->graphics({id}));
        CHECK_THROWS_AS(driver->serial({id}), Error);
        virDomainUndefine(domain);
        virDomainFree(domain);
    }
    virConnectClose(connection);
}
