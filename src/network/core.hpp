#pragma once

#include <stratolet/driver/network.hpp>

#include <memory>
#include <string>

#include "identity/identity.hpp"
#include "network/network_plan.hpp"
#include "network/segment/ml2.hpp"
#include "network/standard.hpp"
#include "network/wire.hpp"
#include "platform/parts.hpp"
#include "platform/quota/quota.hpp"
#include "platform/store/store.hpp"

namespace stratolet::network {

/// What the nouns of network share.
struct Core {
    Parts parts;
    NetworkDriver& driver;
    identity::Identity& identity;
    Quotas quotas;
    std::shared_ptr<Changes> changes = std::make_shared<Changes>();
    Ml2Options ml2 = ml2Options(parts.config);

    /// The host is to follow this change of `subject` (a network, port, router, floating IP or security group) once it
    /// is committed.
    void changed(store::Transaction& tx, const std::string& subject);

    /// Error(OverLimit) of type OverQuota where the project may not have `wanted` more.
    void claim(store::Reader& db, const std::string& project, std::string_view resource, std::int64_t wanted = 1) const;

    std::int64_t used(store::Reader& db, const std::string& project, std::string_view resource) const;

    Time now();
    std::string uuid();
};

/// What a network or a router shows: whether all of it is on the host as it should be.
inline constexpr std::string_view statusColumn =
    "CASE WHEN EXISTS (SELECT 1 FROM network_problems x WHERE x.subject = $.id) THEN 'ERROR' ELSE 'ACTIVE' END";

/// A new thing's standard attributes.
Standard freshStandard(Core& core, const identity::Caller& caller, const Body& body);

/// Counts a change of the thing.
void markChanged(Core& core, Standard& standard);

/// The same, with what a body changes of them.
void changeStandard(Core& core, Standard& standard, const Body& body);

/// Counts a thing's revision on because something that belongs to it has changed.
void touch(store::Transaction& tx, std::string_view table, const std::string& id, Time now);

/// A pair list of a body: [{"destination": …, "nexthop": …}]. Error(Invalid) where it is no such list.
TextPairs routesIn(const Body& body, std::string_view name);

}
