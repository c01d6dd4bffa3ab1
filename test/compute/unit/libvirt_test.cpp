#include <catch2/catch.hpp>

#include <libvirt/libvirt.h>

#include "compute/driver/domain_xml.hpp"
#include "compute/driver/libvirt.hpp"
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
