#include "compute/server/server_reading.hpp"

#include <stratolet/error.hpp>

#include "compute/group/server_group_table.hpp"
#include "compute/label/server_metadata.hpp"
#include "compute/label/server_tags.hpp"
#include "compute/server/server_query.hpp"
#include "compute/server/server_table.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {

Server serverFor(store::Reader& db, const identity::Caller& caller, const ServerId& id, Deleted deleted) {
    auto server = ServerTable::find(db, id);
    if (!server || (server->deleted && deleted == Deleted::IsGone) ||
        (server->project != caller.project && !caller.isAdmin()))
        throw Error(Failure::NotFound, "Instance ", id, " could not be found.");
    return *std::move(server);
}

Server allowedServer(store::Reader& db, const identity::Caller& caller, const ServerId& id, Deleted deleted) {
    auto server = serverFor(db, caller, id, deleted);
    caller.enforce(targetOf(server));
    return server;
}

Server allowedServer(store::Reader& db, const identity::Caller& caller, const ServerId& id, std::string_view rule) {
    auto server = serverFor(db, caller, id);
    caller.enforce(rule, targetOf(server));
    return server;
}

ServerDetails detailsOf(Core& core, store::Reader& db, const Server& server) {
    auto details = std::move(detailsOf(core, db, std::vector{server}).front());
    if (const auto group = server_group_table::groupOf(db, server.id)) details.group = group->text;
    return details;
}

std::vector<ServerDetails> detailsOf(Core& core, store::Reader& db, const std::vector<Server>& servers) {
    std::vector<std::string> ids;
    ids.reserve(servers.size());
    for (const auto& each : servers) ids.push_back(each.id.text);
    auto metadata = MetadataTable::of(db, ids);
    auto tags = TagTable::of(db, ids);
    auto ports = core.network.portsOf(db, ids);
    auto volumes = tiesOf(core, db, ids);
    std::vector<ServerDetails> all;
    all.reserve(servers.size());
    for (const auto& id : ids) {
        const auto items = store::takeOf(metadata, id);
        all.push_back({.metadata = {items.begin(), items.end()},
                       .tags = store::takeOf(tags, id),
                       .ports = store::takeOf(ports, id),
                       .volumes = store::takeOf(volumes, id)});
    }
    return all;
}

std::vector<Server> listServers(Core& core, const identity::Caller& caller, const ServerQuery& query) {
    ServerQuery mine = query;
    if (!query.allProjects) mine.project = caller.project;
    return core.parts.store.read([&](store::Reader& db) {
        for (const auto& wanted : query.addresses) { // the network knows them; which servers are meant is said here
            const auto among = ServerTable::idsIn(db, mine);
            mine.where.add("id IN (SELECT value FROM json_each(?))",
                           store::asList(core.network.withAddress(db, among, wanted)));
        }
        return ServerTable::list(db, mine);
    });
}

std::string console(Core& core, const identity::Caller& caller, const ServerId& id, int lines) {
    const Server server = allowedServer(core.reader(), caller, id, "os_compute_api:os-console-output");
    if (!server.launched || server.task == TaskState::Deleting)
        throw Error(Failure::Conflict, "Instance ", id, " is not ready");
    return asUtf8(core.hypervisors.on({server.host}).console(id, lines));
}

}
