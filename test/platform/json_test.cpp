#include <catch2/catch.hpp>

#include <stratolet/error.hpp>

#include "platform/json/json.hpp"

using namespace stratolet;
using Catch::Contains;

namespace {
std::string refusalOf(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        CHECK(error.failure() == Failure::Invalid);
        return error.what();
    }
    return "not refused";
}
}

TEST_CASE("A field of the wrong type is refused by its name", "[json]") {
    const auto body = Json::parse(R"({"server":{"name":7,"networks":[{"uuid":true}]}})");
    CHECK_THAT(refusalOf([&] { body.object("server").text("name"); }), Contains("server.name") && Contains("7"));
    CHECK_THAT(refusalOf([&] { body.object("server").array("networks").items()[0].text("uuid"); }), Contains("server.networks[0].uuid"));
    CHECK_THAT(refusalOf([&] { body.object("server").text("flavorRef"); }), Contains("'flavorRef' is a required property"));
    CHECK_THAT(refusalOf([&] { body.object("server").onlyKnows({"name"}); }), Contains("networks"));
}

TEST_CASE("What is no JSON is refused, and so is what is too deep or says a name twice", "[json]") {
    for (const auto* text : {"", "{", "nul", "{\"a\":1}x", "[1,]", "\"\xff\"", "{\"a\" 1}", "01"})
        CHECK_THROWS_AS(Json::parse(text), Error);
    CHECK_THAT(refusalOf([] { Json::parse(std::string(100, '[') + std::string(100, ']')); }), Contains("deeper"));
    CHECK_NOTHROW(Json::parse(std::string(64, '[') + std::string(64, ']')));
    CHECK_THROWS_AS(Json::parse(std::string(1000000, '[')), Error); // no recursion, no crash
    CHECK_THAT(refusalOf([] { Json::parse(R"({"a":1,"a":2})"); }), Contains("twice"));
}

TEST_CASE("What is written can be read again, whatever the text has in it", "[json]") {
    const std::string odd = "a\"b\\c\n\t\x01 \u00e4 \U0001F600";
    std::string text;
    {
        JsonWriter out(text);
        const auto object = out.object();
        out.field("text", odd);
        out.field("number", -9007199254740993);
        out.field("half", 0.5);
        out.field("yes", true);
        out.field("nothing", std::optional<std::string>());
        const auto list = out.array("list");
        out.value(1);
        const auto inner = out.object();
        out.field("x", nullptr);
    }
    const auto read = Json::parse(text);
    CHECK(read.text("text") == odd);
    CHECK(read.integer("number") == -9007199254740993);
    CHECK(read.at("half").number() == 0.5);
    CHECK(read.at("nothing").isNull());
    CHECK(read.array("list").items().size() == 2);
    CHECK(read.array("list").items()[1].at("x").isNull());
}

TEST_CASE("Every byte is written so that it is read as itself, wherever in a text it stands", "[json]") {
    for (std::size_t length = 1; length < 20; ++length)
        for (std::size_t at = 0; at < length; ++at)
            for (int byte = 0; byte < 128; ++byte) {
                std::string text(length, 'a'), written;
                text[at] = static_cast<char>(byte);
                JsonWriter(written).value(text);
                if (Json::parse("[" + written + "]").items().at(0).text() != text)
                    FAIL("byte " << byte << " at " << at << " of " << length);
            }
}
