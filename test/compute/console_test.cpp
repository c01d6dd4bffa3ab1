#include <algorithm>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;
using namespace std::chrono_literals;
using Catch::Contains;
using Catch::EndsWith;
using Catch::StartsWith;

namespace {

Answer asksForConsole(const Member& member, const std::string& id, const std::string& protocol, const std::string& type,
                      const std::string& version = "2.93") {
    return member.posts("/compute/v2.1/servers/" + id + "/remote-consoles",
                        R"({"remote_console":{"protocol":")" + protocol + R"(","type":")" + type + "\"}}",
                        {{"OpenStack-API-Version", "compute " + version}});
}

std::string tokenIn(const std::string& url) {
    const auto at = std::max(url.rfind("token%3D") + 8, url.rfind("token=") + 6);
    return url.substr(url.rfind("token%3D") == std::string::npos ? url.rfind("token=") + 6 : at);
}

std::string tokenFor(const Member& member, const std::string& id, const std::string& protocol) {
    const auto answer = asksForConsole(member, id, protocol, protocol == "vnc" ? "novnc" : "serial");
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    return tokenIn(answer.json().object("remote_console").text("url"));
}

/// What the opening handshake of a websocket is answered.
int connects(TestAppliance& appliance, const std::string& console, const std::string& token,
             const std::string& origin = "http://cloud.test") {
    return appliance
        .asks(http::Method::Get, "/console/" + console + "?token=" + token, "",
              {{"Host", "cloud.test"},
               {"Origin", origin},
               {"Upgrade", "websocket"},
               {"Connection", "Upgrade"},
               {"Sec-WebSocket-Version", "13"},
               {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}})
        .status;
}

}

TEST_CASE("A console's address opens it once", "[compute][console]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto vnc = asksForConsole(cloud.alice, id, "vnc", "novnc").json().object("remote_console");
    CHECK(vnc.text("protocol") == "vnc");
    CHECK(vnc.text("type") == "novnc");
    CHECK_THAT(vnc.text("url"), StartsWith("http://cloud.test/console/vnc_lite.html?path=console%2Fvnc%3Ftoken%3D"));
    const auto token = tokenIn(vnc.text("url"));
    CHECK(connects(cloud.appliance, "vnc", token) == 101);
    CHECK(connects(cloud.appliance, "vnc", token) == 403);

    const auto serial = asksForConsole(cloud.alice, id, "serial", "serial").json().object("remote_console");
    CHECK_THAT(serial.text("url"), StartsWith("ws://cloud.test/console/serial?token="));
    CHECK(connects(cloud.appliance, "serial", tokenIn(serial.text("url"))) == 101);
}

TEST_CASE("A console's token opens that console alone, in time, and from this site", "[compute][console]") {
    Cloud cloud({{"compute", "console_token_ttl", "60"}});
    const auto id = cloud.boots(cloud.alice, "web");
    const auto token = tokenFor(cloud.alice, id, "vnc");
    CHECK(connects(cloud.appliance, "vnc", "bad" + token) == 403);
    CHECK(connects(cloud.appliance, "vnc", "") == 403);
    CHECK(connects(cloud.appliance, "vnc", token + "&token=" + token) == 403);
    CHECK(connects(cloud.appliance, "vnc", token, "http://evil.test") == 403);
    CHECK(connects(cloud.appliance, "vnc", token, "null") == 403);
    CHECK(connects(cloud.appliance, "vnc", token) == 101); // nobody has used it up meanwhile

    CHECK(connects(cloud.appliance, "serial", tokenFor(cloud.alice, id, "vnc")) == 403);
    const auto old = tokenFor(cloud.alice, id, "vnc");
    cloud.appliance.passes(61s);
    CHECK(connects(cloud.appliance, "vnc", old) == 403);

    const auto late = tokenFor(cloud.alice, id, "vnc");
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + id).status == 204);
    cloud.appliance.settle();
    CHECK(connects(cloud.appliance, "vnc", late) == 403);
}

