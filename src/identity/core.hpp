#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "platform/parts.hpp"
#include "platform/store/store.hpp"

namespace stratolet::identity {

class Fernet;

/// A column whose texts are sealed, in the rows that meet the condition.
struct SealedColumn {
    std::string table, column, condition;
};

/// What the nouns of identity share: the mechanisms, the keys that seal secrets which are kept to be used again, and
/// the epoch that empties every thread's cache of validated tokens.
struct Core {
    Parts parts;
    Fernet& sealing;
    std::vector<SealedColumn> sealed; ///< what new keys seal again, beside credentials; complete before jobs start
    std::atomic<std::uint64_t> epoch = 1;

    /// To be called by every change that a token's meaning may depend on.
    void forgetValidated(store::Transaction& tx) {
        tx.afterCommit([this] { epoch.fetch_add(1, std::memory_order_release); });
    }
};

void declareMetrics(const Parts& parts); ///< counts of what there is; who and what is for operators

}
