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

TEST_CASE("What is no UTF-8 is told from what is, and replaced byte by byte") {
    for (const auto* good : {"", "abc", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf",
                             "\xed\x9f\xbf", "\xee\x80\x80"}) {
        CAPTURE(good);
        CHECK(isUtf8(good));
        CHECK(asUtf8(good) == good);
    }
    for (const auto* bad : {"\xff", "\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                            "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xe2\x82", "\xf5\x80\x80\x80"}) {
        CAPTURE(bad);
        CHECK_FALSE(isUtf8(bad));
        CHECK(isUtf8(asUtf8(bad)));
    }
    CHECK(asUtf8("a\xff\xc3\xbc\xe2\x82z") == "a\xef\xbf\xbd\xc3\xbc\xef\xbf\xbd\xef\xbf\xbdz");
}

TEST_CASE("A length counts characters, and a text is cut between two of them") {
    CHECK(lengthInCharacters("") == 0);
    CHECK(lengthInCharacters("a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80") == 4);
    CHECK(beginningOf("a\xc3\xbcz", 4) == "a\xc3\xbcz");
    CHECK(beginningOf("a\xc3\xbcz", 3) == "a\xc3\xbc");
    CHECK(beginningOf("a\xc3\xbcz", 2) == "a");
    CHECK(beginningOf("\xf0\x9f\x98\x80", 3).empty());
}

TEST_CASE("A folded name has neither case nor a form that Unicode writes it in") {
    const std::string whole = "\xc3\x9c", apart = "U\xcc\x88", small = "u\xcc\x88"; // U with a diaeresis
    CHECK(foldedName("ADMIN") == "admin");
    CHECK(foldedName(whole) == foldedName(apart));
    CHECK(foldedName(whole) == small);
    CHECK(foldedName("stra\xc3\x9f"
                     "e") == foldedName("STRASSE"));
    CHECK(foldedName("\xce\xa3\xce\xaf\xcf\x82") ==
          foldedName("\xcf\x83\xce\x8a\xce\xa3")); // sigma has two small forms
    CHECK(foldedName("\xea\xb0\x81") == foldedName("\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8")); // a syllable of Hangul
    CHECK(foldedName("a\xcc\x81\xcc\xa3") == foldedName("a\xcc\xa3\xcc\x81"));               // marks in either order
    CHECK(foldedName("a") != foldedName("\xc3\xa1"));
    CHECK(foldedName(foldedName(whole)) == foldedName(whole));
    CHECK_NOTHROW(foldedName("\xff\xc3"));
}
