#include "compute/api.hpp"
#include "compute/password/server_password.hpp"
#include "compute/server/server_reading.hpp"

namespace stratolet::compute {

void addPasswordRoutes(http::Routes& routes, Core& core) {
    const std::string path = "/servers/{id}/os-server-password", rule = "os_compute_api:os-server-password:";
    addRoute(routes, http::Method::Get, path, rule + "show", [&](Call& call) {
        const auto password = core.parts.store.read([&](store::Reader& db) {
            return PasswordTable::of(db, allowedServer(db, call.caller, ServerId{call.param("id")}).id);
        });
        return http::jsonResponse(200, [&](JsonWriter& out) {
            const auto body = out.object();
            out.field("password", password);
        });
    });
    addRoute(routes, http::Method::Delete, path, rule + "clear", [&](Call& call) {
        core.parts.store.write([&](store::Transaction& tx) {
            PasswordTable::clear(tx, allowedServer(tx, call.caller, ServerId{call.param("id")}).id);
        });
        return http::emptyResponse(204);
    });
}

}
