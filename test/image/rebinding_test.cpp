#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <exception>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <stratolet/error.hpp>

#include "image/import/web_source.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/process.hpp"
#include "support/folder.hpp"
#include "support/web_server.hpp"

// A name server that changes its mind, asked by the C library as ever: in a network of the test's own, with a
// resolv.conf of its own.

using namespace stratolet;
using namespace stratolet::test;

namespace {

constexpr std::uint32_t publicAddress = 0x7f000002,
                        privateAddress = 0x7f000001; // 127.0.0.2 is allowed here, 127.0.0.1 is not

using Answers = std::vector<std::vector<std::uint32_t>>;

/// Answers each question for an IPv4 address by the next of its lists (the last one for ever), and knows no IPv6.
class NameServer {
public:
    explicit NameServer(Answers answers) : answers_(std::move(answers)) {
        socket_ = Fd(static_cast<int>(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket")));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(53);
        address.sin_addr.s_addr = htonl(privateAddress);
        check(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
        thread_ = std::thread([this] { serve(); });
    }
    ~NameServer() {
        ended_ = true;
        thread_.join();
    }
    int questions() const { return questions_; }

private:
    void serve() {
        while (!ended_) {
            pollfd watched{socket_.get(), POLLIN, 0};
            if (::poll(&watched, 1, 20) != 1) continue;
            char packet[512];
            sockaddr_in peer{};
            socklen_t length = sizeof peer;
            const auto got =
                ::recvfrom(socket_.get(), packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&peer), &length);
            if (got < 17) continue;
            const std::string question(packet, static_cast<std::size_t>(got));
            const auto end = question.find('\0', 12) + 5; // name, type, class
            const bool four = question.substr(end - 4, 2) == std::string("\0\1", 2);
            std::vector<std::uint32_t> told;
            if (four)
                told = answers_[std::min<std::size_t>(static_cast<std::size_t>(questions_++), answers_.size() - 1)];
            std::string answer = question.substr(0, 2) + std::string("\x81\x80\0\1\0", 5) +
                                 static_cast<char>(told.size()) + std::string(4, '\0') + question.substr(12, end - 12);
            for (const auto each : told) {
                const auto wire = htonl(each);
                answer += std::string("\xc0\x0c\0\1\0\1\0\0\0\0\0\4", 12) +
                          std::string(reinterpret_cast<const char*>(&wire), 4);
            }
            ::sendto(socket_.get(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&peer), length);
        }
    }

    Answers answers_;
    Fd socket_;
    std::atomic<int> questions_ = 0;
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};

/// Runs `work` where 127.0.0.1 is the name server of a network with nothing else in it. The test's own thread stays
/// where it is.
void inOwnNetwork(const std::function<void()>& work) {
    const Folder folder;
    const auto resolver = (folder / "resolv.conf").string(), hosts = (folder / "hosts").string();
    std::ofstream(resolver) << "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";
    std::ofstream(hosts) << "127.0.0.1 localhost\n";
    std::exception_ptr thrown;
    std::thread([&] {
        try {
            check(::unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_FS), "leave the host's network");
            check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "leave the host's mounts");
            check(::mount(resolver.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr), "set the name server");
            check(::mount(hosts.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr), "set the hosts");
            process::run({.argv = {"ip", "link", "set", "lo", "up"}}).expectSuccess();
            work();
        } catch (...) {
            thrown = std::current_exception();
        }
    }).join();
    if (thrown) std::rethrow_exception(thrown);
}

struct Fetched {
    std::string bytes, refusal;
};

Fetched fetched(const image::WebSource& source, const std::string& url) {
    Fetched outcome;
    try {
        source.fetch({.url = url, .bytesMax = 1 << 20}, [&](std::span<const std::byte> piece) {
            outcome.bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        });
    } catch (const Error& problem) {
        outcome.refusal = problem.what();
    }
    return outcome;
}

}

TEST_CASE("S6: a name that leads inside when it is asked again gives nothing from inside (DNS rebinding)",
          "[image][web][security]") {
    if (::geteuid() != 0) {
        WARN("skipped: only root can have a network of its own");
        return;
    }
    int inside = 0, asked = 0;
    Fetched first, second, both, onlyInside;
    inOwnNetwork([&] {
        WebServer open({{"/image", WebServer::page("for all")}, {"/moved", WebServer::redirect("/image")}},
                       publicAddress);
        const auto port = static_cast<std::uint16_t>(std::stoi(open.port()));
        WebServer secret({{"/image", WebServer::page("secret")}, {"/moved", WebServer::page("secret")}}, privateAddress,
                         port);
        const image::WebSource source(image::AddressRules({"127.0.0.2"}, {port}));
        const auto url = [&](const std::string& path) { return "http://rebinding.test:" + open.port() + path; };
        {
            const NameServer names(Answers{{publicAddress}, {privateAddress}});
            first = fetched(
                source, url("/moved")); // a connection for each of the two: what was checked is what is connected to
            second = fetched(source, url("/image"));
            asked = names.questions();
        }
        {
            const NameServer names(Answers{{privateAddress, publicAddress}});
            both = fetched(source, url("/image"));
        }
        {
            const NameServer names(Answers{{privateAddress}});
            onlyInside = fetched(source, url("/image"));
        }
        inside = secret.connections();
    });
    CHECK(first.bytes == "for all");
    CHECK(asked >= 2);
    CHECK(second.bytes.empty());
    CHECK(second.refusal.find("not a public one") != std::string::npos);
    CHECK(both.bytes.find("secret") == std::string::npos);
    CHECK(onlyInside.refusal.find("not a public one") != std::string::npos);
    CHECK(inside == 0);
}
