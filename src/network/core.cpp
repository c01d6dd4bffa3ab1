#include "network/core.hpp"

#include <set>

#include <stratolet/error.hpp>

#include "platform/ambient/ambient.hpp"
#include "platform/jobs/jobs.hpp"

namespace stratolet::network {

namespace {

/// What counts against a quota. The service's own ports count like everybody's; they are made all the same.
std::string_view countOf(std::string_view resource) {
    if (resource == "network") return "SELECT COUNT(*) FROM networks WHERE project = ?";
    if (resource == "subnet") return "SELECT COUNT(*) FROM subnets WHERE project = ?";
    if (resource == "port") return "SELECT COUNT(*) FROM ports WHERE project = ?";
    if (resource == "router") return "SELECT COUNT(*) FROM routers WHERE project = ?";
    if (resource == "floatingip") return "SELECT COUNT(*) FROM floating_ips WHERE project = ?";
    if (resource == "security_group") return "SELECT COUNT(*) FROM security_groups WHERE project = ?";
    if (resource == "security_group_rule") return "SELECT COUNT(*) FROM security_group_rules WHERE project = ?";
    if (resource == "subnetpool") return "SELECT COUNT(*) FROM subnet_pools WHERE project = ?";
    if (resource == "trunk") return "SELECT COUNT(*) FROM trunks WHERE project = ?";
    if (resource == "rbac_policy") return "SELECT COUNT(*) FROM rbac_policies WHERE project = ?";
    std::abort();
}

}

void Core::changed(store::Transaction& tx, const std::string& subject) {
    changes->begins(subject);
    tx.afterCommit([known = changes, subject] { known->ended(subject); }); // before the job hears of it
    parts.jobs.enqueue(tx, "network.apply", subject);
}

std::int64_t Core::used(store::Reader& db, const std::string& project, std::string_view resource) const {
    return db.query(countOf(resource), project).integer();
}

void Core::claim(store::Reader& db, const std::string& project, std::string_view resource, std::int64_t wanted) const {
    if (quotas.limit(db, project, resource) < 0) return; // nothing to count for
    try {
        quotas.claim(db, project, resource, used(db, project, resource), wanted);
    } catch (const Error& error) {
        if (error.failure() != Failure::OverLimit) throw;
        throw Error(Failure::OverLimit, "Quota exceeded for resources: ['", resource, "'].").as("OverQuota");
    }
}

Time Core::now() { return parts.ambient.now(); }
std::string Core::uuid() { return parts.ambient.uuid(); }

Standard freshStandard(Core& core, const identity::Caller& caller, const Body& body) {
    const auto now = core.now();
    return {projectOf(caller, body), body.text("name"), body.text("description"), 1, now, now};
}

void markChanged(Core& core, Standard& standard) {
    ++standard.revision;
    standard.updated = core.now();
}

void changeStandard(Core& core, Standard& standard, const Body& body) {
    standard.name = body.text("name", standard.name);
    standard.description = body.text("description", standard.description);
    markChanged(core, standard);
}

void touch(store::Transaction& tx, std::string_view table, const std::string& id, Time now) {
    tx.execute("UPDATE " + std::string(table) + " SET revision = revision + 1, updated = ? WHERE id = ?", now, id);
}

TextPairs routesIn(const Body& body, std::string_view name) {
    TextPairs out;
    const auto list = body.find(name);
    if (!list || list->isNull()) return out;
    if (!list->isArray()) refuseInput(name, "Invalid data format for hostroute: '" + list->dump() + "'.");
    std::set<std::pair<std::string, std::string>> seen;
    for (const auto& each : list->items()) {
        if (!each.isObject() || each.size() != 2 || !each.has("destination") || !each.has("nexthop"))
            refuseInput(name, "Invalid data format for hostroute: '" + list->dump() + "'.");
        const auto destination = Prefix::parse(each.text("destination"));
        const auto nexthop = Address::parse(each.text("nexthop"));
        if (!destination) refuseInput(name, "'" + each.text("destination") + "' is not a valid IP subnet.");
        if (!nexthop) refuseInput(name, "'" + each.text("nexthop") + "' is not a valid IP address.");
        if (destination->version() != nexthop->version)
            refuseInput(name, "destination and nexthop are of different IP versions.");
        if (!seen.emplace(destination->text(), nexthop->text()).second)
            refuseInput(name, "Duplicate hostroute '" + each.dump() + "'.");
        out.emplace_back(destination->text(), nexthop->text());
    }
    return out;
}

}
