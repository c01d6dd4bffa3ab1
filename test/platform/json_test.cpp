#include <catch2/catch.hpp>

#include <unistd.h>

#include <array>

#include <stratolet/error.hpp>

#include "platform/json/json.hpp"
#include "platform/log/log.hpp"
#include "platform/os/fd.hpp"
#include "platform/text/text.hpp"

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
    CHECK_THAT(refusalOf([&] { body.object("server").array("networks").items()[0].text("uuid"); }),
               Contains("server.networks[0].uuid"));
    CHECK_THAT(refusalOf([&] { body.object("server").text("flavorRef"); }),
               Contains("'flavorRef' is a required property"));
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

TEST_CASE("Half of a character is no text", "[json]") {
    for (const auto* half :
         {R"("\ude00")", R"("\ud83d")", R"("a\ue83d\ude00")", R"({"\udc00":1})", R"("\ude00\ud83d")"}) {
        CAPTURE(half);
        CHECK_THROWS_AS(Json::parse(half), Error);
    }
    CHECK(Json::parse(R"("\ud83d\ude00")").text() == "\xf0\x9f\x98\x80");
}

TEST_CASE("Text that is no UTF-8 never leaves, neither in JSON nor in the log", "[json][log]") {
    for (const auto* before :
         {"", "a", "seven77", "eight888", "\xc3\xbc\xc3\xbc"}) // as long as what is looked at together, and not
        for (const auto* after : {"", "z", "zzzzzzzzz", "\"", "\xc3\xbc"}) {
            const auto text = std::string(before) + "\xff" + after;
            const auto written = jsonText(text);
            CAPTURE(written);
            CHECK(isUtf8(written));
            CHECK(Json::parse(written).text() == asUtf8(text));
        }
    std::array<int, 2> ends{};
    for (const bool json : {false, true}) {
        REQUIRE(::pipe(ends.data()) == 0);
        const Fd reads(ends[0]), writes(ends[1]);
        Log log({.json = json, .fd = writes.get()});
        log.info("a \xff b", {{"name", "\x1b[31m\xfe"}, {"plain", "\xff"}});
        std::array<char, 4096> line{};
        const auto got = ::read(reads.get(), line.data(), line.size());
        REQUIRE(got > 0);
        const std::string_view logged(line.data(), static_cast<std::size_t>(got));
        CHECK(isUtf8(logged));
        CHECK(logged.find('\x1b') == std::string_view::npos);
        CHECK(logged.find("a \xef\xbf\xbd b") != std::string_view::npos);
    }
}

TEST_CASE("A refusal never repeats what may be a secret", "[json]") {
    const auto refusal = [](const std::string& text, const std::function<void(const Json&)>& ask) {
        try {
            ask(Json::parse(text));
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string("nothing was refused");
    };
    const std::string wrong[] = {
        refusal(R"({"user":{"password":["hunter2"]}})", [](const Json& body) { body.object("user").text("password"); }),
        refusal(R"({"user":{"password":"hunter2","x":1}})",
                [](const Json& body) { body.object("user").onlyKnows({"password"}); }),
        refusal(R"({"user":[{"adminPass":"hunter2"}]})", [](const Json& body) { body.object("user"); }),
        refusal(R"({"auth":{"identity":"hunter2"}})", [](const Json& body) { body.object("auth").object("identity"); }),
        refusal(R"({"auth":{"identity":{"password":{"user":{"name":"hunter2"}}}}})",
                [](const Json& body) { body.object("auth").object("identity").object("password").array("user"); }),
        refusal(R"({"credential":{"blob":{"secret":"hunter2"}}})",
                [](const Json& body) { body.object("credential").text("blob"); }),
        refusal(R"({"changePassword":{"adminPass":{"a":"hunter2"}}})",
                [](const Json& body) { body.object("changePassword").text("adminPass"); }),
        refusal(R"([{"original_password":"hunter2"}])", [](const Json& body) { body.text(); }),
    };
    for (const auto& each : wrong) {
        CHECK_THAT(each, Catch::Contains("Invalid input") && Catch::Contains("***"));
        CHECK_THAT(each, !Catch::Contains("hunter2"));
    }
    CHECK_THAT(refusal(R"({"server":{"name":7}})", [](const Json& body) { body.object("server").text("name"); }),
               Catch::Contains("server.name. Value: 7."));
}
