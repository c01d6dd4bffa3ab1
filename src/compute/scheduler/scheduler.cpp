#include "compute/scheduler/scheduler.hpp"

#include <algorithm>
#include <set>

#include <stratolet/error.hpp>

#include "compute/aggregate/aggregate_table.hpp"
#include "compute/group/server_group_table.hpp"
#include "compute/server/server.hpp"
#include "compute/server/server_table.hpp"
#include "platform/json/json.hpp"

namespace stratolet::compute {
namespace {

std::vector<std::string> textsIn(const Json& hints, std::string_view name) {
    const auto given = hints.find(name);
    if (!given || given->isNull()) return {};
    if (given->isText()) return {given->text()};
    std::vector<std::string> texts;
    for (const auto& each : given->items()) texts.push_back(each.text());
    return texts;
}

}

Hints hintsIn(const std::string& json) {
    Hints hints;
    if (json.empty() || json == "{}") return hints;
    const auto object = Json::parse(json);
    hints.group.text = object.text("group", "");
    hints.sameHost = textsIn(object, "same_host");
    hints.differentHost = textsIn(object, "different_host");
    hints.nearAddress = object.text("build_near_host_ip", "");
    hints.nearPrefix = object.text("cidr", "");
    if (const auto query = object.find("query")) hints.query = query->isText() ? query->text() : query->dump();
    return hints;
}

Placing placingOf(const Server& server) {
    const auto& flavor = server.flavor;
    const GiB root = server.image ? flavor.disk : GiB{0};
    return {.vcpus = flavor.vcpus,
            .ram = flavor.ram,
            .disk = GiB{root.count + flavor.ephemeral.count + (flavor.swap.count + 1023) / 1024},
            .zone = server.pinnedZone.value_or(""),
            .hints = hintsIn(server.hints),
            .specs = flavor.extraSpecs,
            .server = server.id,
            .project = server.project};
}

Placed Scheduler::choose(store::Reader& db, const Placing& wanted) const {
    Wish wish{.placing = wanted};
    auto& hints = wish.placing.hints;
    if (!hints.group && wanted.server)
        if (const auto group = server_group_table::groupOf(db, wanted.server)) hints.group = *group;
    std::map<std::string, std::int64_t> ofGroup;
    if (hints.group)
        if (const auto group = server_group_table::find(db, hints.group)) {
            wish.policy = group->policy;
            wish.perHost = group->perHost.value_or(1);
            ofGroup = server_group_table::hostsOf(db, hints.group, wanted.server);
            wish.groupHasHosts = !ofGroup.empty();
        }
    const auto hostsOf = [&](const std::vector<std::string>& servers) {
        const auto hosts = ServerTable::hostsOf(db, servers, wanted.project);
        return std::set<std::string>(hosts.begin(), hosts.end());
    };
    const auto same = hostsOf(hints.sameHost), different = hostsOf(hints.differentHost);
    auto metadata = aggregate_table::metadataByHost(db);
    std::vector<Candidate> candidates;
    for (auto& host : hosts_.all(db)) {
        const auto& name = host.name.text;
        Candidate each{.host = {},
                       .aggregates = std::move(metadata[name]),
                       .ofGroup = ofGroup[name],
                       .hasSame = same.contains(name),
                       .hasDifferent = different.contains(name)};
        each.host = std::move(host);
        candidates.push_back(std::move(each));
    }
    auto placed = place(candidates, wish);
    if (!placed) log_.warning("No host fits a server", {{"why", placed.fault}, {"hosts", placed.details}});
    return placed;
}

void Scheduler::requireKnown(store::Reader& db, const Placing& wanted) const {
    const auto hosts = hosts_.all(db);
    const auto any = [&](const auto& holds) { return std::any_of(hosts.begin(), hosts.end(), holds); };
    if (wanted.forced) return; // nobody is asked for the zone of a forced host, nor for the host itself (Nova)
    if (wanted.host && !any([&](const Host& each) { return each.name == wanted.host; }))
        throw Error(Failure::Invalid, "Compute host ", wanted.host, " could not be found.");
    if (!wanted.hypervisor.empty() && !any([&](const Host& each) { return each.hostname == wanted.hypervisor; }))
        throw Error(Failure::Invalid, "Compute host ", wanted.hypervisor, " could not be found.");
    if (!wanted.zone.empty() && !any([&](const Host& each) { return each.zone == wanted.zone && !each.disabled; }))
        throw Error(Failure::Invalid, "The requested availability zone is not available");
}

}
