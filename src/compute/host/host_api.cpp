#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/core.hpp"
#include "compute/host/host_table.hpp"
#include "compute/host/service.hpp"

// /os-hosts, which was there until 2.43.

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

constexpr int last = 42;

Response list(Call& call, Core& core) {
    call.caller.enforce();
    const auto zone = call.request.query.text("zone"); // empty: any
    const auto all = services(core, core.reader());
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("hosts");
        for (const auto& each : all) {
            if (!zone.empty() && zone != each.zone) continue;
            const auto item = out.object();
            out.field("host_name", each.host);
            out.field("service", each.binary == computeBinary ? std::string_view("compute")
                                                              : std::string_view(each.binary).substr(5));
            out.field("zone", each.zone);
        }
    });
}

Host hostOf(Call& call, Core& core, store::Reader& db) {
    call.caller.enforce();
    auto host = core.hosts.find(db, {call.param("host")});
    if (!host) throw Error(Failure::NotFound, "Compute host ", call.param("host"), " could not be found.");
    return *std::move(host);
}

void writeResource(JsonWriter& out, const Host& host, std::string_view project, std::int64_t vcpus, MiB memory,
                   GiB disk) {
    const auto item = out.object();
    const auto resource = out.object("resource");
    out.field("host", host.name.text);
    out.field("project", project);
    out.field("cpu", vcpus);
    out.field("memory_mb", memory.count);
    out.field("disk_gb", disk.count);
}

Response show(Call& call, Core& core) {
    return core.parts.store.read([&](store::Reader& db) {
        const auto host = hostOf(call, core, db);
        const auto projects = host_table::loadsByProject(db, host.name);
        const auto& load = host.load;
        return http::jsonResponse(200, [&](JsonWriter& out) {
            const auto body = out.object();
            const auto items = out.array("host");
            writeResource(out, host, "(total)", host.vcpus, host.memory, host.disk);
            writeResource(out, host, "(used_now)", load.vcpus, MiB{load.ram.count + host.promises.reservedRam.count},
                          load.disk);
            writeResource(out, host, "(used_max)", load.vcpus, load.ram, load.disk);
            for (const auto& [project, its] : projects) writeResource(out, host, project, its.vcpus, its.ram, its.disk);
        });
    });
}

[[noreturn]] void notOffered(std::string_view what) {
    throw Error(Failure::Unsupported, "Virt driver does not implement host ", what, ".").as("notImplemented");
}

/// What of two words a field says; nothing where it isn't there.
std::optional<bool> chosen(const Json& body, std::string_view name) {
    const auto value = body.find(name);
    if (!value) return std::nullopt;
    const auto word = textOf(*value, 1, 255);
    if (word != "enable" && word != "disable") value->refuse("It is not one of ['enable', 'disable']");
    return word == "enable";
}

Response update(Call& call, Core& core) {
    call.caller.enforce();
    const Json body = call.request.json();
    if (!body.isObject()) throw Error(Failure::Invalid, "Malformed request body");
    call.onlyKnows(body, {"status", "maintenance_mode"});
    const auto enabled = chosen(body, "status"), maintenance = chosen(body, "maintenance_mode");
    if (!enabled && !maintenance) throw Error(Failure::Invalid, "Invalid request body: it is empty.");
    const auto host = hostOf(call, core, core.reader());
    if (maintenance) notOffered("maintenance mode");
    core.hosts.change(host.name, {.disabled = !*enabled, .forcedDown = {}, .reason = {}});
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto item = out.object();
        out.field("host", host.name.text);
        out.field("status", *enabled ? "enabled" : "disabled");
    });
}

}

void addHostRoutes(http::Routes& routes, Core& core) {
    const std::string rule = "os_compute_api:os-hosts:", path = "/os-hosts";
    addRoute(routes, Method::Get, path, rule + "list", [&](Call& call) { return list(call, core); }, {.until = last});
    addRoute(routes, Method::Get, path + "/{host}", rule + "show", [&](Call& call) { return show(call, core); },
             {.until = last});
    addRoute(routes, Method::Put, path + "/{host}", rule + "update", [&](Call& call) { return update(call, core); },
             {.until = last});
    // No machine is switched on or off by way of libvirt.
    const auto power = [&](Call& call) -> Response {
        hostOf(call, core, core.reader());
        notOffered("power management");
    };
    addRoute(routes, Method::Get, path + "/{host}/startup", rule + "start", power, {.until = last});
    addRoute(routes, Method::Get, path + "/{host}/shutdown", rule + "shutdown", power, {.until = last});
    addRoute(routes, Method::Get, path + "/{host}/reboot", rule + "reboot", power, {.until = last});
}

}
