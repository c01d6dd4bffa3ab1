#pragma once

#include <stratolet/ids.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/quota/quota.hpp"
#include "platform/store/store.hpp"

namespace stratolet::compute {

/// Whose limits: a project's, or those of one user in it.
struct QuotaOwner {
    ProjectId project;
    std::optional<UserId> user = {};
};

/// The limits of compute. A user's limit within a project is its own, or the project's; a project's is its own, or what
/// the class "default" says, or what the program says. What is used is counted from rows, in the caller's transaction.
/// One per process, owned by compute; any thread may use it.
class ComputeQuotas {
public:
    ComputeQuotas();

    bool knows(std::string_view resource) const { return quotas_.defaults().contains(resource); }
    std::vector<std::string> resources() const;
    std::int64_t limit(store::Reader& db, const QuotaOwner& owner, std::string_view resource) const;
    std::int64_t limit(store::Reader& db, const std::string& project, std::string_view resource) const {
        return limit(db, QuotaOwner{ProjectId{project}}, resource);
    }
    std::int64_t otherwise(store::Reader& db, std::string_view resource) const; ///< of who has none of its own
    std::int64_t used(store::Reader& db, const QuotaOwner& owner, std::string_view resource) const;

    using Limits = std::map<std::string, std::int64_t>;

    /// Unless `force`: Error(Invalid) where a project gets less than it uses or its users have been given, or a user
    /// less than it uses or more than its project.
    void set(store::Transaction& tx, const QuotaOwner& owner, const Limits& limits, bool force) const;
    void reset(store::Transaction& tx, const QuotaOwner& owner) const; ///< a project's: its users' too

    std::int64_t classLimit(store::Reader& db, const std::string& name, std::string_view resource) const;
    void setClass(store::Transaction& tx, const std::string& name, const Limits& limits) const;

    /// Error(OverLimit) where `wanted` more than is `used` is more than the project may have.
    void claim(store::Reader& db, const std::string& project, std::string_view resource, std::int64_t used,
               std::int64_t wanted) const;

    /// What servers of one flavor take.
    struct ServerSize {
        std::int64_t cores = 0, ram = 0; ///< ram in MiB
    };

    /// How many such servers project and user may have more, at most `most`. Error(OverLimit) where that is fewer than
    /// `least`.
    std::int64_t claimServers(store::Reader& db, const ProjectId& project, const UserId& user, const ServerSize& each,
                              std::int64_t least, std::int64_t most) const;

private:
    std::optional<std::int64_t> own(store::Reader& db, const QuotaOwner& owner, std::string_view resource) const;

    Quotas quotas_, classes_;
};

}
