#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "platform/ambient/ambient.hpp"
#include "platform/http/range.hpp"
#include "platform/http/server.hpp"
#include "platform/log/log.hpp"
#include "platform/metrics/metrics.hpp"
#include "platform/os/process.hpp"
#include "platform/text/text.hpp"
#include "platform/workers/workers.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace std::chrono_literals;
using Catch::Contains;
using Catch::StartsWith;
using http::Method;
using http::Request;
using http::Response;

namespace {

/// Counts what an upload did.
struct Uploads {
    std::atomic<int> finished = 0, discarded = 0;
    std::atomic<int> endedElsewhere = 0; ///< on another thread than a worker's
    std::atomic<std::uint64_t> bytes = 0;
};

class CountingSink : public http::BodySink {
public:
    explicit CountingSink(Uploads& uploads) : uploads_(uploads) {}
    ~CountingSink() override {
        std::array<char, 16> thread{};
        ::pthread_getname_np(::pthread_self(), thread.data(), thread.size());
        uploads_.endedElsewhere += std::string_view(thread.data()) == "test" ? 0 : 1;
        uploads_.discarded += finished_ ? 0 : 1;
    }
    void append(std::span<const std::byte> bytes) override { uploads_.bytes += bytes.size(); }
    Response finish() override {
        finished_ = true;
        ++uploads_.finished;
        return http::emptyResponse(204);
    }

private:
    Uploads& uploads_;
    bool finished_ = false;
};

class Pieces : public http::BodySource {
public:
    std::string next() override {
        return left_ ? std::string(static_cast<std::size_t>(1000 * left_--), 'p') : std::string();
    }

private:
    int left_ = 3;
};

/// A server with a site of its own, on a free port.
struct Bench {
    test::Folder folder;
    RealAmbient ambient;
    Log log{{.level = Log::Level(99)}};
    Metrics metrics;
    Uploads uploads;
    std::atomic<bool> strangers = false; ///< nobody is let in any more
    std::atomic<int> fed = 0;            ///< how many pieces a feed has told
    std::atomic<int> costly = 0;         ///< requests that were worked on
    std::unique_ptr<Workers> workers;
    std::unique_ptr<http::Server> server;
    std::uint16_t port = 0;

    explicit Bench(http::ServerOptions options = {}, std::size_t workerCount = 8, std::size_t queueMax = 100,
                   std::uint64_t bodyBytesMax = 1000) {
        workers = std::make_unique<Workers>("test", workerCount, queueMax);
        server = std::make_unique<http::Server>(options, *workers, ambient, log, metrics);
        http::Site site;
        site.name = "thing";
        site.prefix = "/thing";
        site.bodyBytesMax = bodyBytesMax;
        const auto noRule = http::open("a test");
        site.gate = [this](Request& request) {
            if (request.headers.has("X-Stranger") || strangers) throw Error(Failure::Invalid, "a stranger");
        };
        site.routes = {
            {Method::Get, "/echo/{word}", noRule,
             [](Request& request) {
                 return http::textResponse(200, request.param("word") + "?" + request.query.text("q"));
             }},
            {Method::Get, "/echo/literal", noRule, [](Request&) { return http::textResponse(200, "the literal one"); }},
            {Method::Post, "/echo", noRule, [](Request& request) { return http::textResponse(201, request.body); }},
            {Method::Get, "/fails", noRule, [](Request&) -> Response { throw std::runtime_error("the secret cause"); }},
            {Method::Get, "/slow", noRule,
             [](Request&) {
                 std::this_thread::sleep_for(300ms);
                 return http::textResponse(200, "slow");
             },
             http::Runs::Worker},
            {Method::Get, "/large", noRule,
             [](Request&) { return http::textResponse(200, std::string(12 << 20, 'l')); }},
            {Method::Get, "/header", noRule,
             [](Request& request) {
                 auto response = http::emptyResponse(204);
                 response.headers.add("X-Out", request.query.text("v"));
                 return response;
             }},
            {Method::Get, "/pieces", noRule,
             [](Request&) {
                 Response response;
                 response.source = std::make_unique<Pieces>();
                 return response;
             }},
            {Method::Get, "/feed", noRule,
             [this](Request& request) {
                 Response response;
                 response.feed = [this, most = request.query.integer("most", 0, 9).value_or(1)]() mutable {
                     if (most-- == 0) return std::optional<std::string>();
                     ++fed;
                     return std::optional<std::string>(most % 2 == 0 ? "told" : "");
                 };
                 return response;
             }},
            {Method::Get, "/endless", noRule,
             [this](Request&) {
                 Response response;
                 response.feed = [this] {
                     ++fed;
                     return std::optional<std::string>("");
                 };
                 return response;
             }},
            {Method::Get, "/file", noRule,
             [this](Request&) {
                 Response response;
                 response.file = http::FileBody{Fd(::open((folder / "f").c_str(), O_RDONLY | O_CLOEXEC)), 1, 500000};
                 return response;
             }},
            {.method = Method::Post,
             .pattern = "/costly",
             .access = noRule,
             .handler =
                 [this](Request&) {
                     ++costly;
                     std::this_thread::sleep_for(100ms);
                     return http::textResponse(200, "costly");
                 },
             .isCostly = [](const Request& request) { return request.query.has("really"); }},
            {Method::Put, "/upload", noRule, http::Upload([this](Request& request) -> std::unique_ptr<http::BodySink> {
                 if (request.query.has("refuse")) throw Error(Failure::Conflict, "not now");
                 return std::make_unique<CountingSink>(uploads);
             })},
        };
        server->add(std::move(site));
        port = server->listen("127.0.0.1", 0);
        server->start();
    }

