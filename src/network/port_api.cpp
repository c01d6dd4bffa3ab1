#include <map>

#include <stratolet/error.hpp>

#include "network/network_record.hpp"
#include "network/port.hpp"

namespace stratolet::network {

namespace {

using namespace http;

const Attributes& attributes() {
    static const Attributes all = withStandard({
        {"network_id", Type::Text, "$.network", true, false},
        {"admin_state_up", Type::Truth, "$.admin_up", true, true},
        {"mac_address", Type::Text, "$.mac", true, true},
        {"fixed_ips", Type::Other, {}, true, true},
        {"device_id", Type::Text, "$.device", true, true},
        {"device_owner", Type::Text, "$.owner", true, true},
        {"security_groups", Type::Other, {}, true, true},
        {"allowed_address_pairs", Type::Other, {}, true, true},
        {"port_security_enabled", Type::Truth, "$.port_security", true, true},
        {"binding:host_id", Type::Text, "$.host", true, true},
        {"binding:profile", Type::Other, {}, true, true},
        {"binding:vnic_type", Type::Text, "$.vnic_type", true, true},
        {"binding:vif_type", Type::Other},
        {"binding:vif_details", Type::Other},
        {"status", Type::Text, "$.status"},
    });
    return all;
}

void write(JsonWriter& json, const Port& port, const Target& target, const Fields& fields, const identity::Caller& caller,
           store::Reader& db) {
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, port.id.text, port.standard, tagsOf(db, port.id.text));
    out.field("network_id", port.network);
    out.field("admin_state_up", port.adminUp);
    out.field("mac_address", port.mac);
    out.field("device_id", port.device);
    out.field("device_owner", port.owner);
    out.field("status", port.status);
    out.field("port_security_enabled", port.portSecurity);
    out.when("fixed_ips", [&](JsonWriter& writer) {
        const auto list = writer.array();
        for (const auto& each : port.addresses) {
            const auto address = writer.object();
            writer.field("subnet_id", each.subnet);
            writer.field("ip_address", each.address.text());
        }
    });
    out.texts("security_groups", port.groups);
    out.when("allowed_address_pairs", [&](JsonWriter& writer) {
        const auto list = writer.array();
        for (const auto& [mac, address] : port.pairs) {
            const auto pair = writer.object();
            writer.field("mac_address", mac);
            writer.field("ip_address", address);
        }
    });
    out.field("binding:vnic_type", port.vnicType);
    const bool bound = !port.server.empty() || !port.host.empty();
    if (caller.may("get_port:binding:host_id", target)) out.field("binding:host_id", port.host);
    if (caller.may("get_port:binding:profile", target)) out.raw("binding:profile", port.profile);
    if (caller.may("get_port:binding:vif_type", target)) out.field("binding:vif_type", bound ? "bridge" : "unbound");
    if (caller.may("get_port:binding:vif_details", target))
        out.raw("binding:vif_details", bound ? R"({"port_filter": true, "connectivity": "l2"})" : "{}");
}

struct Found {
    Port port;
    NetworkRecord network;
    Target target;
};

std::optional<Found> withNetwork(Port port, store::Reader& db) {
    auto network = network_table::find(db, port.network);
    if (!network) return std::nullopt;
    auto target = targetOf(port, *network);
    return Found{std::move(port), *std::move(network), std::move(target)};
}

Found found(const Request& request, store::Reader& db) {
    auto port = port_table::find(db, {request.param("port_id")});
    auto out = port ? withNetwork(*std::move(port), db) : std::nullopt;
    if (!out) throw portNotFound(request.param("port_id"));
    return *std::move(out);
}

/// fixed_ips=ip_address=10.0.0.5, fixed_ips=subnet_id=…, fixed_ips=ip_address_substr=10.0. (all kinds must hold, one value of each)
void filterAddresses(store::Conditions& conditions, const std::vector<std::string>& values) {
    std::map<std::string, std::vector<std::string>> wanted;
    for (const auto& each : values) {
        const auto equals = each.find('=');
        const auto key = each.substr(0, equals);
        if (equals == std::string::npos || (key != "ip_address" && key != "subnet_id" && key != "ip_address_substr"))
            throw Error(Failure::Invalid, "Invalid filter for fixed_ips: ", each).as("HTTPBadRequest");
        wanted[key].push_back(each.substr(equals + 1));
    }
    for (const auto& [key, texts] : wanted) {
        std::string sql;
        std::vector<store::Value> bound;
        for (const auto& text : texts) {
            sql += sql.empty() ? "" : " OR ";
            sql += key == "subnet_id" ? "f.subnet = ?" : key == "ip_address" ? "f.address = ?" : "instr(f.address, ?) > 0";
            const auto address = key == "ip_address" ? Address::parse(text) : std::nullopt;
            bound.emplace_back(address ? address->text() : text);
        }
        conditions.append("EXISTS (SELECT 1 FROM fixed_ips f WHERE f.port = p.id AND (" + sql + "))", bound);
    }
}

void filterGroups(store::Conditions& conditions, const std::vector<std::string>& values) {
    std::string marks;
    std::vector<store::Value> bound;
    for (const auto& each : values) {
        marks += marks.empty() ? "?" : ", ?";
        bound.emplace_back(each);
    }
    conditions.append("EXISTS (SELECT 1 FROM port_security_groups g WHERE g.port = p.id AND g.security_group IN (" + marks + "))", bound);
}

Response list(Request& request, Ports& ports) {
    const auto& caller = identity::callerOf(request);
    auto& db = ports.core().parts.store.reader();
    auto listing = listingOf(request, db, "ports p", attributes(), {{"fixed_ips", filterAddresses}, {"security_groups", filterGroups}});
    if (!seesAll(caller, "get_port"))
        listing.conditions.add("(p.project = ? OR EXISTS (SELECT 1 FROM networks w WHERE w.id = p.network AND w.project = ?))",
                               caller.project, caller.project);
    std::vector<Found> rows;
    for (auto& each : port_table::list(db, listing.conditions, listing.order))
        if (auto row = withNetwork(std::move(each), db)) rows.push_back(*std::move(row));
    dropUnseen(rows, caller, "get_port", [](const auto& each) { return each.target; });
    std::vector<std::string> ids;
    for (const auto& each : rows) ids.push_back(each.port.id.text);
    const Fields fields(request.query);
    return listResponse(request, "ports", listing, ids, [&](JsonWriter& json, std::size_t index) {
        write(json, rows[index].port, rows[index].target, fields, caller, db);
    });
}

Response answer(const Request& request, int status, const Port& port, const Target& target, store::Reader& db) {
    return jsonResponse(status, [&](JsonWriter& json) {
        const auto body = json.object();
        json.key("port");
        write(json, port, target, Fields(request.query), identity::callerOf(request), db);
    });
}

Response show(Request& request, Ports& ports) {
    auto& db = ports.core().parts.store.reader();
    const auto it = found(request, db);
    if (!identity::callerOf(request).may("get_port", it.target)) throw portNotFound(it.port.id.text);
    return answer(request, 200, it.port, it.target, db);
}

Response create(Request& request, Ports& ports) {
    const auto& caller = identity::callerOf(request);
    const auto wanted = posted(request, "port", "ports");
    return ports.core().parts.store.write([&](store::Transaction& tx) {
        std::vector<Found> all;
        for (const auto& each : wanted.items) {
            const Body body(each, attributes(), true);
            const auto id = body.text("network_id");
            if (id.empty())
                throw Error(Failure::Invalid, "Failed to parse request. Required attribute 'network_id' not specified")
                    .as("HTTPBadRequest");
            const auto network = network_table::find(tx, {id});
            if (!network || !caller.may("get_network", targetOf(*network))) throw networkNotFound(id);
            auto target = targetOf(*network);
            target["device_owner"] = body.text("device_owner");
            target["project_id"] = target["tenant_id"] = projectOf(caller, body);
            caller.enforce("create_port", target);
            enforceAttributes(caller, "create_port", body, target, true);
            all.push_back({ports.create(tx, caller, *network, body), *network, {}});
            all.back().target = targetOf(all.back().port, *network);
        }
        if (!wanted.bulk) return answer(request, 201, all.front().port, all.front().target, tx);
        return jsonResponse(201, [&](JsonWriter& json) {
            const auto body = json.object();
            const auto items = json.array("ports");
            for (const auto& each : all) write(json, each.port, each.target, Fields(request.query), caller, tx);
        });
    });
}

Response update(Request& request, Ports& ports) {
    const auto& caller = identity::callerOf(request);
    const Json wanted = put(request, "port");
    const auto [port, its] = ports.core().parts.store.write([&](store::Transaction& tx) {
        const auto it = found(request, tx);
        enforceOn(caller, "update_port", "get_port", it.target, portNotFound(it.port.id.text));
        const Body body(wanted, attributes(), false);
        auto after = it.target;
        after["device_owner"] = body.text("device_owner", it.port.owner);
        enforceAttributes(caller, "update_port", body, after, false);
        checkRevision(request, "port", it.port.id.text, it.port.standard.revision);
        auto target = it.target;
        return std::pair(ports.update(tx, it.port, it.network, body), std::move(target));
    });
    return answer(request, 200, port, its, ports.core().parts.store.reader());
}

Response remove(Request& request, Ports& ports) {
    const auto& caller = identity::callerOf(request);
    ports.core().parts.store.write([&](store::Transaction& tx) {
        const auto it = found(request, tx);
        enforceOn(caller, "delete_port", "get_port", it.target, portNotFound(it.port.id.text));
        checkRevision(request, "port", it.port.id.text, it.port.standard.revision);
        ports.removeByUser(tx, it.port);
    });
    return emptyResponse(204);
}

}

void addPortRoutes(Routes& routes, Ports& ports) {
    routes.push_back({Method::Get, "/v2.0/ports", policy("get_port"), [&](Request& request) { return list(request, ports); }});
    routes.push_back({Method::Post, "/v2.0/ports", policy("create_port"), [&](Request& request) { return create(request, ports); }});
    routes.push_back({Method::Get, "/v2.0/ports/{port_id}", policy("get_port"), [&](Request& request) { return show(request, ports); }});
    routes.push_back(
        {Method::Put, "/v2.0/ports/{port_id}", policy("update_port"), [&](Request& request) { return update(request, ports); }});
    routes.push_back(
        {Method::Delete, "/v2.0/ports/{port_id}", policy("delete_port"), [&](Request& request) { return remove(request, ports); }});
}

}
