#include <catch2/catch.hpp>

#include "platform/text/text.hpp"

using namespace stratolet;

TEST_CASE("A text is split into one part more than it has separators") {
    using Parts = std::vector<std::string_view>;
    CHECK(split("a,b", ',') == Parts{"a", "b"});
    CHECK(split("", ',') == Parts{""});
    CHECK(split(",", ',') == Parts{"", ""});
    CHECK(split("a,,b,", ',') == Parts{"a", "", "b", ""});
}

TEST_CASE("A whole number is a decimal number and nothing else") {
    CHECK(wholeNumberIn("0") == 0);
    CHECK(wholeNumberIn("-12") == -12);
    CHECK(wholeNumberIn("9223372036854775807") == 9223372036854775807);
    for (const auto* each : {"", "-", "+1", " 1", "1 ", "1.0", "0x1", "1a", "9223372036854775808"}) {
        CAPTURE(each);
        CHECK_FALSE(wholeNumberIn(each));
    }
}

TEST_CASE("Only ASCII letters have a case") {
    CHECK(lowered("ABC-\xc3\x84z") == "abc-\xc3\x84z");
    CHECK(sameWithoutCase("Content-Type", "content-type"));
    CHECK_FALSE(sameWithoutCase("Content-Type", "content-typ"));
    CHECK_FALSE(sameWithoutCase("@", "`"));
}

TEST_CASE("A trimmed text has no blanks, tabs and carriage returns at its ends") {
    CHECK(trimmed(" \ta b\r") == "a b");
    CHECK(trimmed(" \t\r").empty());
}
