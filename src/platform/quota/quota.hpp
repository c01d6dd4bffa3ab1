#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/store/store.hpp"

namespace stratolet {

/// Limits per owner for the resources of one service. What is used is counted by the caller from its rows in the same
/// transaction, so it can't drift.
class Quotas {
public:
    /// `defaults`: resource → limit; -1 is unlimited. The only resources there are.
    Quotas(std::string service, std::map<std::string, std::int64_t, std::less<>> defaults);

    const std::map<std::string, std::int64_t, std::less<>>& defaults() const { return defaults_; }
    /// What the owner has of its own; nothing where it has none. Of any resource.
    std::optional<std::int64_t> own(store::Reader& db, const std::string& owner, std::string_view resource) const;
    std::int64_t limit(store::Reader& db, const std::string& owner, std::string_view resource) const;
    void set(store::Transaction& tx, const std::string& owner, std::string_view resource, std::int64_t limit) const;
    void reset(store::Transaction& tx, const std::string& owner) const; ///< back to the defaults
    void rename(store::Transaction& tx, std::string_view from,
                std::string_view to) const; ///< a resource, of all owners
    void forget(store::Transaction& tx, std::string_view resource) const;
    bool changed(store::Reader& db, const std::string& owner) const;
    std::vector<std::string> owners(store::Reader& db) const; ///< those that changed() is true of

    /// Error(OverLimit) where `used` + `wanted` is more than the limit. Names the resource, the limit, what is used and
    /// what was wanted.
    void claim(store::Reader& db, const std::string& owner, std::string_view resource, std::int64_t used,
               std::int64_t wanted) const;

    /// Error(OverLimit) where `used` + `wanted` is more than `limit`, likewise.
    static void require(std::string_view resource, std::int64_t limit, std::int64_t used, std::int64_t wanted);

private:
    std::string service_;
    std::map<std::string, std::int64_t, std::less<>> defaults_;
};

}
