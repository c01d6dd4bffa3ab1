#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

// The iSCSI target of this host, tgtd, by its own program tgtadm. It keeps nothing: what it serves is told to it anew
// whenever it has started.
namespace stratolet::block::iscsi {

/// Who serves. Any thread; the caller sees to it that one at a time changes a target.
struct Daemon {
    std::string address; ///< on which it listens
    std::uint16_t port = 3260;
    int control = 0; ///< tgtd's own number of its control socket; 0 is the system's tgtd, which runs already
    std::filesystem::path folder; ///< for the log of one that we have started
};

/// Who may reach a target: with this name and password, from this address or by this initiator name.
struct Account {
    std::string user, password;
    std::string address, initiator; ///< empty: from anywhere, of any name
};

/// tgtd runs: ours is started where it doesn't, and goes on when this program ends (guests use it). Error(Invalid)
/// where the system's isn't there.
void ensureDaemon(const Daemon& daemon);

/// The target serves `file` as its only unit to these accounts, and to nobody else.
void ensureTarget(const Daemon& daemon, const std::string& target, const std::filesystem::path& file,
                  const std::vector<Account>& accounts);

/// The unit is as large as its file again. Sessions go on.
void renewUnit(const Daemon& daemon, const std::string& target, const std::filesystem::path& file);

/// Nobody reaches it any more, sessions that are open are cut.
void removeTarget(const Daemon& daemon, const std::string& target);
void removeAccount(const Daemon& daemon, const std::string& target, const Account& account);

}
