#include <catch2/catch.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stratolet/error.hpp>

#include "platform/ambient/ambient.hpp"
#include "platform/config/config.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/process.hpp"
#include "support/folder.hpp"

#include <fstream>
#include <thread>

using namespace stratolet;
using namespace std::chrono_literals;

TEST_CASE("A program gets its arguments as they are, its input, and nothing of our environment", "[process]") {
    ::setenv("SECRET_OF_OURS", "x", 1);
    CHECK(process::run({.argv = {"printf", "%s|", "a b", "$HOME;`id`", ""}}).out == "a b|$HOME;`id`||");
    CHECK(process::run({.argv = {"cat"}, .input = std::string(300000, 'x')}).out == std::string(300000, 'x'));
    CHECK_THAT(process::run({.argv = {"env"}}).out, !Catch::Contains("SECRET_OF_OURS"));
}

TEST_CASE("A program that fails is an error with its command, its code and the end of what it said", "[process]") {
    const auto outcome = process::run({.argv = {"sh", "-c", "echo because >&2; exit 3"}});
    CHECK(outcome.exitCode == 3);
    CHECK_THROWS_WITH(outcome.expectSuccess(), Catch::Contains("ended with 3") && Catch::Contains("because"));
    CHECK(process::run({.argv = {"/no/such/program"}}).exitCode == 127);
}

TEST_CASE("A program that takes too long is ended with all that it started", "[process]") {
    const auto began = std::chrono::steady_clock::now();
    const auto outcome = process::run({.argv = {"sh", "-c", "sleep 60 & sleep 60"}, .timeout = 200ms});
    CHECK(outcome.timedOut);
    CHECK_FALSE(outcome.succeeded());
    CHECK(std::chrono::steady_clock::now() - began < 5s);
}

TEST_CASE("A program's limits hold", "[process]") {
    const test::Folder folder;
    const auto file = (folder / "big").string();
    CHECK_FALSE(process::run({.argv = {"dd", "if=/dev/zero", "of=" + file, "bs=1M", "count=4"},
                              .limits = {.fileBytesMax = 1 << 20}})
                    .succeeded());
    CHECK(std::filesystem::file_size(file) <= 1 << 20);
    CHECK_FALSE(
        process::run({.argv = {"sh", "-c", "while :; do :; done"}, .timeout = 20s, .limits = {.cpuSecondsMax = 1}})
            .succeeded());
}

TEST_CASE("A daemon is known by its mark and can be ended; a stranger with its number is left alone", "[process]") {
    const int pid = process::spawn({.argv = {"sleep", "61.25"}});
    CHECK(process::runs(pid, "61.25"));
    CHECK_FALSE(process::runs(pid, "another mark"));
    process::end(pid, "another mark", 1s);
    CHECK(process::runs(pid, "61.25"));
    process::end(pid, "61.25", 2s);
    CHECK_FALSE(process::runs(pid, "61.25"));
}

TEST_CASE("A daemon that has been ended has let go of its addresses", "[process]") {
    const test::Folder folder;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto bound = [&] { // the port, or 0
        const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return 0;
        socklen_t size = sizeof address;
        ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
        return static_cast<int>(ntohs(address.sin_port));
    };
    const int port = bound(); // a free one; from here on `address` has it
    REQUIRE(port > 0);
    const auto isTaken = [port] {
        char local[32];
        std::snprintf(local, sizeof local, "0100007F:%04X ", static_cast<unsigned>(port));
        return test::contentOf("/proc/net/udp").find(local) != std::string::npos;
    };
    // It watches a folder, which takes the kernel a while to end, and closes that before the socket.
    const std::string program =
        "import ctypes, socket, time; libc = ctypes.CDLL(None); watch = libc.inotify_init(); "
        "libc.inotify_add_watch(watch, b'" +
        folder.path().string() +
        "', 0xfff); one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); one.bind(('127.0.0.1', " +
        std::to_string(port) + ")); time.sleep(60)";
    for (int round = 0; round < 15; ++round) {
        const int pid = process::spawn({.argv = {"python3", "-c", program}});
        // Looked up, not tried: a try would have the port when the daemon wants it.
        for (int look = 0; look < 1000 && !isTaken(); ++look) std::this_thread::sleep_for(10ms);
        REQUIRE(bound() == 0);
        process::end(pid, "inotify_add_watch", 5s);
        CHECK(bound() == port);
    }
}

