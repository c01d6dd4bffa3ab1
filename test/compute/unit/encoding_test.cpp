#include "compute/encoding.hpp"
#include "platform/text/text.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace stratolet::compute;
using stratolet::isUuid;

TEST_CASE("base64 goes there and back, and takes nothing else", "[compute][encoding]") {
    for (const auto& text : std::vector<std::string>{"", "a", "ab", "abc", "abcd", std::string("\0\xff\x80", 3)})
        CHECK(fromBase64(base64(text)) == text);
    CHECK(base64("hello") == "aGVsbG8=");
    CHECK(fromBase64("aGVs\nbG8=\n") == "hello");
    for (const char* wrong : {"a", "abc", "ab=c", "a===", "!@#$", "aGVsbG8"}) {
        CAPTURE(wrong);
        CHECK_FALSE(fromBase64(wrong));
    }
}

TEST_CASE("Console bytes become text", "[compute][encoding]") {
    CHECK(stratolet::asUtf8("plain \xc3\xa4\n") == "plain \xc3\xa4\n");
    CHECK(stratolet::asUtf8("\xff!\xc3") == "\xef\xbf\xbd!\xef\xbf\xbd");
}

TEST_CASE("Addresses come out in their canonical form", "[compute][encoding]") {
    CHECK(canonicalIpv6("0000:0000:0000:0000:0000:babe:220.12.22.2") == "::babe:dc0c:1602");
    CHECK(canonicalIpv4("1.1.1.1") == "1.1.1.1");
    CHECK_FALSE(canonicalIpv4("1.1.1"));
    CHECK_FALSE(canonicalIpv6("bb:bb::"
                              "gg"));
}

TEST_CASE("Names and ids are told from what isn't one", "[compute][encoding]") {
    CHECK(isUuid("0d1c4b5e-7d5e-4c7f-9d43-3a0f1b1c2d3e"));
    CHECK_FALSE(isUuid("0d1c4b5e7d5e4c7f9d433a0f1b1c2d3e"));
    CHECK(isPrintable("h\xc3\xa4lt \xe2\x82\xac"));
    CHECK_FALSE(isPrintable("a\nb"));
    CHECK_FALSE(isPrintable("a\xc2\x85"));
    CHECK(stratolet::lengthInCharacters("\xc3\xa4\xe2\x82\xac") == 2);
    CHECK(md5Hex("abc") == "900150983cd24fb0d6963f7d28e17f72");
    CHECK(sha224Hex("abc") == "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
}
