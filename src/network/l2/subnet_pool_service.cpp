#include <algorithm>

#include <stratolet/error.hpp>

#include "network/l2/address_scope.hpp"
#include "network/l2/subnet.hpp"
#include "network/l2/subnet_pool.hpp"

namespace stratolet::network {

namespace {

void readLengths(SubnetPool& pool, const Body& body) {
    const int bits = pool.ipVersion == 4 ? 32 : 128;
    pool.leastLength = static_cast<int>(body.whole("min_prefixlen", pool.leastLength));
    pool.mostLength = static_cast<int>(body.whole("max_prefixlen", pool.mostLength));
    if (pool.leastLength < 0 || pool.mostLength > bits || pool.leastLength > pool.mostLength)
        throw Error(Failure::Invalid, "Illegal prefix bounds: min_prefixlen=", pool.leastLength,
                    ", max_prefixlen=", pool.mostLength, ".")
            .as("IllegalSubnetPoolPrefixBounds");
    if (body.has("default_prefixlen") && !body.isNull("default_prefixlen"))
        pool.defaultLength = static_cast<int>(body.whole("default_prefixlen", pool.defaultLength));
    if (pool.defaultLength < pool.leastLength || pool.defaultLength > pool.mostLength)
        throw Error(Failure::Invalid, "Illegal prefix bounds: default_prefixlen=", pool.defaultLength, ".")
            .as("IllegalSubnetPoolPrefixBounds");
}

/// A pool is in a scope of its IP version that everybody sees who sees the pool.
void checkScope(const SubnetPool& pool, const ScopeFacts& scope) {
    if (scope.ipVersion != pool.ipVersion)
        throw Error(Failure::Invalid, "Illegal subnetpool association: subnetpool ", pool.id,
                    " cannot associate with address scope ", pool.addressScope,
                    " because subnetpool ip_version is not ", scope.ipVersion, ".")
            .as("IllegalSubnetPoolIpVersionAssociationToAddressScope");
    if (pool.sharing.withAll && !scope.sharedWithAll)
        throw Error(Failure::Invalid, "Illegal subnetpool association: subnetpool ", pool.id,
                    " cannot be associated with address scope ", pool.addressScope, ".")
            .as("IllegalSubnetPoolAssociationToAddressScope");
}

/// No address of the pool is in another pool of its scope.
void checkApart(store::Reader& db, const SubnetPool& pool) {
    if (pool.addressScope.empty()) return;
    for (const auto& other :
         subnetPoolTable.where(db, "WHERE coalesce(o.address_scope, '') = ? AND o.id <> ?", pool.addressScope, pool.id))
        for (const auto& its : other.prefixes)
            for (const auto& each : pool.prefixes)
                if (each.overlaps(its))
                    throw Error(Failure::Conflict, "Failed to associate address scope: subnetpools within an address "
                                                   "scope must have unique prefixes")
                        .as("AddressScopePrefixConflict");
}

/// What a block counts against a project's share: addresses, or /64s where there are too many of those.
std::int64_t weightOf(const Prefix& block) {
    const int bits = block.version() == 4 ? 32 : 64;
    return block.length >= bits ? 1 : std::int64_t{1} << std::min(62, bits - block.length);
}

}

Error subnetPoolNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Subnet pool ", id, " could not be found.").as("SubnetPoolNotFound");
}

