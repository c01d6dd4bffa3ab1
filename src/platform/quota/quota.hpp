#pragma once

#include <cstdint>
#include <map>
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
    std::int64_t limit(store::Reader& db, const std::string& owner, std::string_view resource) const;
    void set(store::Transaction& tx, const std::string& owner, std::string_view resource, std::int64_t limit) const;
    void reset(store::Transaction& tx, const std::string& owner) const; ///< back to the defaults
    bool changed(store::Reader& db, const std::string& owner) const;
    std::vector<std::string> owners(store::Reader& db) const; ///< those that changed() is true of

    /// Error(OverLimit) where `used` + `wanted` is more than the limit. Names the resource, the limit, what is used and
    /// what was wanted.
    void claim(store::Reader& db, const std::string& owner, std::string_view resource, std::int64_t used,
               std::int64_t wanted) const;

private:
    std::string service_;
    std::map<std::string, std::int64_t, std::less<>> defaults_;
};

}
