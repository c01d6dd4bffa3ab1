#include "network/wire.hpp"

#include <algorithm>
#include <set>

#include <stratolet/error.hpp>

#include "platform/store/paging.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

using namespace http;

int statusOf(Failure failure) {
    switch (failure) {
    case Failure::Invalid: return 400;
    case Failure::Unauthenticated: return 401;
    case Failure::Forbidden: return 403;
    case Failure::NotFound: return 404;
    case Failure::Conflict: return 409;
    case Failure::OverLimit: return 409;
    case Failure::TooLarge: return 413;
    case Failure::Unsupported: return 415;
    case Failure::TimedOut: return 504;
    case Failure::Busy: return 503;
    case Failure::Full: return 507;
    case Failure::Broken: return 500;
    }
    std::abort();
}

std::string_view typeOf(Failure failure) {
    switch (failure) {
    case Failure::Invalid: return "HTTPBadRequest";
    case Failure::Unauthenticated: return "HTTPUnauthorized";
    case Failure::Forbidden: return "PolicyNotAuthorized";
    case Failure::NotFound: return "HTTPNotFound";
    case Failure::Conflict: return "Conflict";
    case Failure::OverLimit: return "OverQuota";
    case Failure::TooLarge: return "HTTPRequestEntityTooLarge";
    case Failure::Unsupported: return "HTTPUnsupportedMediaType";
    case Failure::TimedOut: return "HTTPGatewayTimeout";
    case Failure::Busy: return "HTTPServiceUnavailable";
    case Failure::Full: return "HTTPInsufficientStorage";
    case Failure::Broken: return "HTTPInternalServerError";
    }
    std::abort();
}

Response envelope(int status, std::string_view type, std::string_view message) {
    return jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto error = out.object("NeutronError");
        out.field("type", type);
        out.field("message", message);
        out.field("detail", "");
    });
}

const Attribute* attributeOf(const Attributes& attributes, std::string_view name) {
    const auto found = std::find_if(attributes.begin(), attributes.end(), [&](const auto& each) { return each.name == name; });
    return found == attributes.end() ? nullptr : &*found;
}

void checkKind(const Attribute& attribute, const Json& value) {
    switch (attribute.type) {
    case Type::Text:
        if (value.isNull()) return;
        if (!value.isText()) refuseInput(attribute.name, "'" + value.dump() + "' is not a valid string.");
        if (lengthInCharacters(value.text()) > attribute.lengthMax)
            refuseInput(attribute.name, "'" + value.text() + "' exceeds maximum length of " + std::to_string(attribute.lengthMax) + ".");
        if (value.text().find('\0') != std::string::npos) refuseInput(attribute.name, "null characters are not allowed.");
        return;
    case Type::Whole:
        if (!value.isNull() && !wholeOf(value)) refuseInput(attribute.name, "'" + value.dump() + "' is not an integer.");
        return;
    case Type::Truth:
        if (!truthOf(value)) refuseInput(attribute.name, "'" + value.dump() + "' cannot be converted to boolean.");
        return;
    case Type::Other: return;
    }
}

void addFilter(store::Conditions& conditions, const Attribute& attribute, const std::vector<std::string>& values) {
    if (attribute.type == Type::Text) {
        conditions.in(attribute.column, values);
        return;
    }
    std::vector<std::string> numbers;
    for (const auto& each : values) {
        if (attribute.type == Type::Truth) {
            const auto truth = truthOf(each);
            if (!truth) refuseInput(attribute.name, "'" + each + "' cannot be converted to boolean.");
            numbers.push_back(*truth ? "1" : "0");
        } else {
            numbers.push_back(each);
        }
    }
    conditions.in("CAST(" + std::string(attribute.column) + " AS TEXT)", numbers);
}

/// More values of one filter than any page has rows are nobody's question.
constexpr std::size_t filterValuesMost = 1000;