Prefix allocateFromPool(store::Reader& db, const SubnetPool& pool, const std::string& project, const Body& body) {
    std::vector<Prefix> taken;
    std::int64_t used = 0;
    auto rows = db.query("SELECT cidr, project FROM subnets WHERE coalesce(subnet_pool, '') = ?", pool.id);
    while (rows.next()) {
        taken.push_back(Prefix::parse(rows.row().text(0)).value());
        if (rows.row().text(1) == project) used += weightOf(taken.back());
    }
    std::sort(taken.begin(), taken.end());
    const auto free = [&](const Prefix& block) {
        return std::none_of(taken.begin(), taken.end(), [&](const auto& each) { return each.overlaps(block); });
    };
    const auto given = [&](const Prefix& block) {
        if (pool.defaultQuota && used + weightOf(block) > *pool.defaultQuota)
            throw Error(Failure::Conflict, "Per-tenant subnet pool prefix quota exceeded.")
                .as("SubnetPoolQuotaExceeded");
        return block;
    };

    if (const auto text = body.text("cidr"); !text.empty()) {
        const auto wanted = Prefix::parse(text);
        if (!wanted) refuseInput("cidr", "'" + text + "' is not a valid IP subnet.");
        const bool inside = std::any_of(pool.prefixes.begin(), pool.prefixes.end(), [&](const auto& each) {
            return each.length <= wanted->length && each.contains(wanted->base);
        });
        if (!inside || !free(*wanted))
            throw Error(
                Failure::Conflict,
                "Failed to allocate subnet: Cannot allocate requested subnet from the available set of prefixes.")
                .as("SubnetAllocationError");
        return given(*wanted);
    }
    const auto length = static_cast<int>(body.whole("prefixlen", pool.defaultLength));
    if (length < pool.leastLength)
        throw Error(Failure::Invalid, "Unable to allocate subnet with prefix length ", length,
                    ", minimum allowed prefix is ", pool.leastLength, ".")
            .as("MinPrefixSubnetAllocationError");
    if (length > pool.mostLength)
        throw Error(Failure::Invalid, "Unable to allocate subnet with prefix length ", length,
                    ", maximum allowed prefix is ", pool.mostLength, ".")
            .as("MaxPrefixSubnetAllocationError");
    for (const auto& prefix : pool.prefixes) {
        if (prefix.length > length) continue;
        Prefix block{prefix.base, length};
        while (true) {
            const auto blocking =
                std::find_if(taken.begin(), taken.end(), [&](const auto& each) { return each.overlaps(block); });
            if (blocking == taken.end()) return given(block);
            const auto after = std::max(blocking->last().value, block.last().value); // on to the first block behind
            if (after >= prefix.last().value) break;
            const auto next =
                Prefix::parse(Address{prefix.version(), after + 1}.text() + "/" + std::to_string(length)).value();
            block = next;
        }
    }
    throw Error(Failure::Conflict, "Failed to allocate subnet: Insufficient prefix space to allocate subnet size /",
                length, ".")
        .as("SubnetAllocationError");
}

std::optional<SubnetPool> defaultPoolFor(store::Reader& db, const std::string& project, int version) {
    for (auto& each :
         subnetPoolTable.where(db, "WHERE o.is_default AND o.ip_version = ? ORDER BY o.created, o.id", version))
        if (each.standard.project == project || each.sharing.to(project)) return std::move(each);
    return std::nullopt;
}

SubnetPool SubnetPools::create(store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    SubnetPool pool;
    pool.standard = freshStandard(core_, caller, body);
    core_.claim(tx, pool.standard.project, "subnetpool");
    pool.id.text = core_.uuid();
    if (!body.has("prefixes")) throw notSpecified("prefixes");
    pool.prefixes = prefixesIn(body);
    pool.ipVersion = pool.prefixes.front().version();
    pool.leastLength = pool.ipVersion == 4 ? 8 : 64;
    pool.mostLength = pool.ipVersion == 4 ? 32 : 128;
    pool.defaultLength = static_cast<int>(body.whole("min_prefixlen", pool.leastLength));
    readLengths(pool, body);
    body.readInto(pool, subnetPoolTable);
    if (!pool.addressScope.empty()) checkScope(pool, addressScopeIn(tx, caller, pool.addressScope));
    checkApart(tx, pool);
    subnetPoolTable.insert(tx, pool);
    followShared(core_, tx, "subnetpool", pool.id.text, pool.standard.project, false, pool.sharing.withAll);
    return pool;
}

SubnetPool SubnetPools::update(store::Transaction& tx, const identity::Caller& caller, SubnetPool pool,
                               const Body& body) {
    if (body.has("prefixes")) {
        auto prefixes = prefixesIn(body);
        if (prefixes.front().version() != pool.ipVersion)
            throw Error(Failure::Invalid, "Cannot mix IPv4 and IPv6 prefixes in a subnet pool.")
                .as("PrefixVersionMismatch");
        for (const auto& before : pool.prefixes) // it may only grow: subnets have been cut from what is there
            if (std::none_of(prefixes.begin(), prefixes.end(), [&](const auto& each) {
                    return each.length <= before.length && each.contains(before.base);
                }))
                throw Error(Failure::Invalid,
                            "Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.")
                    .as("IllegalSubnetPoolPrefixUpdate");
        pool.prefixes = std::move(prefixes);
    }
    readLengths(pool, body);
    body.readInto(pool, subnetPoolTable);
    if (body.has("address_scope_id") && !pool.addressScope.empty())
        checkScope(pool, addressScopeIn(tx, caller, pool.addressScope));
    checkApart(tx, pool);
    changeStandard(core_, pool.standard, body);
    subnetPoolTable.update(tx, pool);
    return pool;
}

