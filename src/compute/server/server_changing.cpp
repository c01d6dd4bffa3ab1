#include "compute/server/server_changing.hpp"

#include "compute/action/action.hpp"
#include "compute/server/server_reading.hpp"
#include "compute/server/server_table.hpp"

namespace stratolet::compute {

void recordDone(Core& core, store::Transaction& tx, const identity::Caller& caller, const Server& server,
                std::string_view action, std::string_view event) {
    ActionTable::end(tx, beginAction(tx, server, askerOf(caller), action, event, core.now()), true, "", "", core.now());
}

Server updateServer(Core& core, const identity::Caller& caller, const ServerId& id,
                    const std::function<void(Server&)>& change) {
    return core.parts.store.write([&](store::Transaction& tx) {
        Server server = allowedServer(tx, caller, id, "os_compute_api:servers:update");
        change(server);
        server.updated = core.now();
        ServerTable::describe(tx, server);
        return server;
    });
}

void lockServer(Core& core, const identity::Caller& caller, const ServerId& id,
                const std::optional<std::string>& reason) {
    core.parts.store.write([&](store::Transaction& tx) {
        const Server server = allowedServer(tx, caller, id, "os_compute_api:os-lock-server:lock");
        const bool own = server.project == caller.project && !caller.isAdmin();
        ServerTable::setLock(tx, id, own ? "owner" : "admin", reason, core.now());
        recordDone(core, tx, caller, server, "lock", "api_lock");
    });
}

void unlockServer(Core& core, const identity::Caller& caller, const ServerId& id) {
    core.parts.store.write([&](store::Transaction& tx) {
        const Server server = allowedServer(tx, caller, id, "os_compute_api:os-lock-server:unlock");
        if (server.lockedBy == "admin")
            caller.enforce("os_compute_api:os-lock-server:unlock:unlock_override", targetOf(server));
        ServerTable::setLock(tx, id, "", std::nullopt, core.now());
        recordDone(core, tx, caller, server, "unlock", "api_unlock");
    });
}

}