void addTagFilter(store::Conditions& conditions, const std::string& id, const std::string& kind, const std::vector<std::string>& values) {
    std::set<std::string> tags;
    for (const auto& value : values)
        for (const auto tag : split(value, ','))
            if (!tag.empty()) tags.emplace(tag);
    if (tags.size() > filterValuesMost) refuseInput(kind, "at most " + std::to_string(filterValuesMost) + " tags can be asked for.");
    if (tags.empty()) return;
    const bool any = kind.ends_with("-any"), negated = kind.starts_with("not-");
    std::string marks;
    std::vector<store::Value> bound;
    for (const auto& tag : tags) {
        marks += marks.empty() ? "?" : ", ?";
        bound.emplace_back(tag);
    }
    bound.emplace_back(any ? 1 : static_cast<std::int64_t>(tags.size()));
    conditions.append(id + (negated ? " NOT IN" : " IN") + " (SELECT t.resource FROM network_tags t WHERE t.tag IN (" + marks +
                          ") GROUP BY t.resource HAVING COUNT(*) >= ?)",
                      bound);
}

}

Response refusal(const Request& request, const Error& error) {
    if (error.type() == "RevisionNumberConstraintFailed") return envelope(412, error.type(), error.what());
    if (error.failure() == Failure::Broken)
        return envelope(500, "HTTPInternalServerError",
                        "Request Failed: internal server error while processing your request (" + request.requestId + ").");
    auto response =
        envelope(statusOf(error.failure()), error.type().empty() ? typeOf(error.failure()) : std::string_view(error.type()), error.what());
    if (error.failure() == Failure::Busy) response.headers.add("Retry-After", "1");
    return response;
}

Response noRoute(const Request&, const std::vector<Method>& allowed) {
    if (allowed.empty()) return envelope(404, "HTTPNotFound", "The resource could not be found.");
    auto response = envelope(405, "HTTPMethodNotAllowed", "The method is not allowed for this resource.");
    std::string names;
    for (const auto each : allowed) names += (names.empty() ? "" : ", ") + std::string(nameOf(each));
    response.headers.add("Allow", names);
    return response;
}

void refuseInput(std::string_view name, const std::string& reason) {
    throw Error(Failure::Invalid, "Invalid input for ", name, ". Reason: ", reason).as("HTTPBadRequest");
}

Attributes withStandard(Attributes own, bool named) {
    own.push_back({"id", Type::Text, "$.id"});
    own.push_back({"tenant_id", Type::Text, "$.project", true});
    own.push_back({"project_id", Type::Text, "$.project", true});
    if (named) own.push_back({"name", Type::Text, "$.name", true, true});
    own.push_back({"description", Type::Text, "$.description", true, true});
    own.push_back({"created_at", Type::Other});
    own.push_back({"updated_at", Type::Other});
    own.push_back({"revision_number", Type::Whole, "$.revision"});
    own.push_back({"tags", Type::Other});
    return own;
}

std::optional<bool> truthOf(std::string_view text) {
    const auto word = lowered(text);
    if (word == "true" || word == "1" || word == "yes" || word == "on" || word == "t" || word == "y") return true;
    if (word == "false" || word == "0" || word == "no" || word == "off" || word == "f" || word == "n") return false;
    return std::nullopt;
}

std::optional<bool> truthOf(const Json& value) {
    if (value.isBoolean()) return value.boolean();
    if (value.isText()) return truthOf(value.text());
    if (value.isInteger() && (value.integer() == 0 || value.integer() == 1)) return value.integer() == 1;
    return std::nullopt;
}

std::optional<std::int64_t> wholeOf(const Json& value) {
    if (value.isInteger()) return value.integer();
    if (!value.isText()) return std::nullopt;
    return wholeNumberIn(value.text());
}

Body::Body(Json value, const Attributes& attributes, bool creating) : value_(std::move(value)) {
    std::string unknown;
    for (const auto& name : value_.names())
        if (!attributeOf(attributes, name)) unknown += (unknown.empty() ? "'" : ", '") + name + "'";
    if (!unknown.empty()) throw Error(Failure::Invalid, "Unrecognized attribute(s) ", unknown).as("HTTPBadRequest");
    for (const auto& name : value_.names()) {
        const auto& attribute = *attributeOf(attributes, name);
        if (creating && !attribute.post) throw Error(Failure::Invalid, "Attribute '", name, "' not allowed in POST").as("HTTPBadRequest");
        if (!creating && !attribute.put) throw Error(Failure::Invalid, "Cannot update read-only attribute ", name).as("HTTPBadRequest");
        checkKind(attribute, value_.at(name));
    }
}

