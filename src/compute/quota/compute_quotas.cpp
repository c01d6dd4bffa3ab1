#include "compute/quota/compute_quotas.hpp"

#include <algorithm>
#include <array>

#include <stratolet/error.hpp>

#include "compute/group/server_group_table.hpp"
#include "compute/keypair/keypair.hpp"
#include "compute/quota/quota_table.hpp"
#include "compute/server/server_table.hpp"

namespace stratolet::compute {
namespace {

constexpr std::string_view service = "compute";
constexpr const char* standardClass = "default";

const std::map<std::string, std::int64_t, std::less<>>& builtIn() {
    static const std::map<std::string, std::int64_t, std::less<>> limits{{"instances", 10},
                                                                         {"cores", 20},
                                                                         {"ram", 51200},
                                                                         {"metadata_items", 128},
                                                                         {"key_pairs", 100},
                                                                         {"server_groups", 10},
                                                                         {"server_group_members", 10},
                                                                         {"injected_files", 5},
                                                                         {"injected_file_content_bytes", 10240},
                                                                         {"injected_file_path_bytes", 255},
                                                                         {"fixed_ips", -1},
                                                                         {"floating_ips", -1},
                                                                         {"security_groups", -1},
                                                                         {"security_group_rules", -1}};
    return limits;
}

std::string keyOf(const QuotaOwner& owner) {
    return owner.user ? owner.project.text + "/" + owner.user->text : owner.project.text;
}

ServerTable::Usage usageOf(store::Reader& db, const QuotaOwner& owner) {
    return owner.user ? ServerTable::usage(db, owner.project, *owner.user) : ServerTable::usage(db, owner.project);
}

std::int64_t of(const ServerTable::Usage& usage, std::string_view resource) {
    return resource == "cores" ? usage.cores : resource == "instances" ? usage.servers : usage.ram;
}

bool isOfServers(std::string_view resource) {
    return resource == "cores" || resource == "instances" || resource == "ram";
}

/// -1 is more than anything.
bool isLess(std::int64_t limit, std::int64_t than) { return limit >= 0 && (than < 0 || limit < than); }

}

ComputeQuotas::ComputeQuotas()
    : quotas_(std::string(service), builtIn()),
      classes_(std::string(service) + " classes", builtIn()) {}

std::optional<std::int64_t> ComputeQuotas::own(store::Reader& db, const QuotaOwner& owner,
                                               std::string_view resource) const {
    return quotas_.own(db, keyOf(owner), resource);
}

std::int64_t ComputeQuotas::otherwise(store::Reader& db, std::string_view resource) const {
    return classLimit(db, standardClass, resource);
}

std::int64_t ComputeQuotas::limit(store::Reader& db, const QuotaOwner& owner, std::string_view resource) const {
    if (const auto said = own(db, owner, resource)) return *said;
    return owner.user ? limit(db, QuotaOwner{owner.project}, resource) : otherwise(db, resource);
}

std::vector<std::string> ComputeQuotas::resources() const {
    std::vector<std::string> all;
    for (const auto& [resource, limit] : quotas_.defaults()) all.push_back(resource);
    return all;
}

std::int64_t ComputeQuotas::used(store::Reader& db, const QuotaOwner& owner, std::string_view resource) const {
    if (isOfServers(resource)) return of(usageOf(db, owner), resource);
    if (resource == "server_groups") return server_group_table::count(db, owner.project, owner.user);
    // A key pair is its user's in all projects.
    return resource == "key_pairs" && owner.user ? Keypairs::count(db, *owner.user) : 0;
}

void ComputeQuotas::set(store::Transaction& tx, const QuotaOwner& owner, const Limits& limits, bool force) const {
    for (const auto& [resource, limit] : limits) {
        if (!force) {
            std::int64_t least = used(tx, owner, resource);
            if (!owner.user)
                least = std::max(least, QuotaTable::givenToUsers(tx, service, owner.project.text, resource));
            if (isLess(limit, least))
                throw Error(Failure::Invalid, "Quota limit ", limit, " for ", resource,
                            " must be greater than or equal to already used and reserved ", least, ".");
            const std::int64_t most = owner.user ? this->limit(tx, QuotaOwner{owner.project}, resource) : -1;
            if (isLess(most, limit))
                throw Error(Failure::Invalid, "Quota limit ", limit, " for ", resource,
                            " must be less than or equal to ", most, ".");
        }
        quotas_.set(tx, keyOf(owner), resource, limit);
    }
}

void ComputeQuotas::reset(store::Transaction& tx, const QuotaOwner& owner) const {
    quotas_.reset(tx, keyOf(owner));
    if (!owner.user) QuotaTable::removeOfUsers(tx, service, owner.project.text);
}

std::int64_t ComputeQuotas::classLimit(store::Reader& db, const std::string& name, std::string_view resource) const {
    return classes_.limit(db, name, resource);
}

void ComputeQuotas::setClass(store::Transaction& tx, const std::string& name, const Limits& limits) const {
    for (const auto& [resource, limit] : limits) classes_.set(tx, name, resource, limit);
}

void ComputeQuotas::claim(store::Reader& db, const std::string& project, std::string_view resource, std::int64_t used,
                          std::int64_t wanted) const {
    Quotas::require(resource, limit(db, project, resource), used, wanted);
}

std::int64_t ComputeQuotas::claimServers(store::Reader& db, const ProjectId& project, const UserId& user,
                                         const ServerSize& each, std::int64_t least, std::int64_t most) const {
    struct Taken {
        std::string_view resource;
        std::int64_t byOne;
    };
    const std::array<Taken, 3> takes{{{"instances", 1}, {"cores", each.cores}, {"ram", each.ram}}};
    std::int64_t count = most;
    for (const auto& owner : {QuotaOwner{project}, QuotaOwner{project, user}}) {
        const auto usage = usageOf(db, owner);
        const auto limitOf = [&](std::string_view resource) -> std::int64_t {
            return owner.user ? own(db, owner, resource).value_or(-1) : limit(db, owner, resource);
        };
        for (const auto& [resource, byOne] : takes) {
            const auto limit = limitOf(resource);
            if (limit < 0 || byOne == 0) continue;
            count = std::min(count, std::max<std::int64_t>((limit - of(usage, resource)) / byOne, 0));
            if (count < least) Quotas::require(resource, limit, of(usage, resource), least * byOne);
        }
    }
    return count;
}

}
