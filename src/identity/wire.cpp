#include "identity/wire.hpp"

#include <algorithm>
#include <set>

#include "platform/store/paging.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

int statusOf(Failure failure) {
    switch (failure) {
    case Failure::Invalid: return 400;
    case Failure::Unauthenticated: return 401;
    case Failure::Forbidden: return 403;
    case Failure::NotFound: return 404;
    case Failure::Conflict: return 409;
    case Failure::OverLimit: return 403;
    case Failure::TooLarge: return 413;
    case Failure::Unsupported: return 415;
    case Failure::TimedOut: return 504;
    case Failure::Busy: return 503;
    case Failure::Full: return 507;
    case Failure::Broken: return 500;
    }
    std::abort();
}

http::Response envelope(int status, std::string_view message) {
    return http::jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto error = out.object("error");
        out.field("code", status);
        out.field("message", message);
        out.field("title", http::reasonOf(status));
    });
}

/// LIKE's own wild cards in what a user typed are only characters.
std::string likeText(const std::string& text) {
    std::string escaped;
    for (const char each : text) {
        if (each == '%' || each == '_' || each == '\\') escaped += '\\';
        escaped += each;
    }
    return escaped;
}

bool isTruth(const std::string& text) { return text != "0" && text != "false" && text != "False"; }

void applyInexact(store::Conditions& conditions, const Filter& filter, std::string_view comparator, const std::string& value) {
    const std::string column(filter.kind == Filter::Kind::Name ? filter.parameter : filter.column);
    const bool anyCase = comparator.starts_with('i');
    if (anyCase) comparator.remove_prefix(1);
    const std::string pattern = comparator == "contains"     ? "%" + likeText(value) + "%"
                                : comparator == "startswith" ? likeText(value) + "%"
                                : comparator == "endswith"   ? "%" + likeText(value)
                                                             : std::string();
    if (pattern.empty()) return;
    if (anyCase)
        conditions.add("lower(" + column + ") LIKE lower(?) ESCAPE '\\'", pattern);
    else if (comparator == "contains")
        conditions.add("instr(" + column + ", ?) > 0", value);
    else if (comparator == "startswith")
        conditions.add("substr(" + column + ", 1, length(?)) = ?", value, value);
    else
        conditions.add("substr(" + column + ", -length(?)) = ?", value, value);
}

http::Response linkedList(const http::Request& request, std::string_view collection, const std::optional<std::string>& next,
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

}

http::Response refusal(const http::Request& request, const Error& error) {
    if (error.failure() == Failure::Unauthenticated) return unauthenticated(request, error.what());
    const bool ours = error.failure() == Failure::Broken;
    return envelope(statusOf(error.failure()),
                    ours ? "An unexpected error prevented the server from fulfilling your request." : error.what());
}

