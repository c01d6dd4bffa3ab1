#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <stratolet/error.hpp>

#include "platform/http/http.hpp"
#include "platform/json/json.hpp"
#include "platform/policy/policy.hpp"
#include "resource/listing.hpp"
#include "resource/table.hpp"

namespace stratolet::resource {

/// Filters that aren't a column compared with values; each says whether it finds few of all, so that the search begins
/// with those.
using SpecialFilters =
    std::map<std::string, std::function<store::Begin(store::Conditions&, const std::vector<std::string>&)>,
             std::less<>>;

/// The resources of a POST; several at once where the service takes that.
struct Posted {
    std::vector<Json> items;
    bool bulk = false;
};

/// Which attributes an answer has ("fields=id&fields=name").
class Fields {
public:
    Fields() = default; ///< all of them
    explicit Fields(const http::Query& query) : chosen_(query.all("fields")) {}
    bool wants(std::string_view name) const {
        return chosen_.empty() || std::find(chosen_.begin(), chosen_.end(), name) != chosen_.end();
    }

private:
    std::vector<std::string> chosen_;
};

/// How a service speaks, as far as its plain kinds of resource do: one value for a service.
struct Dialect {
    http::Method change = http::Method::Put;
    Reading reading = {};
    std::string (*rule)(std::string_view verb, std::string_view noun) = nullptr; ///< verbs: get, create, update, delete

    /// The rule of a list that hides none of its rows from whom it lets ask; null: "get", which is asked about each
    /// row.
    std::string (*listRule)(std::string_view plural) = nullptr;
    bool choosesFields = true; ///< "fields=" says which attributes an answer has

    // Bodies.
    Posted (*posted)(const http::Request&, std::string_view noun, std::string_view plural) = nullptr;
    Json (*changed)(const http::Request&, std::string_view noun) = nullptr;
    void (*check)(const Json& body, const Words&,
                  bool creating) = nullptr; ///< only known attributes, of the right kind

    // Rights: what the caller of a request may do, by a rule's name.
    bool (*may)(const http::Request&, std::string_view rule, const Target&) = nullptr;
    bool (*seesAll)(const http::Request&, std::string_view rule) = nullptr; ///< what belongs to anybody
    /// Error(NotFound) `missing` where the caller may not even `see` the thing; Error(Forbidden) where they may but not
    /// do `rule` to it. A dialect that doesn't hide things refuses either way.
    void (*enforce)(const http::Request&, std::string_view rule, std::string_view see, const Target&,
                    const Error& missing) = nullptr;
    void (*enforceCreating)(const http::Request&, std::string_view rule, const Json& body, const Target&) = nullptr;
    void (*enforceChanging)(const http::Request&, std::string_view rule, const Json& body,
                            const Target&) = nullptr; ///< the attributes' rules

    // Lists.
    Listing (*listing)(const http::Request&, const TableText&, const Words&, const SpecialFilters&) = nullptr;
    Error (*markerNotFound)(const std::string& id) = nullptr;
    http::Response (*list)(const http::Request&, std::string_view plural, const Listing&,
                           const std::vector<std::string>& ids,
                           const std::function<void(JsonWriter&, std::size_t)>& write) = nullptr;

    /// Refuses where the request is about another revision.
    void (*checkRevision)(const http::Request&, std::string_view noun, const std::string& id,
                          std::int64_t revision) = nullptr;
};

}