    ~Bench() {
        server->drain(1s);
        workers->finish();
    }
};

/// A plain connection that says what it is told, and hears until the other side ends or nothing comes for a while.
class Line {
public:
    explicit Line(std::uint16_t port, std::uint32_t from = INADDR_LOOPBACK)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(from);
        REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    }

    Line& says(std::string_view text) {
        while (!text.empty()) {
            const auto sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) break;
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
        return *this;
    }

    /// What is said until it is quiet for so long. Its beginning is waited for as long as a busy machine may take.
    std::string hears(std::chrono::milliseconds quiet = 150ms) { return hears(10s, quiet); }

    /// What is said within this time, which may well be nothing.
    std::string listens(std::chrono::milliseconds quiet) { return hears(quiet, quiet); }

    std::string hears(std::chrono::milliseconds first, std::chrono::milliseconds quiet) {
        std::string heard;
        for (;;) {
            pollfd watched{fd_.get(), POLLIN, 0};
            if (::poll(&watched, 1, static_cast<int>((heard.empty() ? first : quiet).count())) <= 0) return heard;
            char buffer[65536];
            const auto got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
            if (got <= 0) {
                ended_ = true;
                return heard;
            }
            heard.append(buffer, static_cast<std::size_t>(got));
        }
    }

    /// One answer with a Content-Length, whole, however long it takes within reason; what came where the connection
    /// ended.
    std::string answer() {
        std::string heard;
        for (const auto until = std::chrono::steady_clock::now() + 10s;
             std::chrono::steady_clock::now() < until && !ended_;) {
            const auto head = heard.find("\r\n\r\n"), length = heard.find("Content-Length: ");
            if (head != std::string::npos && length < head &&
                heard.size() >= head + 4 + std::stoul(heard.substr(length + 16)))
                break;
            heard += listens(5ms);
        }
        return heard;
    }

    /// `bytes` of what comes, and no more.
    std::string takes(std::size_t bytes) {
        std::string taken(bytes, '\0');
        const auto got = ::recv(fd_.get(), taken.data(), bytes, 0);
        if (got <= 0) ended_ = true;
        taken.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        return taken;
    }

    bool ended() const { return ended_; }
    void hangsUp() { fd_ = Fd(); }

private:
    Fd fd_;
    bool ended_ = false;
};

std::string bodyOf(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

}

TEST_CASE("A request is answered the same in however many pieces it comes", "[http]") {
    Bench bench;
    const std::string request = "POST /thing/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    for (std::size_t cut = 1; cut < request.size(); cut += 3) {
        Line line(bench.port);
        line.says(request.substr(0, cut));
        std::this_thread::sleep_for(2ms);
        CHECK(bodyOf(line.says(request.substr(cut)).answer()) == "hello");
    }
    Line slowly(bench.port);
    for (const char each : request) slowly.says(std::string(1, each));
    CHECK(bodyOf(slowly.hears()) == "hello");
}

TEST_CASE("A body is any bytes, in however many pieces they come", "[http]") {
    Bench bench;
    const std::string body = "\r\n\r0\r\n\r\n\r", head = "POST /thing/echo HTTP/1.1\r\nHost: x\r\n";
    Line plain(bench.port), chunked(bench.port);
    const auto slowly = [](Line& line, const std::string& text) {
        for (const char each : text) {
            line.says(std::string(1, each));
            std::this_thread::sleep_for(1ms);
        }
        return bodyOf(line.hears());
    };
    CHECK(slowly(plain, head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body) == body);
    CHECK(slowly(chunked, head + "Transfer-Encoding: chunked\r\n\r\n1\r\n\r\r\n2\r\n\r\n\r\n0\r\nX: y\r\n\r\n") ==
          "\r\r\n");
}

TEST_CASE("Several requests in one packet get their answers in order", "[http]") {
    Bench bench;
    std::string requests;
    for (const auto* each : {"a", "b", "c"})
        requests += "GET /thing/echo/" + std::string(each) + " HTTP/1.1\r\nHost: x\r\n\r\n";
    const auto heard = Line(bench.port).says(requests).hears();
    const auto a = heard.find("a?"), b = heard.find("b?"), c = heard.find("c?");
    CHECK(a < b);
    CHECK(b < c);
    CHECK(c != std::string::npos);
}

TEST_CASE("A chunked body is put together", "[http]") {
    Bench bench;
    Line line(bench.port);
    line.says("POST /thing/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
              "chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n");
    CHECK(bodyOf(line.hears()) == "abcdefg");
}

TEST_CASE("What is no HTTP gets 400 and the connection ends", "[http]") {
    Bench bench;
    for (const auto& bad : std::vector<std::string>{
             "nonsense\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
             "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
             "POST /thing/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
             "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"}) {
        INFO(bad);
        Line line(bench.port);
        const auto heard = line.says(bad).hears(2500ms);
        CHECK_THAT(heard, StartsWith("HTTP/1.1 400"));
        CHECK_THAT(heard, Contains("x-openstack-request-id") || Contains("Connection: close"));
        CHECK(line.ended());
    }
}

