#include "network/binding/port_binding.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

namespace stratolet::network {

namespace {

using namespace http;

/// A port at a host. The active one is what the port's own row says; one that moves has others beside it.
struct PortBinding {
    std::string host, vnicType, profile;
    bool active = false;
};

std::vector<PortBinding> bindingsOf(store::Reader& db, const Port& port) {
    std::vector<PortBinding> all;
    if (!port.host.empty()) all.push_back({port.host, port.vnicType, port.profile, true});
    auto rows = db.query("SELECT host, vnic_type, profile FROM port_bindings WHERE port = ? ORDER BY host", port.id);
    while (rows.next()) all.push_back({rows.row().text(0), rows.row().text(1), rows.row().text(2), false});
    return all;
}

void write(JsonWriter& out, const PortBinding& binding) {
    const auto object = out.object();
    out.field("host", binding.host);
    out.field("vif_type", "bridge");
    out.key("vif_details");
    out.raw(R"({"port_filter": true, "connectivity": "l2"})");
    out.field("vnic_type", binding.vnicType);
    out.key("profile");
    out.raw(binding.profile);
    out.field("status", binding.active ? "ACTIVE" : "INACTIVE");
}

Response shown(int status, const PortBinding& binding) {
    return jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        out.key("binding");
        write(out, binding);
    });
}

Error bindingNotFound(const Port& port, const std::string& host) {
    return Error(Failure::NotFound, "Binding for port ", port.id, " for host ", host, " could not be found.")
        .as("PortBindingNotFound");
}

void checkCompute(const Port& port) {
    if (!port.owner.starts_with("compute:"))
        throw Error(Failure::Invalid, "Bad port request: Invalid port ", port.id,
                    ". Operation only valid on compute ports.")
            .as("BadRequest");
}

PortBinding bindingIn(const Json& body) {
    const auto found = body.isObject() ? body.find("binding") : std::nullopt;
    if (!found || !found->isObject())
        throw Error(Failure::Invalid, "Unable to find 'binding' in request body").as("HTTPBadRequest");
    const auto& given = *found;
    given.onlyKnows({"host", "vnic_type", "profile"});
    PortBinding binding;
    binding.host = given.has("host") && given.at("host").isText() ? given.text("host") : "";
    if (binding.host.empty() || binding.host.size() > 255)
        refuseInput("host", "it is not a name of 1 to 255 characters.");
    binding.vnicType = given.maybeText("vnic_type").value_or("normal");
    if (binding.vnicType != "normal")
        throw Error(Failure::Invalid, "Invalid input for operation: vnic_type ", binding.vnicType, " not supported.")
            .as("InvalidInput");
    binding.profile = "{}";
    if (given.has("profile") && !given.at("profile").isNull()) {
        if (!given.at("profile").isObject()) refuseInput("profile", "it is not a dictionary.");
        binding.profile = given.at("profile").dump();
    }
    return binding;
}

PortBinding add(Core& core, store::Transaction& tx, Port port, PortBinding binding) {
    checkCompute(port);
    for (const auto& each : bindingsOf(tx, port))
        if (each.host == binding.host)
            throw Error(Failure::Conflict, "Binding for port ", port.id, " on host ", binding.host, " already exists.")
                .as("PortBindingAlreadyExists");
    binding.active = port.host.empty();
    if (binding.active) {
        port.host = binding.host;
        port.profile = binding.profile;
        portTable.update(tx, port);
    } else {
        tx.execute("INSERT INTO port_bindings VALUES (?, ?, ?, ?)", port.id, binding.host, binding.vnicType,
                   binding.profile);
    }
    touch(tx, "ports", port.id.text, core.now());
    core.changed(tx, port.id.text);
    return binding;
}

PortBinding activate(Core& core, store::Transaction& tx, Port port, const std::string& host) {
    checkCompute(port);
    const auto all = bindingsOf(tx, port);
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.host == host; });
    if (found == all.end()) throw bindingNotFound(port, host);
    if (found->active)
        throw Error(Failure::Conflict, "Binding for port ", port.id, " on host ", host, " is already active.")
            .as("PortBindingAlreadyActive");
    auto binding = *found;
    tx.execute("DELETE FROM port_bindings WHERE port = ? AND host = ?", port.id, host);
    if (!port.host.empty())
        tx.execute("INSERT INTO port_bindings VALUES (?, ?, ?, ?)", port.id, port.host, port.vnicType, port.profile);
    port.host = binding.host;
    port.vnicType = binding.vnicType;
    port.profile = binding.profile;
    port.status = "DOWN"; // until its new host has followed
    markChanged(core, port.standard);
    portTable.update(tx, port);
    core.changed(tx, port.id.text);
    binding.active = true;
    return binding;
}

void remove(Core& core, store::Transaction& tx, Port port, const std::string& host) {
    if (port.host == host && !host.empty()) {
        port.host.clear();
        port.profile = "{}";
        port.status = "DOWN";
        portTable.update(tx, port);
    } else if (tx.execute("DELETE FROM port_bindings WHERE port = ? AND host = ?", port.id, host) == 0) {
        throw bindingNotFound(port, host);
    }
    touch(tx, "ports", port.id.text, core.now());
    core.changed(tx, port.id.text);
}

}

void addPortBindingRoutes(Routes& routes, Core& core, const std::shared_ptr<const resource::CollectionApi<Port>>& api) {
    const std::string path = "/v2.0/ports/{id}/bindings";
    routes.push_back({Method::Get, path, policy("get_port_binding"), [&core, api](Request& request) {
                          return core.parts.store.read([&](store::Reader& db) {
                              const auto bindings = bindingsOf(db, api->demand(request, db, "get_port_binding"));
                              const auto host = request.query.find("host");
                              return jsonResponse(200, [&](JsonWriter& out) {
                                  const auto body = out.object();
                                  const auto list = out.array("bindings");
                                  for (const auto& each : bindings)
                                      if (!host || *host == each.host) write(out, each);
                              });
                          });
                      }});
    routes.push_back({Method::Post, path, policy("create_port_binding"), [&core, api](Request& request) {
                          const auto wanted = bindingIn(request.json());
                          return shown(201, core.parts.store.write([&](store::Transaction& tx) {
                              return add(core, tx, api->demand(request, tx, "create_port_binding"), wanted);
                          }));
                      }});
    routes.push_back({Method::Put, path + "/{host}/activate", policy("activate"), [&core, api](Request& request) {
                          return shown(200, core.parts.store.write([&](store::Transaction& tx) {
                              return activate(core, tx, api->demand(request, tx, "activate"), request.param("host"));
                          }));
                      }});
    routes.push_back({Method::Delete, path + "/{host}", policy("delete_port_binding"), [&core, api](Request& request) {
                          core.parts.store.write([&](store::Transaction& tx) {
                              remove(core, tx, api->demand(request, tx, "delete_port_binding"), request.param("host"));
                          });
                          return emptyResponse(204);
                      }});
}

}
