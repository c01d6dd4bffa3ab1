#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "platform/ambient/ambient.hpp"
#include "platform/http/server.hpp"
#include "platform/http/websocket.hpp"
#include "platform/log/log.hpp"
#include "platform/metrics/metrics.hpp"
#include "platform/workers/workers.hpp"

using namespace stratolet;
using namespace std::chrono_literals;
using Catch::Contains;
using Catch::StartsWith;
using http::FrameKind;
using http::Method;
using http::Request;

namespace {

/// The examples of RFC 6455, 1.3.
constexpr const char* key = "dGhlIHNhbXBsZSBub25jZQ==";

/// A server with a websocket whose other end the test holds.
struct Bench {
    RealAmbient ambient;
    Log log{{.level = Log::Level(99)}};
    Metrics metrics;
    Workers workers{"test", 4, 100};
    http::Server server;
    Fd other;
    std::atomic<bool> allowed = true;
    std::uint16_t port = 0;

    explicit Bench(http::ServerOptions options = {}) : server(options, workers, ambient, log, metrics) {
        http::Site site;
        site.name = "talk";
        site.prefix = "/talk";
        site.routes = {{Method::Get, "/socket", http::open("a test"), http::Handler([this](Request& request) {
                            int ends[2];
                            check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "make a pair");
                            other = Fd(ends[0]);
                            return http::websocketTo(request, {.other = Fd(ends[1]),
                                                               .protocol = "binary",
                                                               .goesOn = [this] { return allowed.load(); }});
                        }),
                        http::Runs::Worker}};
        server.add(std::move(site));
        port = server.listen("127.0.0.1", 0);
        server.start();
    }
    ~Bench() {
        server.drain(3s);
        workers.finish();
    }