http::Response unauthenticated(const http::Request& request, std::string_view message) {
    auto response = envelope(401, message.empty() ? "The request you have made requires authentication." : message);
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

http::Response listResponse(const http::Request& request, std::string_view collection, const std::function<void(JsonWriter&)>& writeItems) {
    return linkedList(request, collection, std::nullopt, writeItems);
}

http::Response pageResponse(const http::Request& request, std::string_view collection, const Page& page, std::size_t found,
                            const std::function<std::string(std::size_t)>& idAt,
                            const std::function<void(JsonWriter&, std::size_t)>& writeAt) {
    const bool more = page.limitMax != 0 && found > page.limitMax;
    const auto shown = more ? page.limitMax : found;
    std::optional<std::string> next;
    if (more) {
        next = request.base + request.path + "?";
        for (const auto& [name, value] : request.query)
            if (name != "marker") next->append(http::percentEncoded(name)).append("=").append(http::percentEncoded(value)).append("&");
        next->append("marker=").append(http::percentEncoded(idAt(shown - 1)));
    }
    return linkedList(request, collection, next, [&](JsonWriter& out) {
        for (std::size_t at = 0; at < shown; ++at) writeAt(out, at);
    });
}

http::Response slicedResponse(const http::Request& request, std::string_view collection, const std::vector<std::string>& ids,
                              const std::function<void(JsonWriter&, std::size_t)>& writeAt) {
    std::size_t begin = 0;
    if (const auto marker = request.query.find("marker")) {
        const auto found = std::find(ids.begin(), ids.end(), *marker);
        if (found == ids.end()) throw Error(Failure::Invalid, "Invalid input for field 'marker': ", *marker, " is not in this list.");
        begin = static_cast<std::size_t>(found - ids.begin()) + 1;
    }
    const auto limit = static_cast<std::size_t>(request.query.integer("limit", 1, 1'000'000).value_or(0));
    return pageResponse(
        request, collection, {{}, limit}, ids.size() - begin, [&](std::size_t at) { return ids[begin + at]; },
        [&](JsonWriter& out, std::size_t at) { writeAt(out, begin + at); });
}

Page Page::from(const http::Query& query, store::Conditions& conditions, store::Reader& db, std::string_view table,
                std::span<const Filter> attributes, std::string_view usually) {
    std::string column(usually);
    if (const auto wanted = query.find("sort_key"); wanted && *wanted != "id") {
        const auto found =
            std::find_if(attributes.begin(), attributes.end(), [&](const Filter& each) { return each.parameter == *wanted; });
        if (found == attributes.end())
            throw Error(Failure::Invalid, "Invalid input for field 'sort_key': it cannot be sorted by ", *wanted, ".");
        column = found->kind == Filter::Kind::Name ? found->parameter : found->column;
    } else if (wanted) {
        column = "id";
    }
    const auto direction = query.text("sort_dir", "asc");
    if (direction != "asc" && direction != "desc") throw Error(Failure::Invalid, "Invalid input for field 'sort_dir': it is asc or desc.");
    const bool descending = direction == "desc";
    std::vector<store::SortKey> keys;
    if (column != "id") keys.push_back({"coalesce(" + column + ", '')", descending});
    keys.push_back({"id", descending});
    if (const auto marker = query.find("marker")) {
        // One that isn't in the list, because it isn't the caller's to see or is filtered out, is not there: else its place would tell of
        // it.
        auto named = conditions;
        named.add("id = ?", *marker);
        if (!db.run("SELECT 1 FROM " + std::string(table) + named.where(), named.values()).any())
            throw Error(Failure::Invalid, "Invalid input for field 'marker': there is no ", *marker, ".");
        store::startAfter(conditions, keys, table, *marker);
    }
    Page page;
    page.order = store::orderBy(keys);
    if (const auto limit = query.integer("limit", 1, 1'000'000)) {
        page.limitMax = static_cast<std::size_t>(*limit);
        page.order += " LIMIT " + std::to_string(page.limitMax + 1);
    }
    return page;
}

void writeSelf(JsonWriter& out, const http::Request& request, std::string_view path) {
    const auto links = out.object("links");
    out.field("self", (request.base + "/v3/").append(path));
}

void applyFilters(store::Conditions& conditions, const http::Query& query, std::span<const Filter> filters) {
    std::set<std::string_view> seen; // the first of a name counts, however often it comes: the SQL stays bounded
    for (const auto& [name, value] : query) {
        if (!seen.insert(name).second) continue;
        for (const auto& filter : filters) {
            if (name == filter.parameter) {
                switch (filter.kind) {
                case Filter::Kind::Truth: conditions.add(std::string(filter.column) + " = ?", isTruth(value)); break;
                case Filter::Kind::Name: conditions.add(std::string(filter.column) + " = ?", foldedName(value)); break;
                case Filter::Kind::Text: conditions.add(std::string(filter.column) + " = ?", value); break;
                }
            } else if (filter.kind != Filter::Kind::Truth && name.starts_with(std::string(filter.parameter) + "__")) {
                applyInexact(conditions, filter, std::string_view(name).substr(filter.parameter.size() + 2), value);
            }
        }
    }
}

void onlyOfScope(store::Conditions& conditions, const Caller& caller) {
    if (!caller.domain.empty()) conditions.add("domain_id = ?", caller.domain);
}

std::string mergedExtra(const std::string& kept, const Json& body, std::initializer_list<std::string_view> known) {
    const auto isKnown = [&](const std::string& name) { return std::find(known.begin(), known.end(), name) != known.end(); };
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

std::string mergedOptions(const std::string& options, const Json& body, std::initializer_list<std::string_view> known) {
    const auto given = body.find("options");
    if (!given) return options;
    given->onlyKnows(known);
    const Json before = Json::parse(options);
    std::string merged;
    JsonWriter out(merged);
    {
        const auto object = out.object();
        for (const auto& name : before.names())
            if (!given->has(name)) out.rawField(name, before.at(name).dump());
        for (const auto& name : given->names())
            if (!given->at(name).isNull()) out.rawField(name, given->at(name).dump()); // null takes an option back
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
    return !caller.domain.empty() ? caller.domain : !caller.project.empty() ? caller.projectDomain : DomainId{"default"};
}

std::string checkedName(const Json& value, std::size_t lengthMax) {
    std::string name = value.text();
    if (name.find_first_not_of(" \t\r\n") == std::string::npos) value.refuse("It must not be blank.");
    if (name.find('\0') != std::string::npos) value.refuse("It must not have a NUL character.");
    if (lengthInCharacters(name) > lengthMax) value.refuse("It must be " + std::to_string(lengthMax) + " characters or less.");
    return name;
}

bool checkedTruth(const Json& body, std::string_view name, bool otherwise) {
    const auto found = body.find(name);
    return found ? found->boolean() : otherwise;
}

}
