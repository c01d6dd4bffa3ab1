#include <algorithm>

#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/backends.hpp"
#include "block/scheduler/scheduler.hpp"
#include "block/scheduler/scheduler_table.hpp"
#include "block/services.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

Response list(Request& request, const Hosting& hosting) {
    callerOf(request).enforce();
    const auto binary = request.query.find("binary"), host = request.query.find("host");
    const auto services = servicesOf(hosting, hosting.parts.store.reader());
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto all = out.array("services");
        for (const auto& each : services) {
            if ((binary && *binary != each.binary) ||
                (host && *host != each.host && *host != each.host.substr(0, each.host.find('@'))))
                continue;
            const auto one = out.object();
            out.field("binary", each.binary);
            out.field("host", each.host);
            out.field("zone", availabilityZone);
            out.field("status", each.setting.disabled ? "disabled" : "enabled");
            out.field("state", "up");
            out.field("updated_at", isoMicros(hosting.parts.ambient.now()));
            out.field("disabled_reason", each.setting.reason);
            if (microversionOf(request) >= Microversion{7}) out.field("cluster", nullptr);
            if (microversionOf(request) >= Microversion{49} && each.binary == "cinder-volume")
                out.field("backend_state", "up");
        }
    });
}

/// A text of 1 to `most` characters.
std::string wordIn(const Json& body, std::string_view name) {
    auto text = body.text(name);
    if (trimmed(text).empty() || lengthInCharacters(text) > 255)
        body.at(name).refuse("It must have 1 to 255 characters.");
    return text;
}

Response change(Request& request, const Hosting& hosting, bool disabled, bool reasoned) {
    callerOf(request).enforce();
    const auto body = request.json();
    ServiceSetting setting;
    setting.host = wordIn(body, "host");
    setting.binary = body.has("binary") ? wordIn(body, "binary") : wordIn(body, "service");
    setting.disabled = disabled;
    if (reasoned) setting.reason = wordIn(body, "disabled_reason");
    setting.updated = hosting.parts.ambient.now();
    hosting.parts.store.write([&](store::Transaction& tx) {
        const auto all = servicesOf(hosting, tx);
        if (std::none_of(all.begin(), all.end(), [&](const ServiceNow& each) {
                return each.binary == setting.binary && each.host == setting.host;
            }))
            throw Error(Failure::NotFound, "Could not find binary ", setting.binary, " on host ", setting.host, ".");
        scheduler_table::set(tx, setting);
    });
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto content = out.object();
        out.field("host", setting.host);
        out.field("service", setting.binary);
        out.field("binary", setting.binary);
        out.field("disabled", disabled);
        out.field("status", disabled ? "disabled" : "enabled");
        if (reasoned || !disabled) out.field("disabled_reason", setting.reason);
    });
}

Response enable(Request& request, const Hosting& hosting) { return change(request, hosting, false, false); }
Response disable(Request& request, const Hosting& hosting) { return change(request, hosting, true, false); }
Response disableWithReason(Request& request, const Hosting& hosting) { return change(request, hosting, true, true); }

/// A back end that is frozen keeps what it has and gets nothing new: its service is disabled, by that reason.
Response keep(Request& request, const Hosting& hosting, bool frozen) {
    callerOf(request).enforce();
    ServiceSetting setting;
    setting.host = wordIn(request.json(), "host");
    setting.binary = "cinder-volume";
    setting.disabled = frozen;
    if (frozen) setting.reason = "frozen";
    setting.updated = hosting.parts.ambient.now();
    hosting.parts.store.write([&](store::Transaction& tx) {
        const auto all = servicesOf(hosting, tx);
        if (std::none_of(all.begin(), all.end(), [&](const ServiceNow& each) {
                return each.binary == setting.binary && each.host == setting.host;
            }))
            throw Error(Failure::Invalid, "Invalid input received: There is no back end ", setting.host, ".");
        scheduler_table::set(tx, setting);
    });
    return http::emptyResponse(202);
}

Response freeze(Request& request, const Hosting& hosting) { return keep(request, hosting, true); }
Response thaw(Request& request, const Hosting& hosting) { return keep(request, hosting, false); }

Response listHosts(Request& request, const Hosting& hosting) {
    callerOf(request).enforce();
    const auto services = servicesOf(hosting, hosting.parts.store.reader());
    const auto wanted = request.query.find("service");
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto all = out.array("hosts");
        for (const auto& each : services) {
            if (wanted && *wanted != each.binary) continue;
            const auto one = out.object();
            out.field("host_name", each.host);
            out.field("service", each.binary);
            out.field("zone", availabilityZone);
            out.field("service-status", "available");
            out.field("service-state", each.setting.disabled ? "disabled" : "enabled");
            out.field("last-update", isoMicros(hosting.parts.ambient.now()));
        }
    });
}

}

std::vector<ServiceNow> servicesOf(const Hosting& hosting, store::Reader& db) {
    std::vector<ServiceNow> services{{"cinder-scheduler", hosting.parts.cloud.host, {}}};
    for (const auto* each : hosting.backends.all()) {
        const auto pool = hosting.backends.placeOf(*each); // "name@backend#pool"
        services.push_back({"cinder-volume", pool.substr(0, pool.find('#')), {}});
    }
    services.push_back({"cinder-backup", hosting.parts.cloud.host, {}});
    for (const auto& setting : scheduler_table::settings(db))
        for (auto& each : services)
            if (each.binary == setting.binary && each.host == setting.host) each.setting = setting;
    return services;
}

http::Routes serviceRoutes(const Hosting& hosting) {
    http::Routes routes;
    const auto with = [hosting](Response (*handler)(Request&, const Hosting&)) -> http::Handler {
        return [hosting, handler](Request& request) { return handler(request, hosting); };
    };
    const std::string all = "/os-services";
    add(routes, Method::Get, all, "volume_extension:services:index", with(list));
    add(routes, Method::Put, all + "/enable", "volume_extension:services:update", with(enable));
    add(routes, Method::Put, all + "/disable", "volume_extension:services:update", with(disable));
    add(routes, Method::Put, all + "/disable-log-reason", "volume_extension:services:update", with(disableWithReason));
    add(routes, Method::Put, all + "/freeze", "volume:freeze_host", with(freeze));
    add(routes, Method::Put, all + "/thaw", "volume:thaw_host", with(thaw));
    add(routes, Method::Get, "/os-hosts", "volume_extension:hosts", with(listHosts));
    return routes;
}

}
