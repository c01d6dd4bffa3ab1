#include "identity/wire.hpp"

#include <algorithm>

#include "platform/http/failures.hpp"
#include "platform/text/text.hpp"
#include "resource/listing.hpp"

namespace stratolet::identity {
namespace {

constexpr std::string_view wordsOfRefusal = "The request you have made requires authentication.";

int statusOf(Failure failure) { return failure == Failure::OverLimit ? 403 : http::usualStatus(failure); }

http::Response envelope(int status, std::string_view message) {
    return http::jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto error = out.object("error");
        out.field("code", status);
        out.field("message", message);
        out.field("title", http::reasonOf(status));
    });
}

}

http::Response refusal(const http::Request& request, const Error& error) {
    if (error.failure() == Failure::Unauthenticated) return unauthenticated(request, error.what());
    const bool ours = error.failure() == Failure::Broken;
    return envelope(statusOf(error.failure()),
                    ours ? "An unexpected error prevented the server from fulfilling your request." : error.what());
}

http::Response unauthenticated(const http::Request& request, std::string_view message) {
    auto response = envelope(401, message.empty() ? wordsOfRefusal : message);
    response.headers.add("WWW-Authenticate", "Keystone uri=\"" + request.endpoint + "/identity\"");
    return response;
}

http::Response noRoute(const http::Request& request, const std::vector<http::Method>& allowed) {
    if (allowed.empty()) return envelope(404, "Could not find: " + request.path + ".");
    auto response = http::jsonResponse(405, [](JsonWriter& out) {
        const auto body = out.object();
        out.field("message", "The method is not allowed for the requested URL.");
    });
    std::string names;
    for (const auto each : allowed) names.append(names.empty() ? "" : ", ").append(http::nameOf(each));
    response.headers.add("Allow", names);
    return response;
}

http::Response listResponse(const http::Request& request, std::string_view collection,
                            const std::optional<std::string>& next,
                            const std::function<void(JsonWriter&)>& writeItems) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto items = out.array(collection);
            writeItems(out);
        }
        const auto links = out.object("links");
        out.field("next", next);
        out.field("self", request.base + request.path + (request.queryText.empty() ? "" : "?" + request.queryText));
        out.field("previous", nullptr);
    });
}

http::Response slicedResponse(const http::Request& request, std::string_view collection,
                              const std::vector<std::string>& ids,
                              const std::function<void(JsonWriter&, std::size_t)>& writeAt) {
    std::size_t begin = 0;
    if (const auto marker = request.query.find("marker")) {
        const auto found = std::find(ids.begin(), ids.end(), *marker);
        if (found == ids.end())
            throw Error(Failure::Invalid, "Invalid input for field 'marker': ", *marker, " is not in this list.");
        begin = static_cast<std::size_t>(found - ids.begin()) + 1;
    }
    const auto limit = static_cast<std::size_t>(request.query.integer("limit", 1, 1'000'000).value_or(0));
    const auto end = limit == 0 ? ids.size() : std::min(ids.size(), begin + limit);
    const auto next = end < ids.size() ? std::optional(resource::pageHref(request, ids[end - 1])) : std::nullopt;
    return listResponse(request, collection, next, [&](JsonWriter& out) {
        for (std::size_t at = begin; at < end; ++at) writeAt(out, at);
    });
}

void writeSelf(JsonWriter& out, const http::Request& request, std::string_view path) {
    const auto links = out.object("links");
    out.field("self", (request.base + "/v3/").append(path));
}

void onlyOfScope(store::Conditions& conditions, const Caller& caller) {
    if (!caller.domain.empty()) conditions.add("domain_id = ?", caller.domain);
}

std::string mergedExtra(const std::string& kept, const Json& body,
                        const std::function<bool(std::string_view)>& isKnown) {
    const Json before = Json::parse(kept);
    std::string merged;
    JsonWriter out(merged);
    {
        const auto object = out.object();
        for (const auto& name : before.names())
            if (!body.has(name)) out.rawField(name, before.at(name).dump());
        for (const auto& name : body.names())
            if (!isKnown(name)) out.rawField(name, body.at(name).dump());
    }
    return merged;
}

void writeExtra(JsonWriter& out, const std::string& extra) {
    if (extra == "{}") return;
    const Json object = Json::parse(extra);
    for (const auto& name : object.names()) out.rawField(name, object.at(name).dump());
}

std::string mergedOptions(const std::string& options, const Json& given,
                          std::initializer_list<std::string_view> known) {
    given.onlyKnows(known);
    const Json before = Json::parse(options);
    std::string merged;
    JsonWriter out(merged);
    {
        const auto object = out.object();
        for (const auto& name : before.names())
            if (!given.has(name)) out.rawField(name, before.at(name).dump());
        for (const auto& name : given.names())
            if (!given.at(name).isNull()) out.rawField(name, given.at(name).dump()); // null takes an option back
    }
    return merged;
}

bool isImmutable(const std::string& options) {
    if (options == "{}") return false;
    const auto found = Json::parse(options).find("immutable");
    return found && found->isBoolean() && found->boolean();
}

bool changesOnlyImmutable(const Json& body) {
    const auto options = body.find("options");
    return options && body.size() == 1 && options->isObject() && options->size() == 1 && options->has("immutable");
}

DomainId homeDomainOf(const Caller& caller) {
    return !caller.domain.empty()    ? caller.domain
           : !caller.project.empty() ? caller.projectDomain
                                     : DomainId{"default"};
}

std::string checkedName(const Json& value, std::size_t lengthMax) {
    std::string name = value.text();
    if (name.find_first_not_of(" \t\r\n") == std::string::npos) value.refuse("It must not be blank.");
    if (name.find('\0') != std::string::npos) value.refuse("It must not have a NUL character.");
    if (lengthInCharacters(name) > lengthMax)
        value.refuse("It must be " + std::to_string(lengthMax) + " characters or less.");
    return name;
}

Error refused() { return Error(Failure::Unauthenticated, wordsOfRefusal); }

bool checkedTruth(const Json& body, std::string_view name, bool otherwise) {
    const auto found = body.find(name);
    return found ? found->boolean() : otherwise;
}

}
