#include <algorithm>
#include <array>
#include <utility>

#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/backends.hpp"
#include "block/scheduler/scheduler.hpp"
#include "block/scheduler/scheduler_table.hpp"
#include "block/services.hpp"
#include "block/wire.hpp"
#include "platform/log/log.hpp"
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
    const auto pools = hosting.scheduler.pools(hosting.parts.store.reader());
    const auto answers = [&](const ServiceNow& service) {
        return std::any_of(pools.begin(), pools.end(),
                           [&](const Pool& each) { return each.answers && hostIn(each.name) == service.host; });
    };
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
                out.field("backend_state", answers(each) ? "up" : "down");
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

/// Throws `missing` where there is no such service.
void keep(const Hosting& hosting, ServiceSetting setting, const Error& missing) {
    setting.updated = hosting.parts.ambient.now();
    hosting.parts.store.write([&](store::Transaction& tx) {
        const auto all = servicesOf(hosting, tx);
        if (std::none_of(all.begin(), all.end(), [&](const ServiceNow& each) {
                return each.binary == setting.binary && each.host == setting.host;
            }))
            throw Error(missing);
        scheduler_table::set(tx, setting);
    });
}

Response change(Request& request, const Hosting& hosting, bool disabled, bool reasoned) {
    callerOf(request).enforce();
    const auto body = request.json();
    ServiceSetting setting;
    setting.host = wordIn(body, "host");
    setting.binary = body.has("binary") ? wordIn(body, "binary") : wordIn(body, "service");
    setting.disabled = disabled;
    if (reasoned) setting.reason = wordIn(body, "disabled_reason");
    keep(hosting, setting,
         Error(Failure::NotFound, "Could not find binary ", setting.binary, " on host ", setting.host, "."));
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
Response changeFrozen(Request& request, const Hosting& hosting, bool frozen) {
    callerOf(request).enforce();
    ServiceSetting setting;
    setting.host = wordIn(request.json(), "host");
    setting.binary = "cinder-volume";
    setting.disabled = frozen;
    if (frozen) setting.reason = "frozen";
    keep(hosting, setting, Error(Failure::Invalid, "Invalid input received: There is no back end ", setting.host, "."));
    return http::emptyResponse(200);
}

Response freeze(Request& request, const Hosting& hosting) { return changeFrozen(request, hosting, true); }
Response thaw(Request& request, const Hosting& hosting) { return changeFrozen(request, hosting, false); }

// --- the log

/// All services of this process write one log, by this name: a prefix that names it means it. Each binary has a level
/// of its own, whatever its server: all back ends are one part of this process.
constexpr std::string_view logName = "stratolet";

/// Levels as clients know them, from the one that writes most.
constexpr std::array<std::pair<std::string_view, Log::Level>, 4> logLevels{{{"DEBUG", Log::Level::Debug},
                                                                            {"INFO", Log::Level::Info},
                                                                            {"WARNING", Log::Level::Warning},
                                                                            {"ERROR", Log::Level::Error}}};

std::string_view nameOf(Log::Level level) {
    for (const auto& [name, each] : logLevels)
        if (level <= each) return name;
    return logLevels.back().first;
}

Log::Level logLevelNamed(const std::string& name) {
    const auto wanted = lowered(name);
    const auto found = std::find_if(logLevels.begin(), logLevels.end(),
                                    [&](const auto& each) { return lowered(each.first) == wanted; });
    if (found == logLevels.end())
        throw Error(Failure::Invalid, "Invalid input received: ", name, " is not a valid log level.");
    return found->second;
}

/// A text of at most 255 characters, empty where there is none.
std::string maybeWordIn(const Json& body, std::string_view name) {
    auto text = body.maybeText(name).value_or("");
    if (lengthInCharacters(text) > 255) body.at(name).refuse("It must have at most 255 characters.");
    return text;
}

/// The services whose log a request is about.
struct Logging {
    std::vector<ServiceNow> services;
    bool isNamed = true; ///< the prefix is, or is empty
};

Logging loggingOf(const Json& body, const Hosting& hosting) {
    const auto binary = maybeWordIn(body, "binary"), server = maybeWordIn(body, "server");
    const bool any = binary.empty() || binary == "*";
    auto all = servicesOf(hosting, hosting.parts.store.reader());
    all.insert(all.begin(), {"cinder-api", hosting.parts.cloud.host, {}}); // whom no list of services shows
    if (!any && std::none_of(all.begin(), all.end(), [&](const ServiceNow& each) { return each.binary == binary; }))
        body.at("binary").refuse(
            "It must be one of cinder-api, cinder-scheduler, cinder-volume, cinder-backup, or '*'.");
    std::erase_if(all, [&](const ServiceNow& each) {
        return (!any && each.binary != binary) ||
               (!server.empty() && server != each.host && server != each.host.substr(0, each.host.find('@')));
    });
    return {std::move(all), logName.starts_with(maybeWordIn(body, "prefix"))};
}

Response getLog(Request& request, const Hosting& hosting) {
    callerOf(request).enforce();
    require(request, {32});
    const auto body = request.json();
    body.onlyKnows({"binary", "server", "prefix"});
    const auto wanted = loggingOf(body, hosting);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto content = out.object();
        const auto all = out.array("log_levels");
        for (const auto& each : wanted.services) {
            const auto one = out.object();
            out.field("binary", each.binary);
            out.field("host", each.host);
            const auto levels = out.object("levels");
            if (wanted.isNamed) out.field(logName, nameOf(hosting.logs.of(each.binary).level()));
        }
    });
}