bool Body::isNull(std::string_view name) const {
    const auto found = value_.find(name);
    return found && found->isNull();
}

std::string Body::text(std::string_view name, std::string_view otherwise) const {
    const auto found = value_.find(name);
    if (!found) return std::string(otherwise);
    return found->isNull() ? "" : found->text();
}

bool Body::truth(std::string_view name, bool otherwise) const {
    const auto found = value_.find(name);
    return found ? truthOf(*found).value_or(otherwise) : otherwise;
}

std::int64_t Body::whole(std::string_view name, std::int64_t otherwise) const {
    const auto found = value_.find(name);
    return found ? wholeOf(*found).value_or(otherwise) : otherwise;
}

Posted posted(const Request& request, std::string_view singular, std::string_view plural) {
    const Json body = request.json();
    if (!body.isObject()) throw Error(Failure::Invalid, "Resource body required").as("HTTPBadRequest");
    if (const auto many = body.find(plural)) {
        if (!many->isArray() || many->size() == 0) throw Error(Failure::Invalid, "Resources required").as("HTTPBadRequest");
        Posted out{many->items(), true};
        for (auto& each : out.items) {
            if (const auto inner = each.isObject() ? each.find(singular) : std::nullopt) each = *inner;
            if (!each.isObject()) throw Error(Failure::Invalid, "Unable to find '", singular, "' in request body").as("HTTPBadRequest");
        }
        return out;
    }
    const auto one = body.find(singular);
    if (!one || !one->isObject()) throw Error(Failure::Invalid, "Unable to find '", singular, "' in request body").as("HTTPBadRequest");
    return {{*one}, false};
}

Json put(const Request& request, std::string_view singular) {
    const Json body = request.json();
    const auto one = body.isObject() ? body.find(singular) : std::nullopt;
    if (!one || !one->isObject()) throw Error(Failure::Invalid, "Unable to find '", singular, "' in request body").as("HTTPBadRequest");
    return *one;
}

bool Fields::wants(std::string_view name) const {
    return chosen_.empty() || std::find(chosen_.begin(), chosen_.end(), name) != chosen_.end();
}

void Out::texts(std::string_view name, const std::vector<std::string>& values) {
    when(name, [&](JsonWriter& writer) {
        const auto list = writer.array();
        for (const auto& each : values) writer.value(each);
    });
}

void writeStandard(Out& out, const std::string& id, const Standard& standard, const std::vector<std::string>& tags, bool named) {
    out.field("id", id);
    out.field("tenant_id", standard.project);
    out.field("project_id", standard.project);
    if (named) out.field("name", standard.name);
    out.field("description", standard.description);
    out.field("created_at", isoSecondsZ(standard.created));
    out.field("updated_at", isoSecondsZ(standard.updated));
    out.field("revision_number", standard.revision);
    out.texts("tags", tags);
}