TEST_CASE("A configuration file that says something unknown or wrong is refused with its line", "[config]") {
    const test::Folder folder;
    const auto complaintAbout = [&](const std::string& text) -> std::string {
        std::ofstream(folder / "c.conf") << text;
        Config config({{"DEFAULT", "listen", "", anyText()},
                       {"compute", "threads", "2", wholeNumber(1, 8)},
                       {"compute", "virt_type", "auto", oneOf({"auto", "kvm"})}});
        try {
            config.load(folder / "c.conf");
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    };
    CHECK(complaintAbout("# all well\nlisten = a, b\n[compute]\nthreads=8\n").empty());
    CHECK_THAT(complaintAbout("listen = a\n[nonsense]\n"), Catch::Contains("c.conf:2") && Catch::Contains("nonsense"));
    CHECK_THAT(complaintAbout("[compute]\nthread = 1\n"), Catch::Contains("c.conf:2") && Catch::Contains("\"thread\""));
    CHECK_THAT(complaintAbout("[compute]\nthreads = 9\n"), Catch::Contains("from 1 to 8"));
    CHECK_THAT(complaintAbout("[compute]\nvirt_type = xen\n"), Catch::Contains("auto kvm"));
    CHECK_THAT(complaintAbout("what\n"), Catch::Contains("c.conf:1"));
}

TEST_CASE("A type says what it takes, and takes nothing else", "[config]") {
    const test::Folder folder;
    std::ofstream(folder / "file") << "x";
    const auto file = (folder / "file").string(), here = folder.path().string(), nowhere = (folder / "typo").string();
    struct Row {
        ConfigType type;
        std::vector<std::string> good, bad;
    };
    for (const auto& [type, good, bad] : std::vector<Row>{
             {wholeNumber(-1, 9), {"-1", "9"}, {"", "10", "9x", " 1", "1.0", "99999999999999999999"}},
             {plainName(), {"R1", "region-one_2.x"}, {"", "R1 # x", "a b", "-a", "a$(b)", "\"a\"", "\xc3\xbc"}},
             {httpAddress(),
              {"https://cloud.example", "http://10.0.0.1:8780", "https://host/", "https://[::1]:80",
               "https://host/cloud"},
              {"", "cloud.example", "ftp://x", "ftp://x y", "https://", "https://x y", "https://u@x", "https://x:port",
               "https://x:0", "https://x:", "https://x:65536", "https://x?q", "https://x#f", "https://[x]",
               "https://[::1", "https://x//y", "HTTPS://x"}},
             {readableFile(), {file}, {"", here, nowhere, "file"}},
             {existingFolder(), {here}, {"", file, nowhere, "."}},
             {folderName(), {here, nowhere}, {"", file, "state"}},
             {orNothing(existingFolder()), {"", here}, {nowhere}},
             {listOf(wholeNumber(1, 9)), {"1", "1, 2,3"}, {"", ",", "1, 10", "1 2"}}}) {
        CHECK_FALSE(type.description.empty());
        for (const auto& each : good) {
            INFO(type.description << ": " << each);
            CHECK(type.complaint(each).empty());
        }
        for (const auto& each : bad) {
            INFO(type.description << ": " << each);
            CHECK_FALSE(type.complaint(each).empty());
        }
    }
}

TEST_CASE("Times are read and written as each service writes them", "[ambient]") {
    const auto time = parseIsoTime("2022-02-28T23:59:58.25Z");
    REQUIRE(time);
    CHECK(isoSecondsZ(*time) == "2022-02-28T23:59:58Z");
    CHECK(isoMicrosZ(*time) == "2022-02-28T23:59:58.250000Z");
    CHECK(isoMicros(*time) == "2022-02-28T23:59:58.250000");
    CHECK(parseIsoTime("2022-03-01T01:59:58.25+02:00") == time);
    CHECK(parseIsoTime("2022-03-01"));
    for (const auto* text : {"", "2022", "2022-13-01", "2022-02-30", "2022-02-28T24:00:00", "2022-02-28T1:00",
                             "yesterday", "2022-02-28T10:00:00X"})
        CHECK_FALSE(parseIsoTime(text));
}
