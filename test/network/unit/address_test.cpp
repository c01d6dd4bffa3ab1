#include <catch2/catch.hpp>

#include "network/address.hpp"

using namespace stratolet::network;

TEST_CASE("Addresses and blocks are read as inet_pton reads them, and nothing else is", "[network][address]") {
    CHECK(Address::parse("10.0.0.1")->text() == "10.0.0.1");
    CHECK(Address::parse("2001:db8:0::1")->text() == "2001:db8::1");
    for (const auto* wrong : {"", "10.0.0", "010.0.0.1", "10.0.0.1 ", "10.0.0.1\n", "1", "::g", "10.0.0.256"})
        CHECK_FALSE(Address::parse(wrong));
    CHECK(Prefix::parse("10.0.0.7/24")->text() == "10.0.0.0/24");
    CHECK(Prefix::parse("10.0.0.0/24")->last().text() == "10.0.0.255");
    CHECK(Prefix::parse("::/0")->last().text() == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    for (const auto* wrong : {"10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "/24", "10.0.0.0/2x"})
        CHECK_FALSE(Prefix::parse(wrong));
    CHECK(Prefix::parse("10.0.0.0/8")->overlaps(*Prefix::parse("10.9.0.0/16")));
    CHECK_FALSE(Prefix::parse("10.8.0.0/16")->overlaps(*Prefix::parse("10.9.0.0/16")));
    CHECK_FALSE(Prefix::parse("0.0.0.0/0")->contains(*Address::parse("::1")));
}

TEST_CASE("An interface forms the address that its MAC says", "[network][address]") {
    CHECK(eui64Of(*Prefix::parse("2001:db8::/64"), "fa:16:3e:01:02:03").text() == "2001:db8::f816:3eff:fe01:203");
    CHECK(normalMac("FA-16-3E-01-02-03") == "fa:16:3e:01:02:03");
    for (const auto* wrong :
         {"fa:16:3e:01:02", "01:00:5e:00:00:01", "00:00:00:00:00:00", "fa:16:3e:01:02:0g", "fa:16:3e:01:02:03:04"})
        CHECK_FALSE(normalMac(wrong));
}

TEST_CASE("Only plain names go into DHCP answers", "[network][address][security]") {
    CHECK(isHostLabel("web-1"));
    CHECK(isDomainName("cloud.example.org."));
    for (const auto* wrong : {"", "-a", "a-", "a b", "a,b", "a\nb", "a#b", "ä", "a.b"}) CHECK_FALSE(isHostLabel(wrong));
    for (const auto* wrong : {"", ".", "a..b", "a,b.org", "a.b\n"}) CHECK_FALSE(isDomainName(wrong));
}