Listing listingOf(const Request& request, std::string_view table, const Attributes& given, const SpecialFilters& special) {
    const std::string alias(1, table.back());
    std::vector<std::string> columns; // keeps what the attributes' columns view
    columns.reserve(given.size());
    Attributes attributes = given;
    for (auto& each : attributes) {
        std::string column(each.column);
        for (auto at = column.find('$'); at != std::string::npos; at = column.find('$')) column.replace(at, 1, alias);
        columns.push_back(std::move(column));
        each.column = columns.back();
    }

    Listing listing;
    listing.table = table;
    std::map<std::string, std::vector<std::string>> asked;
    for (const auto& [name, value] : request.query) asked[name].push_back(value);
    static const std::set<std::string, std::less<>> own{"fields", "limit", "marker", "page_reverse", "sort_key", "sort_dir"};
    for (const auto& [name, values] : asked) {
        if (own.contains(name)) continue;
        if (values.size() > filterValuesMost)
            refuseInput(name, "at most " + std::to_string(filterValuesMost) + " values can be asked for.");
        if (name == "tags" || name == "tags-any" || name == "not-tags" || name == "not-tags-any") {
            addTagFilter(listing.conditions, alias + ".id", name, values);
            if (!name.starts_with("not-")) listing.begin = store::Begin::WithConditions;
        } else if (const auto found = special.find(name); found != special.end()) {
            if (found->second(listing.conditions, values) == store::Begin::WithConditions) listing.begin = store::Begin::WithConditions;
        } else if (const auto* attribute = attributeOf(attributes, name); attribute && !attribute->column.empty()) {
            addFilter(listing.conditions, *attribute, values);
        } else {
            throw Error(Failure::Invalid, "['", name, "'] is invalid attribute for filtering").as("HTTPBadRequest");
        }
    }

    const auto keys = request.query.all("sort_key"), directions = request.query.all("sort_dir");
    if (keys.size() != directions.size() && !directions.empty())
        throw Error(Failure::Invalid, "The number of sort_keys and sort_dirs must be same").as("HTTPBadRequest");
    store::requireFewSortKeys(keys);
    std::set<std::string_view> columnsSorted; // two names of one column are one key
    for (std::size_t index = 0; index < keys.size(); ++index) {
        const auto* attribute = attributeOf(attributes, keys[index]);
        if (!attribute || attribute->column.empty())
            throw Error(Failure::Invalid, keys[index], " is invalid attribute for sort_keys").as("HTTPBadRequest");
        if (!columnsSorted.insert(attribute->column).second)
            throw Error(Failure::Invalid, "The sort_key ", keys[index], " is given more than once").as("HTTPBadRequest");
        const auto direction = directions.empty() ? std::string("asc") : directions[index];
        if (direction != "asc" && direction != "desc")
            throw Error(Failure::Invalid, "'", direction, "' is invalid value for sort_dirs").as("HTTPBadRequest");
        listing.keys.push_back({std::string(attribute->column), direction == "desc"});
    }
    if (keys.empty()) listing.keys.push_back({alias + ".created"});
    if (!columnsSorted.contains(alias + ".id")) listing.keys.push_back({alias + ".id"});

    listing.limit = request.query.integer("limit", 0, 1'000'000);
    if (listing.limit == 0) listing.limit.reset();
    listing.reversed = listing.limit && request.query.flag("page_reverse");
    if (listing.reversed)
        for (auto& key : listing.keys) key.descending = !key.descending;
    listing.marker = request.query.text("marker");
    return listing;
}

store::Conditions Listing::after(const std::string& id) const {
    auto following = conditions;
    const std::string alias(1, table.back());
    if (!id.empty()) store::startAfter(following, keys, table, id, alias + ".id");
    return following;
}

std::vector<std::string> Listing::idsAfter(store::Reader& db, const std::string& id,
                                           const std::vector<store::Alternative>& alternatives) const {
    return store::idsOf(db, table, std::string(1, table.back()) + ".id", after(id), alternatives, keys, limit, begin);
}

std::string Listing::order() const { return store::orderBy(keys); }

Error markerNotFound(const std::string& id) {
    return Error(Failure::NotFound, "The marker ", id, " could not be found.").as("HTTPNotFound");
}

