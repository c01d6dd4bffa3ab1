#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "image/support.hpp"
#include "platform/log/log.hpp"
#include "platform/metrics/metrics.hpp"
#include "platform/os/fd.hpp"
#include "platform/workers/workers.hpp"
#include "support/test_appliance.hpp"

// Uploads as the network sees them: over a socket that breaks.

using namespace stratolet;
using namespace stratolet::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t halfBytes = 512 << 10;

std::string makes(const Member& who) {
    const auto answer =
        who.posts("/image/v2/images", R"({"name":"guest","disk_format":"raw","container_format":"bare"})");
    REQUIRE(answer.status == 201);
    return answer.json().text("id");
}

std::string statusOf(const Member& who, const std::string& image) {
    return who.gets("/image/v2/images/" + image).json().text("status");
}

std::int64_t usageOf(const Member& who, const std::string& resource) {
    return who.gets("/image/v2/info/usage").json().object("usage").object(resource).integer("usage");
}

Fd connected(std::uint16_t port) {
    Fd made(static_cast<int>(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(::connect(made.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), "connect");
    return made;
}

void says(const Fd& to, std::string_view text) {
    while (!text.empty())
        text.remove_prefix(
            static_cast<std::size_t>(check(::send(to.get(), text.data(), text.size(), MSG_NOSIGNAL), "send")));
}

/// The header of an upload and half of what it promises.
Fd begins(std::uint16_t port, const Member& who, const std::string& path, bool chunked) {
    auto socket = connected(port);
    says(socket, "PUT " + path + " HTTP/1.1\r\nHost: cloud.test\r\nX-Auth-Token: " + who.token +
                     "\r\nContent-Type: application/octet-stream\r\n" +
                     (chunked ? "Transfer-Encoding: chunked\r\n\r\n100000\r\n" : "Content-Length: 1048576\r\n\r\n") +
                     std::string(halfBytes, 'x'));
    return socket;
}

const TestOption overSockets{"DEFAULT", "endpoint", ""}; // so that the endpoint is where it listens

std::uint16_t portOf(TestAppliance& cloud) {
    const auto& endpoint = cloud.appliance().endpoint();
    return static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
}

}

TEST_CASE("An upload that is cut off leaves the image queued, no file and no byte of quota used, however it is cut",
          "[image][upload][socket]") {
    TestAppliance cloud({overSockets,
                         {"image", "image_size_total", "1"},
                         {"image", "image_stage_total", "1"},
                         {"image", "image_count_uploading", "1"}});
    const auto alice = cloud.member("alice");
    const auto stage = GENERATE(false, true);
    const auto image = makes(alice), path = "/image/v2/images/" + image + (stage ? "/stage" : "/file");
    const auto folder = cloud.folder() / (stage ? "staging" : "images");
    const std::string during = stage ? "uploading" : "saving";
    const auto restored = [&] {
        CHECK(becomes([&] { return statusOf(alice, image) == "queued"; }));
        CHECK(filesIn(folder) == 0);
        CHECK(usageOf(alice, "image_size_total") == 0);
        CHECK(usageOf(alice, "image_stage_total") == 0);
        CHECK(usageOf(alice, "image_count_uploading") == 0);
    };
    const auto isUnderWay = [&] {
        return statusOf(alice, image) == during && filesIn(folder) == 1 && usageOf(alice, "image_count_uploading") == 1;
    };
    for (const bool chunked : {false, true}) {
        INFO((chunked ? "chunked" : "with a length") << (stage ? ", staged" : ""));
        {
            const auto socket = begins(portOf(cloud), alice, path, chunked);
            CHECK(becomes(isUnderWay));
        } // FIN
        restored();
        {
            const auto socket = begins(portOf(cloud), alice, path, chunked);
            CHECK(becomes(isUnderWay));
            const linger now{1, 0};
            ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
        } // RST
        restored();
    }
    // What was taken back is there for the next one, all of it.
    CHECK(alice.puts(path, std::string(2 * halfBytes, 'x'), {{"Content-Type", "application/octet-stream"}}).status ==
          204);
}

TEST_CASE("A client that stops sending is given up after the server's patience, and its upload with it",
          "[image][upload][socket]") {
    TestAppliance cloud({overSockets});
    const auto alice = cloud.member("alice");
    Workers workers("test", 2, 64);
    RealAmbient ambient;
    Log log({.level = Log::Level::Error});
    Metrics metrics;
    http::Server impatient({.stallTimeout = 700ms}, workers, ambient, log, metrics);
    for (const auto& each : cloud.appliance().server().sites()) impatient.add(each);
    const auto port = impatient.listen("127.0.0.1", 0);
    impatient.start();
    for (const auto* way : {"/file", "/stage"}) {
        INFO(way);
        const auto image = makes(alice);
        const auto socket = begins(port, alice, "/image/v2/images/" + image + way, false);
        CHECK(becomes([&] { return statusOf(alice, image) != "queued"; }));
        CHECK(becomes([&] { return statusOf(alice, image) == "queued"; }));
        CHECK(filesIn(cloud.folder() / "images") + filesIn(cloud.folder() / "staging") == 0);
        char rest[256];
        CHECK(::recv(socket.get(), rest, sizeof rest, 0) <= 0); // there is nobody any more
    }
    impatient.drain(1s);
}

TEST_CASE("If-Range gives the part where the image is still the one that the client knows, and else the whole",
          "[image][download]") {
    TestAppliance cloud({overSockets});
    const auto alice = cloud.member("alice");
    const auto image = makes(alice), path = "/image/v2/images/" + image + "/file";
    REQUIRE(alice.puts(path, "0123456789", {{"Content-Type", "application/octet-stream"}}).status == 204);
    const std::string tag(alice.gets(path).headers["ETag"]);
    REQUIRE(tag.size() > 2);
    const auto part = alice.gets(path, {{"Range", "bytes=2-4"}, {"If-Range", tag}});
    CHECK(part.status == 206);
    CHECK(part.body == "234");
    CHECK(part.headers["Content-MD5"].empty()); // that of the whole would be wrong
    // RFC 9110, 13.1.5: a weak tag never matches; neither does a date, since images have no Last-Modified.
    for (const auto& other : {std::string("\"another\""), "W/" + tag, std::string("Sat, 29 Oct 1994 19:43:31 GMT")}) {
        INFO(other);
        const auto whole = alice.gets(path, {{"Range", "bytes=2-4"}, {"If-Range", other}});
        CHECK(whole.status == 200);
        CHECK(whole.body == "0123456789");
        CHECK(whole.headers["Content-Range"].empty());
    }
    CHECK(alice.gets(path, {{"Range", "bytes=99-"}, {"If-Range", "\"another\""}}).status == 200);
    CHECK(alice.gets(path, {{"Range", "bytes=99-"}, {"If-Range", tag}}).status == 416);
    CHECK(alice.gets(path, {{"If-Range", tag}}).status == 200);
}
