#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compute/server/server.hpp"
#include "platform/store/store.hpp"

namespace stratolet::compute {

/// What a server was before it was resized, until that is confirmed or reverted.
struct Resize {
    ServerId server;
    VmState vm = VmState::Active;
    Flavor flavor;
    std::string host;
    std::string migration; ///< id of its record
};

/// SQL of resizes, and nothing else.
struct ResizeTable {
    static void insert(store::Transaction& tx, const Resize& resize);
    static std::optional<Resize> find(store::Reader& db, const ServerId& server);
    static void done(store::Transaction& tx, const ServerId& server, Time now);
    static std::vector<ServerId> doneBefore(store::Reader& db, Time time); ///< the oldest, at most 100
    static void remove(store::Transaction& tx, const ServerId& server);
};

}