    std::string comes() const {
        std::string bytes(100, '\0');
        pollfd watched{other.get(), POLLIN, 0};
        if (::poll(&watched, 1, 5000) <= 0) return "nothing came";
        const auto got = ::recv(other.get(), bytes.data(), bytes.size(), 0);
        return bytes.substr(0, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
};

class Client {
public:
    explicit Client(std::uint16_t port, const std::string& more = "")
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
        says("GET /talk/socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
             std::string(key) + "\r\n" + more + "\r\n");
        while (answer.find("\r\n\r\n") == std::string::npos) {
            const auto got = hears(1);
            if (got.empty()) break;
            answer += got;
        }
    }

    Client& says(std::string_view text) {
        REQUIRE(::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
        return *this;
    }

    /// So many bytes; fewer where the connection ends, or nothing comes for five seconds.
    std::string hears(std::size_t bytes) {
        std::string heard;
        while (heard.size() < bytes) {
            pollfd watched{fd_.get(), POLLIN, 0};
            if (::poll(&watched, 1, 5000) <= 0) break;
            std::string more(bytes - heard.size(), '\0');
            const auto got = ::recv(fd_.get(), more.data(), more.size(), 0);
            if (got <= 0) {
                ended = true;
                break;
            }
            heard.append(more, 0, static_cast<std::size_t>(got));
        }
        return heard;
    }

    std::string answer;
    bool ended = false;

private:
    Fd fd_;
};

/// A frame as a client sends it.
std::string masked(unsigned char first, std::string content) {
    std::string frame(1, static_cast<char>(first));
    frame += static_cast<char>(0x80 | content.size());
    const std::string mask = "\x01\x02\x03\x04";
    frame += mask;
    for (std::size_t at = 0; at < content.size(); ++at) frame += static_cast<char>(content[at] ^ mask[at % 4]);
    return frame;
}

std::optional<http::Frame> taken(const std::string& bytes) {
    http::Incoming incoming;
    const auto room = incoming.room(bytes.size());
    std::copy(bytes.begin(), bytes.end(), room.begin());
    incoming.came(bytes.size());
    return http::takeFrame(incoming);
}

Request asking(const std::string& origin, const std::string& host, const std::string& endpoint) {
    Request request;
    request.endpoint = endpoint;
    request.headers.add("Host", host);
    if (!origin.empty()) request.headers.add("Origin", origin);
    return request;
}

}

TEST_CASE("A websocket's key is answered as the standard's example says", "[http][websocket]") {
    CHECK(http::websocketAccept(key) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("Frames are read as they were masked, and only whole", "[http][websocket]") {
    const auto hello = masked(0x81, "Hello");
    for (std::size_t cut = 0; cut < hello.size(); ++cut) CHECK(!taken(hello.substr(0, cut)));
    const auto frame = taken(hello);
    REQUIRE(frame);
    CHECK(frame->kind == FrameKind::Text);
    CHECK(frame->last);
    CHECK(frame->content == "Hello");
    CHECK(!taken(masked(0x01, "Hel"))->last);
    CHECK(http::frameHead(FrameKind::Binary, 256) == std::string("\x82\x7e\x01\x00", 4));
    CHECK(http::frameHead(FrameKind::Binary, 65536) == std::string("\x82\x7f\0\0\0\0\0\x01\0\0", 10));
}

TEST_CASE("What no client may send is refused before it has come", "[http][websocket]") {
    CHECK_THROWS_AS(taken("\x81\x05Hello"), Error);                               // without a mask
    CHECK_THROWS_AS(taken(masked(0xc1, "a")), Error);                             // an extension's
    CHECK_THROWS_AS(taken(masked(0x83, "a")), Error);                             // of no kind
    CHECK_THROWS_AS(taken(masked(0x09, "a")), Error);                             // half a ping
    CHECK_THROWS_AS(taken(std::string("\x89\xfe\x00\x7e", 4)), Error);            // a long ping
    CHECK_THROWS_AS(taken(std::string("\x82\xff\0\0\0\x01\0\0\0\0", 10)), Error); // 4 GiB
}

TEST_CASE("A page's websocket comes from here only where its origin is the host that it asks", "[http][websocket]") {
    const std::string endpoint = "https://cloud.test";
    CHECK(http::comesFromHere(asking("", "cloud.test", endpoint))); // no page
    CHECK(http::comesFromHere(asking("https://cloud.test", "cloud.test", endpoint)));
    CHECK(http::comesFromHere(asking("https://CLOUD.test", "cloud.test:443", endpoint)));
    CHECK(http::comesFromHere(asking("http://10.0.0.1:8000", "10.0.0.1:8000", endpoint)));
    CHECK(http::comesFromHere(asking("https://cloud.test", "10.0.0.1:8000", endpoint))); // behind a proxy
    CHECK(!http::comesFromHere(asking("https://evil.test", "cloud.test", endpoint)));
    CHECK(!http::comesFromHere(asking("https://cloud.test.evil.test", "cloud.test", endpoint)));
    CHECK(!http::comesFromHere(asking("https://cloud.test:8443", "cloud.test", endpoint)));
    CHECK(!http::comesFromHere(asking("null", "cloud.test", endpoint)));
    CHECK(!http::comesFromHere(asking("cloud.test", "cloud.test", endpoint)));
}

TEST_CASE("A websocket carries bytes both ways, answers pings, and ends with either end", "[http][websocket]") {
    Bench bench;
    Client client(bench.port, "Sec-WebSocket-Protocol: base64, binary\r\n");
    CHECK_THAT(client.answer, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
    CHECK_THAT(client.answer, Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") &&
                                  Contains("Sec-WebSocket-Protocol: binary\r\n") && !Contains("Content-Length"));
    client.says(masked(0x82, "ab"));
    CHECK(bench.comes() == "ab");
    client.says(masked(0x02, "c") + masked(0x80, "d"));
    std::string parts = bench.comes();
    if (parts.size() < 2) parts += bench.comes();
    CHECK(parts == "cd");
    CHECK(client.says(masked(0x89, "ping")).hears(6) == "\x8a\x04ping");
    REQUIRE(::send(bench.other.get(), "guest", 5, 0) == 5);
    CHECK(client.hears(7) == "\x82\x05guest");

    SECTION("the other end goes") {
        bench.other = Fd();
        CHECK(client.hears(4) == "\x88\x02\x03\xe8"); // 1000
        client.says(masked(0x88, "\x03\xe8"));
        CHECK(client.hears(1).empty());
        CHECK(client.ended);
    }
    SECTION("the client says goodbye") {
        client.says(masked(0x88, "\x03\xe8"));
        CHECK(client.hears(4) == "\x88\x02\x03\xe8");
        CHECK(bench.comes().empty());
        CHECK(client.hears(1).empty());
    }
    SECTION("the client sends what it may not") {
        client.says("\x82\x01z");
        CHECK(client.hears(4) == "\x88\x02\x03\xea"); // 1002
        CHECK(bench.comes().empty());
    }
    SECTION("it may not go on") {
        bench.allowed = false;
        CHECK(client.hears(4) == "\x88\x02\x03\xf0"); // 1008
        CHECK(bench.comes().empty());
    }
}

TEST_CASE("A client of a websocket that says nothing is asked, and then left", "[http][websocket]") {
    Bench bench({.idleTimeout = 3s});
    Client client(bench.port);
    CHECK(client.hears(2) == std::string("\x89\0", 2));
    client.says(masked(0x8a, ""));
    while (!client.ended && !client.hears(2).empty()) {
    }
    CHECK(client.ended);
    CHECK(bench.comes().empty());
}

TEST_CASE("Half a handshake makes no websocket", "[http][websocket]") {
    Bench bench;
    for (const auto& more :
         {"Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection: Upgrade\r\n",
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\nConnection: Upgrade\r\n",
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"}) {
        Request request;
        request.path = "/talk/socket";
        request.headers.add("Upgrade", "websocket");
        std::string_view lines = more;
        while (!lines.empty()) {
            const auto colon = lines.find(": "), end = lines.find("\r\n");
            request.headers.add(std::string(lines.substr(0, colon)),
                                std::string(lines.substr(colon + 2, end - colon - 2)));
            lines.remove_prefix(end + 2);
        }
        CHECK(bench.server.handle(std::move(request)).status == 400);
    }
}
