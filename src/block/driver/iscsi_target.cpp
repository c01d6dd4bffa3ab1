#include "block/driver/iscsi_target.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <sstream>
#include <thread>

#include <stratolet/error.hpp>

#include "platform/os/process.hpp"

namespace stratolet::block::iscsi {
namespace {

/// A target as tgtadm shows it.
struct Shown {
    int number = 0;
    bool hasUnit = false;
    std::vector<std::string> accounts, access, sessions;
};

process::Outcome tgtadm(const Daemon& daemon, std::vector<std::string> more) {
    std::vector<std::string> argv = {"tgtadm"};
    if (daemon.control != 0) argv.insert(argv.end(), {"--control-port", std::to_string(daemon.control)});
    argv.insert(argv.end(), {"--lld", "iscsi"});
    argv.insert(argv.end(), more.begin(), more.end());
    // One that has just started, or is busy, hangs up before it has heard anything.
    constexpr int notHeard = ENOTCONN, triesMax = 20;
    for (int tries = 1;; ++tries) {
        auto done = process::run({.argv = argv, .timeout = std::chrono::seconds(20)});
        if (done.exitCode != notHeard || tries == triesMax) return done;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

/// What a failure shows has no password in it.
void must(const Daemon& daemon, std::vector<std::string> more) {
    auto done = tgtadm(daemon, std::move(more));
    for (auto word = done.argv.begin(); word != done.argv.end(); ++word)
        if (*word == "--password") *std::next(word) = "…";
    done.expectSuccess();
}

std::string trimmed(const std::string& line) {
    const auto from = line.find_first_not_of(' ');
    return from == std::string::npos ? "" : line.substr(from);
}

/// All numbers that are taken, and the one that is asked for.
std::optional<Shown> find(const Daemon& daemon, const std::string& target, int& highest) {
    const auto said = tgtadm(daemon, {"--mode", "target", "--op", "show"});
    said.expectSuccess();
    std::optional<Shown> found;
    highest = 0;
    bool mine = false;
    std::vector<std::string>* list = nullptr;
    std::istringstream lines(said.out);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("Target ")) {
            const auto number = std::stoi(line.substr(7));
            highest = std::max(highest, number);
            mine = line.ends_with(": " + target);
            if (mine) found = Shown{.number = number, .hasUnit = false, .accounts = {}, .access = {}, .sessions = {}};
            continue;
        }
        if (!mine) continue;
        const auto text = trimmed(line);
        if (text.ends_with("information:")) {
            list = text.starts_with("Account") ? &found->accounts : text.starts_with("ACL") ? &found->access : nullptr;
        } else if (text == "LUN: 1") {
            found->hasUnit = true;
        } else if (list && !text.empty()) {
            list->push_back(text);
        }
    }
    return found;
}

std::optional<Shown> find(const Daemon& daemon, const std::string& target) {
    int ignored = 0;
    return find(daemon, target, ignored);
}

void addUnit(const Daemon& daemon, int number, const std::filesystem::path& file) {
    must(daemon, {"--mode", "logicalunit", "--op", "new", "--tid", std::to_string(number), "--lun", "1",
                  "--backing-store", file.string()});
}

bool answers(const Daemon& daemon) {
    const auto said = tgtadm(daemon, {"--mode", "sys", "--op", "show"});
    return said.succeeded() && said.out.find("iscsi: ready") != std::string::npos;
}

/// As tgtadm takes it, and as it shows it.
std::pair<std::string, std::string> accessOf(const Account& account) {
    if (!account.address.empty()) return {"--initiator-address", account.address};
    if (!account.initiator.empty()) return {"--initiator-name", account.initiator};
    return {"--initiator-address", "ALL"};
}

bool has(const std::vector<std::string>& list, const std::string& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
}

}

void ensureDaemon(const Daemon& daemon) {
    if (answers(daemon)) return;
    if (daemon.control == 0) throw Error(Failure::Invalid, "no tgtd answers on this host: install tgt and start it");
    process::spawn({.argv = {"tgtd", "-f", "-C", std::to_string(daemon.control), "--iscsi",
                             "portal=" + daemon.address + ":" + std::to_string(daemon.port)},
                    .netns = {},
                    .logFile = (daemon.folder / "tgtd.log").string()});
    for (int tries = 0; tries < 50; ++tries) {
        if (answers(daemon)) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    throw Error(Failure::Broken, "tgtd does not start: ", (daemon.folder / "tgtd.log").string(), " may say why");
}

void ensureTarget(const Daemon& daemon, const std::string& target, const std::filesystem::path& file,
                  const std::vector<Account>& accounts) {
    int highest = 0;
    auto there = find(daemon, target, highest);
    if (!there) {
        must(daemon, {"--mode", "target", "--op", "new", "--tid", std::to_string(highest + 1), "--targetname", target});
        there = find(daemon, target);
        if (!there) throw Error(Failure::Broken, "tgtd has no target ", target, " although it has made it");
    }
    const auto number = std::to_string(there->number);
    if (!there->hasUnit) addUnit(daemon, there->number, file);
    for (const auto& each : accounts) {
        // A target without an account asks for no password: access comes last.
        if (!has(there->accounts, each.user)) {
            tgtadm(daemon, {"--mode", "account", "--op", "delete", "--user", each.user});
            must(daemon, {"--mode", "account", "--op", "new", "--user", each.user, "--password", each.password});
            must(daemon, {"--mode", "account", "--op", "bind", "--tid", number, "--user", each.user});
        }
        const auto [option, value] = accessOf(each);
        if (!has(there->access, value))
            must(daemon, {"--mode", "target", "--op", "bind", "--tid", number, option, value});
        there->access.push_back(value);
    }
}

void renewUnit(const Daemon& daemon, const std::string& target, const std::filesystem::path& file) {
    const auto there = find(daemon, target);
    if (!there) return;
    if (there->hasUnit)
        must(daemon, {"--mode", "logicalunit", "--op", "delete", "--tid", std::to_string(there->number), "--lun", "1"});
    addUnit(daemon, there->number, file);
}

void removeTarget(const Daemon& daemon, const std::string& target) {
    const auto there = find(daemon, target);
    if (!there) return;
    must(daemon, {"--mode", "target", "--op", "delete", "--force", "--tid", std::to_string(there->number)});
    for (const auto& user : there->accounts) tgtadm(daemon, {"--mode", "account", "--op", "delete", "--user", user});
}

void removeAccount(const Daemon& daemon, const std::string& target, const Account& account) {
    const auto there = find(daemon, target);
    if (!there) return;
    const auto number = std::to_string(there->number);
    const auto [option, value] = accessOf(account);
    if (has(there->access, value)) must(daemon, {"--mode", "target", "--op", "unbind", "--tid", number, option, value});
    const auto mine = std::find(there->accounts.begin(), there->accounts.end(), account.user);
    if (mine == there->accounts.end()) return;
    // tgtd 1.0.85 comes to grief where an account leaves a gap in its list: those behind it go, and come again.
    const auto bind = [&](const std::string& user, const std::string& op) {
        must(daemon, {"--mode", "account", "--op", op, "--tid", number, "--user", user});
    };
    const std::vector<std::string> behind(std::next(mine), there->accounts.end());
    std::for_each(behind.rbegin(), behind.rend(), [&](const auto& user) { bind(user, "unbind"); });
    bind(account.user, "unbind");
    must(daemon, {"--mode", "account", "--op", "delete", "--user", account.user});
    for (const auto& user : behind) bind(user, "bind");
}

}