TEST_CASE("A body that another reader would take for a request is refused, and the connection ends", "[http]") {
    Bench bench;
    const std::string inner = "GET /thing/echo/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    for (const auto& [version, codings] : std::vector<std::pair<std::string, std::string>>{
             {"1.1", "Transfer-Encoding: chunked, identity\r\n"},
             {"1.1", "Transfer-Encoding: identity\r\n"},
             {"1.1", "Transfer-Encoding: gzip, chunked\r\n"},
             {"1.1", "Transfer-Encoding: xchunked\r\n"},
             {"1.1", "Transfer-Encoding: chunked;q=1\r\n"},
             {"1.1", "Transfer-Encoding: \"chunked\"\r\n"},
             {"1.1", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"},
             {"1.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"},
             {"1.1", "Transfer-Encoding:\r\n"},
             {"1.0", "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n"}}) {
        INFO(codings);
        Line line(bench.port);
        const auto heard =
            line.says("POST /thing/echo HTTP/" + version + "\r\nHost: x\r\n" + codings + "\r\n0\r\n\r\n" + inner)
                .hears(2500ms);
        CHECK_THAT(heard, StartsWith("HTTP/1.1 400") && !Contains("smuggled"));
        CHECK(line.ended());
    }
    CHECK_THAT(
        Line(bench.port)
            .says("POST /thing/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")
            .hears(),
        StartsWith("HTTP/1.1 201"));
}

TEST_CASE("A request names one host", "[http]") {
    Bench bench;
    const auto ask = [&](const std::string& version, const std::string& hosts) {
        return Line(bench.port)
            .says("GET /thing/echo/a HTTP/" + version + "\r\n" + hosts + "\r\n")
            .answer()
            .substr(0, 12);
    };
    for (const auto* good : {"x", "cloud.example:8780", "[::1]", "[fe80::1]:80", "127.0.0.1", "a_b", "a%20b", "x:"}) {
        INFO(good);
        CHECK(ask("1.1", "Host: " + std::string(good) + "\r\n") == "HTTP/1.1 200");
    }
    for (const auto* bad : {"", "a b", "x/y", "x@y", "x:80:80", "x:port", "x:123456", "[::1", "[]", "[x]", ":80",
                            "x,y z", "a%2", "\xff"}) {
        INFO(bad);
        CHECK(ask("1.1", "Host: " + std::string(bad) + "\r\n") == "HTTP/1.1 400");
    }
    CHECK(ask("1.1", "") == "HTTP/1.1 400");
    CHECK(ask("1.1", "Host: x\r\nHost: x\r\n") == "HTTP/1.1 400");
    CHECK(ask("1.0", "") == "HTTP/1.1 200");
}

TEST_CASE("A few empty lines in front of a request are passed over", "[http]") {
    Bench bench;
    Line line(bench.port);
    CHECK(bodyOf(line.says("\r\n\r\nGET /thing/echo/a HTTP/1.1\r\nHost: x\r\n\r\n").hears()) == "a?");
    CHECK(bodyOf(line.says("\r").says("\nGET /thing/echo/b HTTP/1.1\r\nHost: x\r\n\r\n").hears()) == "b?");
    std::string endless;
    for (int each = 0; each < 100; ++each) endless += "\r\n";
    CHECK_THAT(Line(bench.port).says(endless).hears(2500ms), StartsWith("HTTP/1.1 400"));
}

TEST_CASE("Letters that are written as percent signs name the same thing, separators do not", "[http]") {
    Bench bench;
    const auto ask = [&](const std::string& path) {
        return bodyOf(Line(bench.port).says("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n").answer());
    };
    CHECK(ask("/%74hing/ech%6f/liter%61l") == "the literal one");
    CHECK(ask("/thing/ech%6F/w%2dx%7E") == "w-x~?");
    CHECK(ask("/thing%2Fecho/word") == "404 Not Found\n");
    CHECK(ask("/thing/echo%2Fword") == "Not Found\n");
    CHECK(ask("/thing/echo/100%25") == "100%?");
    CHECK(ask("/thing/echo/%7") == "%7?");
}

TEST_CASE("A path or a query that is no text is refused, and does not come back", "[http]") {
    Bench bench;
    for (const auto* target : {"/thing/echo/%ff", "/thing/echo/%00", "/thing/echo/a%00b", "/thing/nowhere/%c3",
                               "/nowhere/%ff", "/thing/echo/a?q=%ff", "/thing/echo/a?%00=1", "/thing/echo/a?q=a%00b",
                               "/thing/echo/%ed%a0%80", "/thing/echo/%c0%80"}) {
        INFO(target);
        const auto heard =
            Line(bench.port).says("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n").answer();
        CHECK_THAT(heard, StartsWith("HTTP/1.1 400"));
        CHECK(isUtf8(heard));
    }
}

