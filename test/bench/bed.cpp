// The test bed of the benches: `http DIR [USERS PROJECTS ASSIGNMENTS]` is the sandbox's cloud with one more route,
// /fixed, that answers 200 bytes and asks nobody who they are, and with so many people in it; `flush DIR` counts
// commits of almost empty changes by 64 callers, and single fsync'ed writes of 4 KiB, on the same disk; `digest DIR
// BYTES` times md5 beside sha512 on two threads, and a plain write with fsync.

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "appliance/appliance.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/log/log.hpp"
#include "platform/os/fd.hpp"
#include "platform/store/store.hpp"

namespace {

using namespace stratolet;
using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point began) { return std::chrono::duration<double>(Clock::now() - began).count(); }

struct Population {
    int users = 0, projects = 0, assignments = 0;
};

/// Writes straight into the store what would take an hour through the API.
void populate(store::Store& db, const Population& wanted) {
    db.write([&](store::Transaction& tx) {
        const auto role = tx.query("SELECT id FROM roles WHERE name = 'member'").maybeText().value();
        const auto id = [](const char* kind, int number) {
            auto text = std::to_string(number);
            return std::string(kind) + std::string(31 - text.size(), '0') + text;
        };
        for (int each = 0; each < wanted.projects; ++each)
            tx.execute("INSERT INTO projects (id, name, domain_id, parent_id, is_domain, enabled, description, "
                       "created, name_key) "
                       "VALUES (?, ?, 'default', 'default', 0, 1, '', ?, ?)",
                       id("a", each), "project " + std::to_string(each), each, "project " + std::to_string(each));
        for (int each = 0; each < wanted.users; ++each)
            tx.execute("INSERT INTO users (id, name, domain_id, enabled, password, tokens_valid_after, created, "
                       "name_key) VALUES (?, ?, "
                       "'default', 1, '', 0, ?, ?)",
                       id("b", each), "user " + std::to_string(each), each, "user " + std::to_string(each));
        for (int each = 0; each < wanted.assignments; ++each)
            tx.execute("INSERT OR IGNORE INTO assignments (actor_id, actor, scope, target_id, role_id, inherited) "
                       "VALUES (?, 'user', "
                       "'project', ?, ?, 0)",
                       id("b", each % wanted.users), id("a", (each / wanted.users * 397 + each) % wanted.projects),
                       role);
    });
}

int serveHttp(const std::string& folder, const Population& population) {
    Settings settings;
    settings.sandbox = true;
    settings.stateDir = folder;
    settings.listen = {{"127.0.0.1", 0}};
    settings.config.set("identity", "password_hash_rounds", "4", "bench");
    settings.config.set("DEFAULT", "policy_dir", "", "bench");
    Log log({.level = Log::Level::Error});
    RealAmbient ambient;
    Appliance appliance(std::move(settings), ambient, log);
    http::Site fixed;
    fixed.name = "fixed";
    fixed.prefix = "/fixed";
    fixed.routes = {{http::Method::Get, "/", http::open("the measure"),
                     [](http::Request&) { return http::textResponse(200, std::string(200, 'x')); }}};
    appliance.server().add(std::move(fixed));
    appliance.start();
    if (population.users > 0 && population.projects > 0) populate(appliance.store(), population);
    std::cout << "ready " << appliance.endpoint() << "/\n" << appliance.openrc() << std::flush;
    std::string line;
    while (std::getline(std::cin, line)) {
    } // until our parent closes the pipe
    appliance.stop();
    return 0;
}

int countFlushes(const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder);
    store::Store db({.file = folder / "flush.db"});
    // A transaction that changes nothing would not be flushed at all: each of these bumps a number.
    db.write([](store::Transaction& tx) {
        tx.execute("CREATE TABLE counters (id INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT");
        for (int each = 0; each < 64; ++each) tx.execute("INSERT INTO counters VALUES (?, 0)", each);
    });
    std::atomic<bool> stop = false;
    std::atomic<long> changes = 0;
    std::vector<std::thread> callers;
    const auto began = Clock::now();
    for (int each = 0; each < 64; ++each)
        callers.emplace_back([&, each] {
            for (; !stop; ++changes)
                db.write([&](store::Transaction& tx) {
                    tx.execute("UPDATE counters SET count = count + 1 WHERE id = ?", each);
                });
        });
    std::this_thread::sleep_for(std::chrono::seconds(3));
    stop = true;
    for (auto& each : callers) each.join();
    std::cout << "changes_per_second " << static_cast<double>(changes) / secondsSince(began) << '\n';

    const Fd file(static_cast<int>(
        check(::open((folder / "fsync").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), "open")));
    const std::string page(4096, 'x');
    long writes = 0;
    const auto start = Clock::now();
    for (; secondsSince(start) < 2; ++writes) {
        check(::pwrite(file.get(), page.data(), page.size(), writes * 4096), "write");
        check(::fsync(file.get()), "fsync");
    }
    std::cout << "fsyncs_per_second " << static_cast<double>(writes) / secondsSince(start) << '\n';
    return 0;
}

void digest(const EVP_MD* kind, const std::string& piece, std::int64_t bytes) {
    const Handle<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    EVP_DigestInit_ex(context.get(), kind, nullptr);
    for (std::int64_t done = 0; done < bytes; done += static_cast<std::int64_t>(piece.size()))
        EVP_DigestUpdate(context.get(), piece.data(), piece.size());
    unsigned char result[EVP_MAX_MD_SIZE];
    EVP_DigestFinal_ex(context.get(), result, nullptr);
}

int timeDigests(const std::filesystem::path& folder, std::int64_t bytes) {
    const std::string piece(1 << 20, 'x');
    auto began = Clock::now();
    std::thread beside([&] { digest(EVP_md5(), piece, bytes); });
    digest(EVP_sha512(), piece, bytes);
    beside.join();
    std::cout << "digest_seconds " << secondsSince(began) << '\n';

    const auto path = folder / "plain";
    const Fd file(
        static_cast<int>(check(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), "open")));
    began = Clock::now();
    for (std::int64_t done = 0; done < bytes; done += static_cast<std::int64_t>(piece.size()))
        check(::write(file.get(), piece.data(), piece.size()), "write");
    check(::fsync(file.get()), "fsync");
    std::cout << "write_seconds " << secondsSince(began) << '\n';
    std::filesystem::remove(path);
    return 0;
}

}

int main(int count, char** words) {
    const std::vector<std::string> given(words + 1, words + count);
    try {
        if (given.size() == 2 && given[0] == "http") return serveHttp(given[1], {});
        if (given.size() == 5 && given[0] == "http")
            return serveHttp(given[1], {std::stoi(given[2]), std::stoi(given[3]), std::stoi(given[4])});
        if (given.size() == 2 && given[0] == "flush") return countFlushes(given[1]);
        if (given.size() == 3 && given[0] == "digest") return timeDigests(given[1], std::stoll(given[2]));
    } catch (const std::exception& problem) {
        std::cerr << problem.what() << '\n';
        return 1;
    }
    std::cerr << "usage: bench_bed http DIR [USERS PROJECTS ASSIGNMENTS] | flush DIR | digest DIR BYTES\n";
    return 2;
}
