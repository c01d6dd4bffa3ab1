#include "appliance/events/audit.hpp"

#include <algorithm>
#include <cctype>
#include <mutex>
#include <utility>

#include <stratolet/error.hpp>

#include "identity/caller.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/log/log.hpp"
#include "platform/log/rolling_file.hpp"
#include "platform/text/text.hpp"

namespace stratolet {
namespace {

using http::Method;

/// The first word of an action's body: {"reboot": …}.
std::string verbIn(const std::string& body) {
    const auto begin = body.find('"');
    const auto end = begin == std::string::npos ? begin : body.find('"', begin + 1);
    constexpr std::size_t most = 64;
    if (end == std::string::npos || end - begin - 1 > most) return {};
    const auto verb = body.substr(begin + 1, end - begin - 1);
    const auto isWord = [](char each) {
        return std::isalnum(static_cast<unsigned char>(each)) || each == '-' || each == '_';
    };
    return std::all_of(verb.begin(), verb.end(), isWord) ? verb : std::string();
}

bool isLogin(const http::Request& request) { return request.route->pattern.ends_with("/auth/tokens"); }

std::string actionOf(const http::Request& request) {
    if (isLogin(request)) return request.method == Method::Delete ? "revoke" : "authenticate";
    switch (request.method) {
    case Method::Post:
        if (request.route->pattern.ends_with("/action")) {
            const auto verb = verbIn(request.body);
            return verb.empty() ? "update" : "update/" + verb;
        }
        return "create";
    case Method::Put:
    case Method::Patch: return "update";
    case Method::Delete: return "delete";
    default: return "read";
    }
}

/// The nouns of a route's pattern: "servers/volume_attachments" of "/v2.1/servers/{server}/os-volume_attachments/{id}".
std::string nounsOf(std::string_view pattern) {
    std::string nouns;
    for (std::size_t at = 1; at < pattern.size();) {
        const auto slash = std::min(pattern.find('/', at), pattern.size());
        const auto part = pattern.substr(at, slash - at);
        at = slash + 1;
        const bool version = part.size() > 1 && part[0] == 'v' && part[1] >= '0' && part[1] <= '9';
        if (part.empty() || part.starts_with('{') || part == "action" || version) continue;
        nouns.append(nouns.empty() ? "" : "/").append(part);
    }
    return nouns;
}

/// The id of what has been made, as the answer says it: {"server": {"id": …}}, or {"id": …}.
std::string madeIn(const http::Response& response) {
    constexpr std::size_t most = 256 << 10;
    if (response.status >= 300 || response.body.empty() || response.body.size() > most) return {};
    try {
        const auto body = Json::parse(response.body);
        if (const auto id = body.find("id"); id && id->isText()) return id->text();
        for (const auto& name : body.names())
            if (const auto inner = body.find(name); inner && inner->isObject())
                if (const auto id = inner->find("id"); id && id->isText()) return id->text();
    } catch (const Error&) { // no JSON
    }
    return {};
}

/// Who a login's answer says has come in.
std::string userIn(const http::Response& response) {
    try {
        const auto body = Json::parse(response.body);
        if (const auto token = body.find("token"))
            if (const auto user = token->find("user")) return user->text("id", "");
    } catch (const Error&) {
    }
    return {};
}

}

std::vector<ConfigOption> auditOptions() {
    return {{"audit", "enabled", "true", trueOrFalse()},
            {"audit", "file_bytes", "16777216", wholeNumber(1 << 16, std::int64_t{1} << 40)},
            {"audit", "files", "8", wholeNumber(2, 1000)}};
}

bool isAudited(const http::Request& request, const http::Response& response) {
    const bool reads =
        request.method == Method::Get || request.method == Method::Head || request.method == Method::Options;
    return !reads || response.status == 401 || response.status == 403;
}

std::string auditLine(const http::Site& site, const http::Request& request, const http::Response& response,
                      const std::string& id, const std::string& time) {
    const auto* caller = identity::knownCaller(request);
    const bool good = response.status < 400;
    const bool pathIsSecret = request.route->pattern.find("console-auth-tokens/") != std::string::npos;
    std::string line;
    {
        JsonWriter out(line);
        const auto event = out.object();
        out.field("typeURI", "http://schemas.dmtf.org/cloud/audit/1.0/event");
        out.field("eventType", "activity");
        out.field("id", id);
        out.field("eventTime", time);
        out.field("action", actionOf(request));
        out.field("outcome", good ? "success" : "failure");
        {
            const auto reason = out.object("reason");
            out.field("reasonType", "HTTP");
            out.field("reasonCode", std::to_string(response.status));
        }
        {
            const auto initiator = out.object("initiator");
            out.field("typeURI", "service/security/account/user");
            const auto user = caller ? caller->user.text : isLogin(request) && good ? userIn(response) : std::string();
            out.field("id", user.empty() ? "unknown" : user);
            if (caller && !caller->project.text.empty()) out.field("project_id", caller->project);
            if (caller && !caller->domain.text.empty()) out.field("domain_id", caller->domain);
            if (caller && caller->system) out.field("system", true);
            const auto host = out.object("host");
            out.field("address", request.peer);
            constexpr std::size_t agentMost = 256;
            out.field("agent", asUtf8(request.headers["User-Agent"].substr(0, agentMost)));
        }
        {
            const auto target = out.object("target");
            out.field("typeURI", "service/" + site.name + "/" + nounsOf(request.route->pattern));
            const bool makes =
                request.method == Method::Post && !request.route->pattern.ends_with("/action") && !isLogin(request);
            auto what = makes ? madeIn(response) : std::string();
            if (what.empty() && !request.params.empty() && !pathIsSecret) what = request.params.back().second;
            out.field("id", what.empty() ? site.name : what);
        }
        {
            const auto observer = out.object("observer");
            out.field("typeURI", "service/" + site.name);
            out.field("id", site.name);
        }
        out.field("requestPath", site.prefix + (pathIsSecret ? request.route->pattern : request.path));
        const auto tags = out.array("tags");
        out.value("request:" + request.requestId);
    }
    return line + '\n';
}

struct Audit::Impl {
    Impl(const Parts& parts, const std::filesystem::path& file)
        : ambient(parts.ambient),
          log(parts.log),
          trail(file, {static_cast<std::uintmax_t>(parts.config.integer("audit", "file_bytes")),
                       static_cast<int>(parts.config.integer("audit", "files"))}) {}

    Ambient& ambient;
    Log& log;
    std::mutex mutex;
    RollingFile trail;
    bool failing = false;
};

Audit::Audit(const Parts& parts, const std::filesystem::path& stateDir) {
    if (parts.config.boolean("audit", "enabled")) impl_ = std::make_unique<Impl>(parts, stateDir / "audit.log");
}
Audit::~Audit() = default;

void Audit::hear(const http::Site& site, const http::Request& request, const http::Response& response) {
    if (!impl_ || !isAudited(request, response)) return;
    const auto line = auditLine(site, request, response, impl_->ambient.uuid(), isoMicrosZ(impl_->ambient.now()));
    const std::lock_guard guard(impl_->mutex);
    try {
        impl_->trail.append(line);
        impl_->failing = false;
    } catch (const Error& problem) { // said once: the disk is full, say, and stays so for a while
        if (!std::exchange(impl_->failing, true))
            impl_->log.error("the audit trail can't be written", {{"reason", problem.what()}});
    }
}

}
