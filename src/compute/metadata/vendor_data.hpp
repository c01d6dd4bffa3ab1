#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compute/server/server_reading.hpp"
#include "platform/config/config.hpp"
#include "platform/log/log.hpp"

// What others tell guests: services that who runs the cloud has named (nova: "Dynamic vendor data").

namespace stratolet::compute {

/// A service that knows more of servers: asked by a POST that says of which one, answers with JSON.
struct VendorTarget {
    std::string name; ///< under which guests find the answer
    std::string url;
};

/// [compute] vendordata_…
std::vector<ConfigOption> vendorOptions();

/// What services say of servers: a name and a JSON text each.
using VendorAnswers = std::vector<std::pair<std::string, std::string>>;

/// Asks those services. Each is a stranger: it has a time, its answer a size, and what it said of a server stands for a
/// while, so that no guest can flood it. Owned by compute; any thread that may block.
class VendorData {
public:
    VendorData(const Config& config, Log& log);

    bool any() const { return !targets_.empty(); }

    /// What all of them say of a server, from what they said a moment ago or by asking one after the other. One that
    /// fails says {}, unless the configuration has it that this fails all: then Error(Broken) naming it.
    /// Error(Busy) when cancelled.
    VendorAnswers ask(Core& core, store::Reader& db, const Server& server, const std::function<bool()>& cancelled = {});

    /// The same for a guest that waits for it: Error(Busy) where one of its requests waits already, or as many guests
    /// as may.
    VendorAnswers askFor(Core& core, store::Reader& db, const Server& server);

    static constexpr std::size_t guestsMax = 4; ///< that wait at once
    static constexpr std::size_t targetsMax = 16;
    static constexpr std::int64_t answerBytesMax = 64 << 10;
    static constexpr std::chrono::seconds keptFor{15}; ///< as Nova keeps a server's metadata

private:
    struct Said {
        VendorAnswers answers;
        std::string failure; ///< of the first that failed
        Time until;
    };
    Said askAll(Core& core, const Server& server, const std::string& about,
                const std::function<bool()>& cancelled) const;
    std::string askOne(const VendorTarget& target, const std::string& about,
                       const std::function<bool()>& cancelled) const;

    std::vector<VendorTarget> targets_;
    std::chrono::milliseconds connectTimeout_, timeout_;
    std::string certificates_;
    bool failureIsFatal_;
    Log& log_;
    std::mutex mutex_;
    std::map<std::string, Said> said_; // by the server's id
    std::set<std::string> waiting_;    // guests
};

}