TEST_CASE("A query has so many parameters, and so many of one name", "[http]") {
    Bench bench;
    const auto ask = [&](std::size_t count, bool sameName) {
        std::string query;
        for (std::size_t each = 0; each < count; ++each)
            query += "&" + (sameName ? "tags" : "t" + std::to_string(each)) + "=x";
        return Line(bench.port)
            .says("GET /thing/echo/a?q=1" + query + " HTTP/1.1\r\nHost: x\r\n\r\n")
            .answer()
            .substr(0, 12);
    };
    CHECK(ask(http::Query::sameNameMax, true) == "HTTP/1.1 200");
    CHECK(ask(http::Query::sameNameMax + 1, true) == "HTTP/1.1 400");
    CHECK(ask(http::Query::parametersMax - 1, false) == "HTTP/1.1 200");
    CHECK(ask(http::Query::parametersMax, false) == "HTTP/1.1 400");
    CHECK(ask(1500, true) == "HTTP/1.1 400");
    CHECK(ask(3000, true) == "HTTP/1.1 414"); // longer than a target may be
}

TEST_CASE("The header of a chunk, and the trailer, have a bound", "[http]") {
    Bench bench({.headerBytesMax = 8 << 10});
    const std::string head = "POST /thing/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    CHECK_THAT(Line(bench.port).says(head + "1;" + std::string(20000, 'x')).hears(300ms), StartsWith("HTTP/1.1 431"));
    CHECK_THAT(Line(bench.port).says(head + "0\r\n" + "X: " + std::string(20000, 'x')).hears(300ms),
               StartsWith("HTTP/1.1 431"));
}

TEST_CASE("A range is a part that is there, however large the numbers are", "[http]") {
    const auto of = [](std::string_view header, std::uint64_t size) -> std::pair<std::uint64_t, std::uint64_t> {
        try {
            const auto range = http::rangeIn(header, size);
            return {range.first, range.length};
        } catch (const Error& refusal) {
            CHECK(refusal.failure() == Failure::Unsupported);
            return {0, 0};
        }
    };
    using Part = std::pair<std::uint64_t, std::uint64_t>;
    CHECK(of("bytes=0-9", 100) == Part{0, 10});
    CHECK(of("bytes=90-", 100) == Part{90, 10});
    CHECK(of("bytes=-10", 100) == Part{90, 10});
    CHECK(of("bytes=99-99999999999999999999", 100) == Part{99, 1});
    CHECK(of("bytes=-99999999999999999999", 100) == Part{0, 100});
    CHECK(of("Bytes=0-0", 1) == Part{0, 1});
    for (const auto* none : {"bytes=100-", "bytes=99999999999999999999-", "bytes=5-4", "bytes=-0", "bytes=-", "bytes=",
                             "bytes", "", "bytes=a-b", "bytes=1-2,4-5", "bytes=0--1", "bytes= 0-1", "items=0-1"}) {
        INFO(none);
        CHECK(of(none, 100) == Part{0, 0});
    }
    CHECK(of("bytes=0-0", 0) == Part{0, 0});
}

