#include "compute/driver/libvirt_console.hpp"

#include <catch2/catch.hpp>

using namespace stratolet;
using namespace stratolet::compute;

TEST_CASE("Where a guest's screen is, its running description says", "[compute][libvirt]") {
    const auto at = libvirt::screenIn("<domain><devices><graphics type='vnc' port='5901' autoport='yes' "
                                      "listen='127.0.0.1'><listen type='address' address='127.0.0.1'/></graphics>");
    REQUIRE(at);
    CHECK(at->host == "127.0.0.1");
    CHECK(at->port == 5901);
    CHECK(!libvirt::screenIn("<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>")); // it is off
    CHECK(!libvirt::screenIn("<graphics type='vnc' port='70000' listen='127.0.0.1'/>"));
    CHECK(!libvirt::screenIn("<graphics type='spice' port='5900'/>"));
    CHECK(!libvirt::screenIn("<domain/>"));
}