TEST_CASE("An open console ends with its server's guest, and stays open past its token's end unless that is enforced",
          "[compute][console]") {
    const bool enforced = GENERATE(false, true);
    Cloud cloud({{"compute", "console_token_ttl", "60"},
                 {"compute", "console_enforce_session_timeout", enforced ? "true" : "false"}});
    const auto id = cloud.boots(cloud.alice, "web");
    const auto opens = [&] {
        http::Request request;
        request.method = http::Method::Get;
        request.path = "/console/serial";
        request.queryText = "token=" + tokenFor(cloud.alice, id, "serial");
        for (const auto& [name, value] :
             {std::pair("Host", "cloud.test"), std::pair("Origin", "http://cloud.test"),
              std::pair("Upgrade", "websocket"), std::pair("Connection", "Upgrade"),
              std::pair("Sec-WebSocket-Version", "13"), std::pair("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")})
            request.headers.add(name, value);
        auto response = cloud.appliance.appliance().server().handle(std::move(request));
        REQUIRE(response.relay);
        REQUIRE(response.relay->goesOn());
        return std::move(response.relay->goesOn);
    };
    const auto first = opens();
    cloud.appliance.passes(61s);
    CHECK(first() == !enforced);
    const auto second = opens();
    cloud.does(cloud.alice, id, R"({"pause":null})");
    CHECK(second());
    cloud.does(cloud.alice, id, R"({"unpause":null})");
    CHECK(second());
    cloud.does(cloud.alice, id, R"({"os-stop":null})");
    CHECK_FALSE(second());
    cloud.does(cloud.alice, id, R"({"os-start":null})");
    const auto third = opens();
    cloud.does(cloud.alice, id, R"({"shelve":null})"); // which leaves its host
    CHECK_FALSE(third());
    cloud.does(cloud.alice, id, R"({"unshelve":null})");
    const auto fourth = opens();
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + id).status == 204);
    CHECK_FALSE(fourth());
}

TEST_CASE("A refused websocket says nothing but that", "[compute][console]") {
    Cloud cloud;
    const auto refused = cloud.appliance.asks(http::Method::Get, "/console/vnc?token=nothing", "",
                                              {{"Upgrade", "websocket"},
                                               {"Connection", "Upgrade"},
                                               {"Sec-WebSocket-Version", "13"},
                                               {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}});
    CHECK(refused.status == 403);
    CHECK(refused.body.empty());
    CHECK(cloud.appliance.asks(http::Method::Get, "/console/vnc?token=nothing", "").status == 400);
}

TEST_CASE("Only a server that runs has a console, and only for who may act on it", "[compute][console]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto bob = cloud.appliance.member("bob");
    CHECK(asksForConsole(bob, id, "vnc", "novnc").status == 404);
    const auto reader = cloud.appliance.colleague(cloud.alice, "carol", "reader");
    CHECK(asksForConsole(reader, id, "vnc", "novnc").status == 403);
    cloud.does(cloud.alice, id, R"({"os-stop":null})");
    for (const auto& [protocol, type] : {std::pair("vnc", "novnc"), std::pair("serial", "serial")}) {
        const auto answer = asksForConsole(cloud.alice, id, protocol, type);
        CHECK(answer.status == 409);
        CHECK(faultOf(answer, "conflictingRequest") == "Instance " + id + " is not ready");
    }
}

TEST_CASE("Consoles that no guest here has are refused by their names", "[compute][console]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    for (const auto& [protocol, type] : {std::pair("spice", "spice-html5"), std::pair("rdp", "rdp-html5"),
                                         std::pair("mks", "webmks"), std::pair("vnc", "xvpvnc")}) {
        const auto answer = asksForConsole(cloud.alice, id, protocol, type);
        CHECK(answer.status == 400);
        CHECK_THAT(faultOf(answer, "badRequest"), Contains("Unavailable console type " + std::string(type)));
    }
    CHECK(faultOf(asksForConsole(cloud.alice, id, "vnc", "serial"), "badRequest") == "Invalid console type serial");
    CHECK(asksForConsole(cloud.alice, id, "x11", "novnc").status == 400);
    CHECK_THAT(asksForConsole(cloud.alice, id, "mks", "webmks", "2.7").body, Contains("protocol"));
    CHECK(asksForConsole(cloud.alice, id, "vnc", "novnc", "2.5").status == 404);
}