/// Holds as long as this process, as there.
Response setLog(Request& request, const Hosting& hosting) {
    callerOf(request).enforce();
    require(request, {32});
    const auto body = request.json();
    body.onlyKnows({"binary", "server", "prefix", "level"});
    const auto level = logLevelNamed(maybeWordIn(body, "level"));
    const auto wanted = loggingOf(body, hosting);
    if (wanted.isNamed)
        for (const auto& each : wanted.services) hosting.logs.of(each.binary).setLevel(level);
    return http::emptyResponse(202);
}

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

/// The zone takes volumes as long as a back end does.
Response listZones(Request& request, const Hosting& hosting) {
    callerOf(request).enforce();
    hosting.scheduler.refresh();
    const auto pools = hosting.scheduler.pools(hosting.parts.store.reader());
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("availabilityZoneInfo");
        const auto zone = out.object();
        out.field("zoneName", availabilityZone);
        const auto state = out.object("zoneState");
        out.field("available", std::any_of(pools.begin(), pools.end(),
                                           [](const Pool& each) { return !each.disabled && each.answers; }));
    });
}

}

Log& ServiceLogs::of(std::string_view binary) {
    if (binary == "cinder-scheduler") return scheduler;
    if (binary == "cinder-volume") return volume;
    if (binary == "cinder-backup") return backup;
    return api;
}

std::vector<ServiceNow> servicesOf(const Hosting& hosting, store::Reader& db) {
    std::vector<ServiceNow> services{{"cinder-scheduler", hosting.parts.cloud.host, {}}};
    for (const auto* each : hosting.backends.all())
        services.push_back({"cinder-volume", hostIn(hosting.backends.placeOf(*each)), {}});
    services.push_back({"cinder-backup", hosting.parts.cloud.host, {}});
    for (const auto& setting : scheduler_table::settings(db))
        for (auto& each : services)
            if (each.binary == setting.binary && each.host == setting.host) each.setting = setting;
    return services;
}

http::Routes serviceRoutes(const Hosting& hosting) {
    http::Routes routes;
    const auto with = http::boundTo(hosting);
    const std::string all = "/os-services";
    add(routes, Method::Get, all, "volume_extension:services:index", with(list));
    add(routes, Method::Put, all + "/enable", "volume_extension:services:update", with(enable));
    add(routes, Method::Put, all + "/disable", "volume_extension:services:update", with(disable));
    add(routes, Method::Put, all + "/disable-log-reason", "volume_extension:services:update", with(disableWithReason));
    add(routes, Method::Put, all + "/get-log", "volume_extension:services:update", with(getLog));
    add(routes, Method::Put, all + "/set-log", "volume_extension:services:update", with(setLog));
    add(routes, Method::Put, all + "/freeze", "volume:freeze_host", with(freeze));
    add(routes, Method::Put, all + "/thaw", "volume:thaw_host", with(thaw));
    add(routes, Method::Get, "/os-hosts", "volume_extension:hosts", with(listHosts));
    add(routes, Method::Get, "/os-availability-zone", "volume:get_all", with(listZones), http::Runs::Worker);
    return routes;
}
}