TEST_CASE("A header that is too large gets 431, a body that is too large 413, however it is announced", "[http]") {
    Bench bench({.headerBytesMax = 4096});
    CHECK_THAT(Line(bench.port).says("GET /thing/echo/a HTTP/1.1\r\nX: " + std::string(8000, 'x') + "\r\n\r\n").hears(),
               StartsWith("HTTP/1.1 431"));
    CHECK_THAT(Line(bench.port).says("POST /thing/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n").hears(),
               StartsWith("HTTP/1.1 413"));
    CHECK_THAT(Line(bench.port)
                   .says("POST /thing/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                         std::string(1001, 'x') + "\r\n0\r\n\r\n")
                   .hears(),
               StartsWith("HTTP/1.1 413"));
    CHECK_THAT(
        Line(bench.port)
            .says("POST /thing/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x'))
            .hears(),
        StartsWith("HTTP/1.1 201"));
}

TEST_CASE("A path that nobody serves is 404, a method that it does not know is 405", "[http]") {
    Bench bench;
    CHECK_THAT(Line(bench.port).says("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n").hears(), StartsWith("HTTP/1.1 404"));
    CHECK_THAT(Line(bench.port).says("GET /thing/nowhere HTTP/1.1\r\nHost: x\r\n\r\n").hears(),
               StartsWith("HTTP/1.1 404"));
    CHECK_THAT(Line(bench.port).says("GET /thingy/echo/a HTTP/1.1\r\nHost: x\r\n\r\n").hears(),
               StartsWith("HTTP/1.1 404"));
    CHECK_THAT(Line(bench.port).says("DELETE /thing/echo/a HTTP/1.1\r\nHost: x\r\n\r\n").hears(),
               StartsWith("HTTP/1.1 405"));
}

TEST_CASE("A literal segment wins over a name, and parts of a path are decoded", "[http]") {
    Bench bench;
    CHECK(bodyOf(Line(bench.port).says("GET /thing/echo/literal HTTP/1.1\r\nHost: x\r\n\r\n").hears()) ==
          "the literal one");
    CHECK(bodyOf(Line(bench.port).says("GET /thing/echo/a%2Fb%20c?q=%C3%A4+x HTTP/1.1\r\nHost: x\r\n\r\n").hears()) ==
          "a/b c?\xc3\xa4 x");
}

TEST_CASE("HEAD is answered as GET without the body", "[http]") {
    Bench bench;
    const auto heard = Line(bench.port).says("HEAD /thing/echo/word HTTP/1.1\r\nHost: x\r\n\r\n").hears();
    CHECK_THAT(heard, StartsWith("HTTP/1.1 200") && Contains("Content-Length: 5"));
    CHECK(bodyOf(heard).empty());
}

TEST_CASE("What a handler throws by mistake is a 500 that tells nothing", "[http]") {
    Bench bench;
    CHECK_THAT(Line(bench.port).says("GET /thing/fails HTTP/1.1\r\nHost: x\r\n\r\n").hears(),
               StartsWith("HTTP/1.1 500") && !Contains("secret"));
}

TEST_CASE("A value cannot begin a header of its own", "[http]") {
    Bench bench;
    CHECK_THAT(Line(bench.port).says("GET /thing/header?v=a%0d%0aSet-Cookie:%20x HTTP/1.1\r\nHost: x\r\n\r\n").hears(),
               !Contains("\nSet-Cookie"));
}

TEST_CASE("An upload is handed on as it comes, and discarded where the client hangs up", "[http]") {
    Bench bench;
    const std::string body(3 << 20, 'u');
    Line whole(bench.port);
    whole.says("PUT /thing/upload HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n")
        .says(body);
    CHECK_THAT(whole.hears(1000ms), StartsWith("HTTP/1.1 204"));
    CHECK(bench.uploads.bytes == body.size());
    CHECK(bench.uploads.finished == 1);

    Line cut(bench.port);
    cut.says("PUT /thing/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        .says(std::string(1000, 'u'))
        .hangsUp();
    for (int tries = 0; tries < 200 && bench.uploads.discarded == 0; ++tries) std::this_thread::sleep_for(5ms);
    CHECK(bench.uploads.discarded == 1);
    CHECK(bench.uploads.finished == 1);
}

TEST_CASE("A client that expects 100 is told to go on only where the upload is wanted", "[http]") {
    Bench bench;
    const std::string head = " HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    Line wanted(bench.port);
    CHECK_THAT(wanted.says("PUT /thing/upload" + head).hears(), StartsWith("HTTP/1.1 100"));
    CHECK_THAT(wanted.says("abc").hears(), StartsWith("HTTP/1.1 204"));
    CHECK_THAT(Line(bench.port).says("PUT /thing/upload?refuse" + head).hears(),
               StartsWith("HTTP/1.1 400") && !Contains("100 Continue"));
}

TEST_CASE("To wait for 100 is said in any case of letters, and only in HTTP/1.1", "[http]") {
    Bench bench;
    Line line(bench.port);
    CHECK_THAT(
        line.says("POST /thing/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-CONTINUE\r\n\r\n").hears(),
        StartsWith("HTTP/1.1 100"));
    CHECK_THAT(line.says("abc").hears(), StartsWith("HTTP/1.1 201"));
    CHECK(Line(bench.port)
              .says("POST /thing/echo HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
              .listens(150ms)
              .empty());
}

TEST_CASE("Who may not, and what is nowhere or too large, is answered before the body comes", "[http]") {
    Bench bench;
    const auto refused = [&](const std::string& what, const std::string& headers) {
        Line line(bench.port);
        const auto heard = line.says(what + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n").hears();
        CHECK_THAT(heard, !Contains("100 Continue"));
        return heard.substr(0, 12);
    };
    CHECK(refused("POST /thing/echo", "X-Stranger: yes\r\nContent-Length: 900\r\n") == "HTTP/1.1 400");
    CHECK(refused("POST /thing/echo", "X-Stranger: yes\r\nContent-Length: 900\r\nExpect: 100-continue\r\n") ==
          "HTTP/1.1 400");
    CHECK(refused("POST /thing/echo", "X-Stranger: yes\r\nTransfer-Encoding: chunked\r\n") == "HTTP/1.1 400");
    CHECK(refused("POST /thing/nowhere", "Content-Length: 900\r\n") == "HTTP/1.1 404");
    CHECK(refused("DELETE /thing/echo/a", "Content-Length: 900\r\n") == "HTTP/1.1 405");
    CHECK(refused("POST /nowhere", "Content-Length: 900\r\n") == "HTTP/1.1 404");
    CHECK(refused("POST /thing/echo", "Content-Length: 90000000\r\n") == "HTTP/1.1 413");
}

TEST_CASE("After a refusal a small body is passed over, and the connection serves on", "[http]") {
    Bench bench;
    Line line(bench.port);
    const std::string inner = "GET /thing/echo/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    line.says("POST /thing/echo HTTP/1.1\r\nHost: x\r\nX-Stranger: yes\r\nContent-Length: " +
              std::to_string(inner.size()) + "\r\n\r\n");
    CHECK_THAT(line.hears(), StartsWith("HTTP/1.1 400") && Contains("keep-alive"));
    CHECK(bodyOf(line.says(inner + "GET /thing/echo/b HTTP/1.1\r\nHost: x\r\n\r\n").hears()) == "b?");
}

TEST_CASE("A refused upload gets its answer although the client is still sending", "[http]") {
    Bench bench;
    Line line(bench.port);
    line.says("PUT /thing/upload?refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n")
        .says(std::string(2000000, 'u'));
    CHECK_THAT(line.hears(500ms), StartsWith("HTTP/1.1 400"));
}

TEST_CASE("A body is made while it is sent, and a part of a file is sent as it is", "[http]") {
    Bench bench;
    CHECK_THAT(Line(bench.port).says("GET /thing/pieces HTTP/1.1\r\nHost: x\r\n\r\n").hears(),
               Contains("Transfer-Encoding: chunked") && Contains("\r\nbb8\r\n") && Catch::EndsWith("0\r\n\r\n"));
    std::ofstream(bench.folder / "f") << "-" << std::string(500000, 'f') << "-";
    CHECK(bodyOf(Line(bench.port).says("GET /thing/file HTTP/1.1\r\nHost: x\r\n\r\n").hears()) ==
          std::string(500000, 'f'));
}

TEST_CASE("A feed is sent piece by piece until it ends, and its connection with it", "[http]") {
    Bench bench;
    const auto heard = Line(bench.port).says("GET /thing/feed?most=3 HTTP/1.1\r\nHost: x\r\n\r\n").hears();
    CHECK_THAT(heard, Contains("Transfer-Encoding: chunked") && Contains("Connection: close") &&
                          Catch::EndsWith("\r\n\r\n4\r\ntold\r\n4\r\ntold\r\n0\r\n\r\n"));
    CHECK(bench.fed == 3);
}

TEST_CASE("A feed ends where its request would be refused by now, where the client has gone, and where we end",
          "[http]") {
    Bench bench({.idleTimeout = 300ms, .stallTimeout = 300ms});
    const std::string asked = "GET /thing/endless HTTP/1.1\r\nHost: x\r\n\r\n";
    {
        Line line(bench.port);
        line.says(asked);
        CHECK(line.hears(1500ms).find("\r\n0\r\n") == std::string::npos); // silence is no reason
        CHECK(bench.fed > 5);
        bench.strangers = true;
        CHECK_THAT(line.hears(3000ms), Catch::EndsWith("0\r\n\r\n"));
        bench.strangers = false;
    }
    Line line(bench.port);
    line.says(asked).hears(200ms);
    const auto begun = std::chrono::steady_clock::now();
    bench.server->drain(10s);
    CHECK(std::chrono::steady_clock::now() - begun < 3s);
    CHECK_THAT(line.hears(1000ms), Catch::EndsWith("0\r\n\r\n"));
}

TEST_CASE("A connection that says nothing, or stops in the middle, is closed in time", "[http]") {
    Bench bench({.headerTimeout = 300ms, .idleTimeout = 300ms, .stallTimeout = 300ms});
    for (const auto* each : {"", "GET /thing/echo/a HTTP/1.1\r\nHo",
                             "POST /thing/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
                             "PUT /thing/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"}) {
        INFO(each);
        Line line(bench.port);
        line.says(each).hears(2000ms);
        CHECK(line.ended());
    }
    // Nor does a header that comes a byte at a time keep it open.
    Line drip(bench.port);
    const auto began = std::chrono::steady_clock::now();
    for (int each = 0; each < 200 && !drip.ended(); ++each) {
        drip.says(each == 0 ? "GET / HTTP/1.1\r\nX: " : "x");
        drip.listens(50ms);
    }
    CHECK(drip.ended());
    CHECK(std::chrono::steady_clock::now() - began < 10s); // a byte each 50 ms could keep it for ever
}

TEST_CASE("Where the workers are busy past their queue, the answer is 503 with Retry-After", "[http]") {
    Bench bench({}, 1, 1);
    std::vector<std::unique_ptr<Line>> lines;
    for (int each = 0; each < 6; ++each) lines.push_back(std::make_unique<Line>(bench.port));
    for (auto& each : lines) each->says("GET /thing/slow HTTP/1.1\r\nHost: x\r\n\r\n");
    int busy = 0, answered = 0;
    for (auto& each : lines) {
        const auto heard = each->hears(1500ms);
        if (heard.starts_with("HTTP/1.1 503") && heard.find("Retry-After") != std::string::npos) ++busy;
        if (heard.starts_with("HTTP/1.1 200")) ++answered;
    }
    CHECK(busy >= 1);
    CHECK(answered >= 1);
    CHECK(busy + answered == 6);
}

TEST_CASE("An upload waits for the workers while others are sent away, and ends on one of them", "[http]") {
    Bench bench({}, 1, 1);
    std::vector<std::unique_ptr<Line>> crowd;
    for (int each = 0; each < 4; ++each) crowd.push_back(std::make_unique<Line>(bench.port));
    for (auto& each : crowd) each->says("GET /thing/slow HTTP/1.1\r\nHost: x\r\n\r\n");
    std::this_thread::sleep_for(50ms);
    const std::string body(2 << 20, 'u');
    Line whole(bench.port), cut(bench.port);
    whole.says("PUT /thing/upload HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n")
        .says(body);
    cut.says("PUT /thing/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n").says(std::string(1000, 'u'));
    int busy = 0;
    for (auto& each : crowd) busy += each->hears(1500ms).starts_with("HTTP/1.1 503") ? 1 : 0;
    CHECK(busy >= 1);
    CHECK_THAT(whole.hears(2000ms), StartsWith("HTTP/1.1 204"));
    cut.hangsUp();
    for (int tries = 0; tries < 400 && bench.uploads.discarded == 0; ++tries) std::this_thread::sleep_for(5ms);
    CHECK(bench.uploads.discarded == 1);
    CHECK(bench.uploads.finished == 1);
    CHECK(bench.uploads.endedElsewhere == 0);
}

TEST_CASE("A body has a time to be there in, and an upload a least speed", "[http]") {
    Bench bench({.stallTimeout = 400ms, .bodyTimeout = 1200ms, .bytesPerSecondLeast = 1000});
    const auto lasts = [&](const std::string& head, std::size_t bytesEach, int times) {
        Line line(bench.port);
        line.says(head);
        for (int each = 0; each < times && !line.ended(); ++each) {
            line.says(std::string(bytesEach, 'x'));
            line.listens(40ms);
        }
        return !line.ended();
    };
    const std::string upload = "PUT /thing/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
    CHECK_FALSE(lasts(upload, 1, 60)); // a byte each 40 ms
    CHECK(lasts(upload, 200, 60));
    CHECK_FALSE(lasts("POST /thing/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n", 15,
                      59)); // fast enough, but not there in time
}

TEST_CASE("An answer leaves as long as it moves, however long it takes in all", "[http]") {
    Bench bench({.stallTimeout = 600ms, .bytesPerSecondLeast = 1000});
    Line slow(bench.port);
    slow.says("GET /thing/large HTTP/1.1\r\nHost: x\r\n\r\n");
    std::size_t taken = 0;
    const auto began = std::chrono::steady_clock::now();
    while (!slow.ended() && taken < (12 << 20)) {
        taken += slow.takes(64 << 10).size();
        std::this_thread::sleep_for(std::chrono::steady_clock::now() - began < 3s ? 50ms : 0ms);
    }
    CHECK(taken >= (12 << 20));
    CHECK(std::chrono::steady_clock::now() - began > 2s);
    Line deaf(bench.port);
    deaf.says("GET /thing/large HTTP/1.1\r\nHost: x\r\n\r\n");
    std::this_thread::sleep_for(2500ms); // the server gives up meanwhile
    std::size_t left = 0;
    while (!deaf.ended()) left += deaf.takes(1 << 20).size();
    CHECK(left < (12 << 20));
}

TEST_CASE("One peer cannot take all the connections, nor can one network's guests those of others or of the API",
          "[http]") {
    Bench bench({.connectionsPerPeerMax = 5, .connectionsPerPlaceMax = 8});
    const auto adoptAt = [&](const std::string& place) {
        Fd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
        REQUIRE(::listen(listening.get(), 64) == 0);
        socklen_t size = sizeof at;
        REQUIRE(::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
        bench.server->adopt(std::move(listening), place, "thing", place);
        return ntohs(at.sin_port);
    };
    const auto one = adoptAt("one"), other = adoptAt("other");
    const auto answers = [](std::uint16_t port, const std::string& prefix, std::uint32_t from) {
        return Line(port, from)
            .says("GET " + prefix + "/echo/a HTTP/1.1\r\nHost: x\r\n\r\n")
            .hears()
            .starts_with("HTTP/1.1 200");
    };
    const std::uint32_t here = INADDR_LOOPBACK, there = INADDR_LOOPBACK + 1;
    std::vector<std::unique_ptr<Line>> idle;
    const auto crowd = [&](std::uint16_t port, std::uint32_t from, int count) {
        for (int each = 0; each < count; ++each) idle.push_back(std::make_unique<Line>(port, from));
        std::this_thread::sleep_for(100ms);
    };
    crowd(one, here, 12);
    CHECK_FALSE(answers(one, "", here));
    CHECK(answers(one, "", there)); // a neighbour on the same network
    for (std::uint32_t each = 1; each < 8; ++each) crowd(one, there + each, 2);
    CHECK_FALSE(answers(one, "", there)); // that network's are all taken
    CHECK(answers(other, "", here));
    CHECK(answers(bench.port, "/thing", here));
    crowd(bench.port, here, 20);
    CHECK_FALSE(answers(bench.port, "/thing", here));
    CHECK(answers(bench.port, "/thing", there));
    idle.clear();
    for (int tries = 0; tries < 100 && !answers(bench.port, "/thing", here); ++tries) std::this_thread::sleep_for(20ms);
    CHECK(answers(bench.port, "/thing", here));
    CHECK(answers(one, "", here));
}

TEST_CASE("What connections hold together, and those of one peer, has a bound, and small requests pass beside it",
          "[http]") {
    Bench bench({.bufferedBytesMax = 400 << 10, .bufferedBytesPerPeerMax = 200 << 10}, 8, 100, 1 << 20);
    const auto large = [&](std::uint32_t from, bool whole) {
        auto line = std::make_unique<Line>(bench.port, from);
        line->says("POST /thing/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" +
                   std::string(whole ? 70000 : 69000, 'x'));
        return line;
    };
    const auto small = [&](std::uint32_t from) {
        return Line(bench.port, from)
            .says("POST /thing/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
            .hears()
            .substr(0, 12);
    };
    const std::uint32_t here = INADDR_LOOPBACK;
    auto first = large(here, false);
    CHECK(first->listens(150ms).empty());
    CHECK_THAT(large(here, true)->hears(),
               StartsWith("HTTP/1.1 503") && Contains("Retry-After")); // its peer's part is taken
    CHECK(small(here) == "HTTP/1.1 201");
    auto second = large(here + 1, false), third = large(here + 2, false);
    CHECK(second->listens(150ms).empty());
    CHECK(third->listens(150ms).empty());
    CHECK_THAT(large(here + 3, true)->hears(), StartsWith("HTTP/1.1 503")); // that of all together is
    CHECK(small(here + 3) == "HTTP/1.1 201");
    CHECK_THAT(first->says(std::string(1000, 'x')).hears(), StartsWith("HTTP/1.1 201"));
    CHECK_THAT(large(here, true)->hears(), StartsWith("HTTP/1.1 201"));
}

TEST_CASE(
    "What is costly has a lane of its own: nothing else waits for it, addresses take turns, and too much gets 503",
    "[http]") {
    http::ServerOptions options;
    options.costlyQueue = 4;
    Bench bench(options, 1);
    const std::string post = "POST /thing/costly?really HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    std::vector<std::unique_ptr<Line>> flood;
    for (int each = 0; each < 12; ++each) flood.push_back(std::make_unique<Line>(bench.port));
    for (auto& each : flood) each->says(post);
    while (bench.costly == 0) std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(20ms);

    Line plain(bench.port), other(bench.port, INADDR_LOOPBACK + 1);
    other.says(post);
    // The only worker is free, and the costly route isn't costly each time.
    CHECK_THAT(plain.says("POST /thing/costly HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").answer(),
               StartsWith("HTTP/1.1 200"));
    CHECK_THAT(other.answer(), StartsWith("HTTP/1.1 200"));
    const int done = bench.costly;

    int busy = 0, answered = 0;
    for (auto& each : flood) {
        const auto heard = each->hears(300ms);
        if (heard.starts_with("HTTP/1.1 503") && heard.find("Retry-After") != std::string::npos) ++busy;
        if (heard.starts_with("HTTP/1.1 200")) ++answered;
    }
    CHECK(busy >= 7);
    CHECK(answered >= 3);
    CHECK(busy + answered == 12);
    CHECK(done < bench.costly); // of the flood something was still to come when those two had their answers
}

TEST_CASE("What is costly is not done for a client that has hung up", "[http]") {
    Bench bench;
    const std::string post = "POST /thing/costly?really HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    std::vector<std::unique_ptr<Line>> lines;
    for (int each = 0; each < 5; ++each) {
        lines.push_back(std::make_unique<Line>(bench.port));
        lines.back()->says(post);
        std::this_thread::sleep_for(10ms);
    }
    for (std::size_t each = 1; each < lines.size(); ++each) lines[each]->hangsUp();
    CHECK_THAT(lines.front()->hears(500ms), StartsWith("HTTP/1.1 200"));
    CHECK_THAT(Line(bench.port).says(post).hears(500ms), StartsWith("HTTP/1.1 200"));
    CHECK(bench.costly == 2);
}

TEST_CASE("Draining lets a request end and then takes no more", "[http]") {
    Bench bench;
    Line line(bench.port);
    line.says("GET /thing/slow HTTP/1.1\r\nHost: x\r\n\r\n");
    std::this_thread::sleep_for(50ms);
    std::thread drain([&] { bench.server->drain(5s); });
    const auto heard = line.hears(1000ms);
    drain.join();
    CHECK_THAT(heard, StartsWith("HTTP/1.1 200") && Contains("Connection: close"));
    CHECK(line.ended());
}

TEST_CASE("Paths without end cost no memory", "[http][S16][memory]") {
    Bench bench;
    const auto resident = [] {
        std::ifstream in("/proc/self/statm");
        long size = 0, pages = 0;
        in >> size >> pages;
        return pages * 4096;
    };
    const auto ask = [&](int from, int to) {
        Line line(bench.port);
        for (int each = from; each < to; each += 100) {
            std::string batch;
            for (int one = each; one < each + 100; ++one)
                batch += "GET /thing/no/" + std::to_string(one * 7919) + "/such HTTP/1.1\r\nHost: x\r\n\r\n";
            line.says(batch);
            std::size_t answers = 0;
            while (answers < 100) {
                const auto heard = line.hears(20ms);
                if (heard.empty()) break;
                for (auto at = heard.find("HTTP/1.1 404"); at != std::string::npos;
                     at = heard.find("HTTP/1.1 404", at + 1))
                    ++answers;
            }
        }
    };
    ask(0, 2000);
    const auto before = resident();
    ask(2000, 22000);
    CHECK(resident() - before < 1 << 20);
}

TEST_CASE("TLS is served with the given certificate, and a new one is taken without a restart", "[http]") {
    test::Folder folder;
    const auto certify = [&](const std::string& name) {
        process::run({.argv = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                               "-nodes", "-days", "2", "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1",
                               "-keyout", (folder / "key").string(), "-out", (folder / "cert").string()}})
            .expectSuccess();
    };
    certify("first");
    Bench bench({.certificateFile = (folder / "cert").string(), .keyFile = (folder / "key").string()});
    const auto ask = [&] {
        return process::run({.argv = {"curl", "-sv", "--cacert", (folder / "cert").string(),
                                      "https://127.0.0.1:" + std::to_string(bench.port) + "/thing/echo/tls"}});
    };
    CHECK(ask().out == "tls?");
    certify("second");
    bench.server->reloadCertificate();
    const auto second = ask();
    CHECK(second.out == "tls?");
    CHECK_THAT(second.err, Contains("CN=second"));
    std::ofstream(folder / "cert") << "no certificate";
    CHECK_THROWS_AS(bench.server->reloadCertificate(), Error);
}