Response listResponse(const Request& request, std::string_view plural, const Listing& listing, const std::vector<std::string>& ids,
                      const std::function<void(JsonWriter&, std::size_t)>& write) {
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto items = out.array(plural);
            for (std::size_t index = 0; index < ids.size(); ++index) write(out, listing.reversed ? ids.size() - 1 - index : index);
        }
        if (!listing.limit || ids.empty()) return;
        const auto href = [&](const std::string& marker, bool reverse) {
            std::string query;
            for (const auto& [name, value] : request.query)
                if (name != "marker" && name != "page_reverse") query += percentEncoded(name) + "=" + percentEncoded(value) + "&";
            return request.base + request.path + "?" + query + "marker=" + percentEncoded(marker) + (reverse ? "&page_reverse=True" : "");
        };
        const bool full = static_cast<std::int64_t>(ids.size()) == *listing.limit;
        const bool forward = listing.reversed ? request.query.has("marker") : full;
        const bool backward = listing.reversed ? full : request.query.has("marker");
        const auto& first = listing.reversed ? ids.back() : ids.front();
        const auto& last = listing.reversed ? ids.front() : ids.back();
        const auto links = out.array(std::string(plural) + "_links");
        if (forward) {
            const auto link = out.object();
            out.field("rel", "next");
            out.field("href", href(last, false));
        }
        if (backward) {
            const auto link = out.object();
            out.field("rel", "previous");
            out.field("href", href(first, true));
        }
    });
}

Target ownedBy(const std::string& project) { return {{"project_id", project}, {"tenant_id", project}}; }

bool seesAll(const identity::Caller& caller, std::string_view rule) {
    // A project that nobody is in: who may see this may see everything.
    return caller.may(rule, {{"project_id", "-"},
                             {"tenant_id", "-"},
                             {"network:project_id", "-"},
                             {"security_group:project_id", "-"},
                             {"shared", "False"},
                             {"router:external", "False"}});
}

void enforceOn(const identity::Caller& caller, std::string_view rule, std::string_view seeing, const Target& target, const Error& missing) {
    if (caller.may(rule, target)) return;
    if (!caller.may(seeing, target)) throw missing;
    caller.enforce(rule, target);
}

void enforceAttributes(const identity::Caller& caller, std::string_view rule, const Body& body, const Target& target, bool creating) {
    const auto ask = [&](const std::string& name) {
        if (caller.policy->has(name)) caller.enforce(name, target);
    };
    for (const auto& name : body.json().names()) {
        const auto value = body.json().at(name);
        if (creating) { // a default that is spelt out is no wish
            const auto truth = truthOf(value);
            if (name == "port_security_enabled" ? truth == true : value.isBoolean() && !value.boolean()) continue;
            if (value.isNull() || (value.isText() && value.text().empty())) continue;
        }
        const auto attributeRule = std::string(rule) + ":" + name;
        ask(attributeRule);
        std::set<std::string> parts;
        const auto collect = [&](const Json& each) {
            if (each.isObject())
                for (const auto& part : each.names()) parts.insert(part);
        };
        collect(value);
        if (value.isArray())
            for (const auto& each : value.items()) collect(each);
        for (const auto& part : parts) ask(attributeRule + ":" + part);
    }
}

std::string projectOf(const identity::Caller& caller, const Body& body) {
    const auto named = body.has("project_id") ? body.text("project_id") : body.text("tenant_id", caller.project.text);
    if (body.has("project_id") && body.has("tenant_id") && body.text("tenant_id") != named)
        throw Error(Failure::Invalid, "'project_id' and 'tenant_id' do not match").as("HTTPBadRequest");
    if (named != caller.project.text && !caller.isAdmin())
        throw Error(Failure::Invalid,
                    "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin privileges")
            .as("HTTPBadRequest");
    if (named.empty()) throw Error(Failure::Invalid, "Running without project context: 'project_id' is required").as("HTTPBadRequest");
    return named;
}

void checkRevision(const Request& request, std::string_view noun, const std::string& id, std::int64_t revision) {
    if (!request.headers.has("If-Match")) return;
    const std::string wanted(request.headers["If-Match"]);
    constexpr std::string_view prefix = "revision_number=";
    const auto number = wanted.starts_with(prefix) ? wholeNumberIn(std::string_view(wanted).substr(prefix.size())) : std::nullopt;
    if (!number) throw Error(Failure::Invalid, "The If-Match header must be revision_number=<number>").as("HTTPBadRequest");
    if (*number != revision)
        throw Error(Failure::Conflict, "Constrained to ", *number, ", but current revision is ", revision, " of ", noun, " ", id)
            .as("RevisionNumberConstraintFailed");
}

}