TEST_CASE("Until 2.5 consoles are asked for by actions", "[compute][console]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto vnc = cloud.acts(cloud.alice, id, R"({"os-getVNCConsole":{"type":"novnc"}})");
    REQUIRE(vnc.status == 200);
    CHECK(vnc.json().object("console").text("type") == "novnc");
    CHECK(connects(cloud.appliance, "vnc", tokenIn(vnc.json().object("console").text("url"))) == 101);
    const auto serial = cloud.acts(cloud.alice, id, R"({"os-getSerialConsole":{"type":"serial"}})");
    REQUIRE(serial.status == 200);
    CHECK(connects(cloud.appliance, "serial", tokenIn(serial.json().object("console").text("url"))) == 101);
    CHECK(cloud.acts(cloud.alice, id, R"({"os-getSPICEConsole":{"type":"spice-html5"}})").status == 400);
    CHECK(cloud.acts(cloud.alice, id, R"({"os-getRDPConsole":{"type":"rdp-html5"}})").status == 400);
    CHECK(cloud.acts(cloud.alice, id, R"({"os-getVNCConsole":{"type":"serial"}})").status == 400);
    CHECK(cloud.acts(cloud.alice, id, R"({"os-getVNCConsole":{"type":"novnc"}})", "2.6").status == 404);
}

TEST_CASE("Who runs the cloud may ask what a token opens, which leaves it good", "[compute][console]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto token = tokenFor(cloud.alice, id, "vnc");
    const std::string path = "/compute/v2.1/os-console-auth-tokens/";
    const auto admin = cloud.appliance.admin();
    CHECK(cloud.alice.gets(path + token, {{"OpenStack-API-Version", "compute 2.31"}}).status == 403);
    const auto answer = admin.gets(path + token, {{"OpenStack-API-Version", "compute 2.31"}});
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    const auto console = answer.json().object("console");
    CHECK(console.text("instance_uuid") == id);
    CHECK(console.text("host") == "127.0.0.1");
    CHECK(console.at("port").integer() > 0);
    CHECK(console.at("internal_access_path").isNull());
    CHECK(admin.gets(path + token, {{"OpenStack-API-Version", "compute 2.30"}}).status == 401);
    CHECK(admin.gets(path + "nothing", {{"OpenStack-API-Version", "compute 2.31"}}).status == 404);
    CHECK(connects(cloud.appliance, "vnc", token) == 101);
    CHECK(admin.gets(path + token, {{"OpenStack-API-Version", "compute 2.31"}}).status == 404);
}

TEST_CASE("A console's pages are those of noVNC's folder and no others", "[compute][console]") {
    Folder novnc;
    std::filesystem::create_directories(novnc / "core/input");
    std::ofstream(novnc / "vnc_lite.html") << "<html>noVNC</html>";
    std::ofstream(novnc / "core/input/keys.js") << "export default 1";
    std::ofstream(novnc / ".hidden.js") << "no";
    std::ofstream(novnc / "secret.conf") << "no";
    Cloud cloud({{"compute", "novnc_folder", novnc.path().string()}});
    const auto page = [&](const std::string& path) { return cloud.appliance.asks(http::Method::Get, path, ""); };
    CHECK(page("/console/vnc_lite.html").status == 200);
    CHECK(page("/console/core/input/keys.js").status == 200);
    CHECK(page("/console/core/input/keys.js").headers["Content-Type"] == "text/javascript; charset=UTF-8");
    for (const auto* path : {"/console", "/console/.hidden.js", "/console/secret.conf", "/console/core",
                             "/console/core/", "/console/core/..%2fvnc_lite.html", "/console/core/../vnc_lite.html",
                             "/console//vnc_lite.html", "/console/..%2f..%2fetc%2fpasswd"}) {
        INFO(path);
        CHECK(page(path).status == 404);
    }
    CHECK_THAT(page("/console/serial").body, Contains("textContent") && !Contains("innerHTML"));
    CHECK(page("/console/serial").headers["X-Content-Type-Options"] == "nosniff");
}

TEST_CASE("Without noVNC on the host its pages say so", "[compute][console]") {
    Cloud cloud({{"compute", "novnc_folder", "/nowhere"}});
    const auto answer = cloud.appliance.asks(http::Method::Get, "/console/vnc_lite.html", "");
    CHECK(answer.status == 404);
    CHECK_THAT(answer.body, Contains("noVNC is not installed"));
}