SubnetPool SubnetPools::addPrefixes(store::Transaction& tx, SubnetPool pool, const Body& body) {
    auto all = pool.prefixes;
    for (const auto& each : prefixesIn(body)) {
        if (each.version() != pool.ipVersion)
            throw Error(Failure::Invalid, "Cannot mix IPv4 and IPv6 prefixes in a subnet pool.")
                .as("PrefixVersionMismatch");
        all.push_back(each);
    }
    pool.prefixes = apart(std::move(all));
    checkApart(tx, pool);
    markChanged(core_, pool.standard);
    subnetPoolTable.update(tx, pool);
    return pool;
}

SubnetPool SubnetPools::removePrefixes(store::Transaction& tx, SubnetPool pool, const Body& body) {
    for (const auto& gone : prefixesIn(body)) {
        const auto at = std::find(pool.prefixes.begin(), pool.prefixes.end(), gone);
        if (at == pool.prefixes.end())
            throw Error(Failure::Invalid, "Illegal update to prefixes: ", gone.text(),
                        " is none of the pool's prefixes.")
                .as("IllegalSubnetPoolPrefixUpdate");
        pool.prefixes.erase(at);
    }
    if (pool.prefixes.empty())
        throw Error(Failure::Invalid, "Unspecified prefix list.").as("EmptySubnetPoolPrefixList");
    auto rows = tx.query("SELECT cidr FROM subnets WHERE coalesce(subnet_pool, '') = ?", pool.id);
    while (rows.next()) {
        const auto cut = Prefix::parse(rows.row().text(0)).value();
        if (std::none_of(pool.prefixes.begin(), pool.prefixes.end(),
                         [&](const auto& each) { return each.length <= cut.length && each.contains(cut.base); }))
            throw Error(Failure::Conflict, "Illegal prefix removal: subnet ", cut.text(), " is cut from the pool.")
                .as("IllegalSubnetPoolPrefixUpdate");
    }
    markChanged(core_, pool.standard);
    subnetPoolTable.update(tx, pool);
    return pool;
}

void SubnetPools::onboard(store::Transaction& tx, const SubnetPool& found, const NetworkRecord& network) {
    const auto refuse = [&](const std::string& why) {
        return Error(Failure::Invalid, "Illegal subnet onboard: ", why).as("IllegalSubnetPoolUpdate");
    };
    auto pool = found;
    auto all = pool.prefixes;
    Texts ids;
    for (const auto& each : subnetsOf(tx, network.id)) {
        if (each.cidr.version() != pool.ipVersion) continue;
        if (!each.subnetPool.empty()) throw refuse("subnet " + each.id.text + " is cut from a pool already.");
        if (std::any_of(pool.prefixes.begin(), pool.prefixes.end(),
                        [&](const auto& prefix) { return prefix.overlaps(each.cidr); }))
            throw refuse("subnet " + each.cidr.text() + " overlaps with a prefix of the pool.");
        ids.push_back(each.id.text);
        all.push_back(each.cidr);
    }
    if (ids.empty())
        throw refuse("network " + network.id.text + " has no subnet of IP version " + std::to_string(pool.ipVersion) +
                     ".");
    pool.prefixes = apart(std::move(all));
    checkApart(tx, pool);
    markChanged(core_, pool.standard);
    subnetPoolTable.update(tx, pool);
    for (const auto& each : ids) {
        tx.execute("UPDATE subnets SET subnet_pool = ? WHERE id = ?", pool.id, each);
        touch(tx, "subnets", each, core_.now());
    }
}

void SubnetPools::remove(store::Transaction& tx, const SubnetPool& pool) {
    if (tx.query("SELECT 1 FROM subnets WHERE coalesce(subnet_pool, '') = ?", pool.id).any())
        throw Error(Failure::Conflict, "Unable to delete subnet pool: Subnet pool has existing allocations.")
            .as("SubnetPoolDeleteError");
    forgetTags(tx, pool.id.text);
    subnetPoolTable.remove(tx, pool.id);
}

}
