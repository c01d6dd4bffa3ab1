#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/caller.hpp"
#include "identity/rights.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/http/http.hpp"
#include "platform/json/json.hpp"
#include "platform/store/paging.hpp"
#include "platform/store/store.hpp"

// How the network API speaks: its error envelope, its bodies, and its lists with filters, sorting, pages and chosen fields.

namespace stratolet::network {

http::Response refusal(const http::Request& request, const Error& error);
http::Response noRoute(const http::Request& request, const std::vector<http::Method>& allowed);

/// Error(Invalid) "Invalid input for NAME. Reason: …", as the dialect has it.
[[noreturn]] void refuseInput(std::string_view name, const std::string& reason);

enum class Type { Text, Whole, Truth, Other };

/// An attribute of a resource: what may be said of it, and what a list can be filtered and sorted by.
struct Attribute {
    std::string_view name;
    Type type = Type::Text;
    std::string_view column = {}; ///< SQL that is never null, "$" is the table's alias; empty: no filter, no sorting
    bool post = false;            ///< may be given when created
    bool put = false;             ///< may be changed
    std::size_t lengthMax = 255;  ///< of a text, in characters
};
using Attributes = std::vector<Attribute>;

/// What every resource has, and those that are given.
Attributes withStandard(Attributes own, bool named = true);

/// One resource of a request: only known attributes, of the right kind.
class Body {
public:
    Body(Json value, const Attributes& attributes, bool creating);

    bool has(std::string_view name) const { return value_.has(name); }
    bool isNull(std::string_view name) const;
    std::optional<Json> find(std::string_view name) const { return value_.find(name); }
    std::string text(std::string_view name, std::string_view otherwise = "") const; ///< a null is empty
    bool truth(std::string_view name, bool otherwise) const;
    std::int64_t whole(std::string_view name, std::int64_t otherwise) const;
    const Json& json() const { return value_; }

private:
    Json value_;
};

/// A truth as clients write it: true, "True", 1, "0", …
std::optional<bool> truthOf(const Json& value);
std::optional<bool> truthOf(std::string_view text);
std::optional<std::int64_t> wholeOf(const Json& value); ///< also from a text of digits

/// The resources of a POST: {"network": {…}} or {"networks": [{…}, …]}.
struct Posted {
    std::vector<Json> items;
    bool bulk = false;
};
Posted posted(const http::Request& request, std::string_view singular, std::string_view plural);
Json put(const http::Request& request, std::string_view singular);

/// Which attributes an answer has.
class Fields {
public:
    Fields() = default; ///< all of them
    explicit Fields(const http::Query& query) : chosen_(query.all("fields")) {}
    bool wants(std::string_view name) const;

private:
    std::vector<std::string> chosen_;
};

/// Writes the attributes that are wanted.
class Out {
public:
    Out(JsonWriter& writer, const Fields& fields) : json(writer), fields_(fields) {}
    template <class T> void field(std::string_view name, const T& value) {
        if (fields_.wants(name)) json.field(name, value);
    }
    void raw(std::string_view name, std::string_view text) {
        if (fields_.wants(name)) json.rawField(name, text);
    }
    void texts(std::string_view name, const std::vector<std::string>& values);
    void when(std::string_view name, const std::function<void(JsonWriter&)>& write) {
        if (!fields_.wants(name)) return;
        json.key(name);
        write(json);
    }

    JsonWriter& json;

private:
    const Fields& fields_;
};

/// The standard attributes as they are kept.
struct Standard {
    std::string project;
    std::string name;
    std::string description;
    std::int64_t revision = 0;
    Time created, updated;
};
void writeStandard(Out& out, const std::string& id, const Standard& standard, const std::vector<std::string>& tags, bool named = true);

/// A list as it was asked for.
struct Listing {
    std::string table; ///< with its alias
    store::Conditions conditions;
    std::vector<store::SortKey> keys; ///< each once; the id is the last
    std::string marker; ///< what the page begins behind; empty: at the beginning. Whether the caller may see that is not asked yet.
    bool reversed = false;
    store::Begin begin = store::Begin::WithEither;
    std::optional<std::int64_t> limit;

    store::Conditions after(const std::string& id) const; ///< the conditions of what comes behind the row `id`, which is there

    /// The ids of what comes behind the row `id` and meets one of `alternatives` (no two of which hold for one row; none: no matter).
    std::vector<std::string> idsAfter(store::Reader& db, const std::string& id, const std::vector<store::Alternative>& alternatives) const;

    std::string order() const; ///< " ORDER BY …"
};
/// Filters of a kind's own; each says whether it finds few of all, so that the search begins with those.
using SpecialFilters = std::map<std::string, std::function<store::Begin(store::Conditions&, const std::vector<std::string>&)>, std::less<>>;

/// `table` with its alias as in "networks n"; the alias is one letter.
Listing listingOf(const http::Request& request, std::string_view table, const Attributes& attributes, const SpecialFilters& special = {});

Error markerNotFound(const std::string& id);

/// {"<plural>": [ … ], "<plural>_links": [ … ]}
http::Response listResponse(const http::Request& request, std::string_view plural, const Listing& listing,
                            const std::vector<std::string>& ids, const std::function<void(JsonWriter&, std::size_t)>& write);

/// Whether `rule` lets the caller see what belongs to anybody.
bool seesAll(const identity::Caller& caller, std::string_view rule);

/// Error(NotFound) `missing` where the caller may not even see the thing; Error(Forbidden) where they may see it but not do `rule` to it.
void enforceOn(const identity::Caller& caller, std::string_view rule, std::string_view seeing, const Target& target, const Error& missing);

/// Every given attribute that has a rule of its own ("create_network:shared") must be allowed.
void enforceAttributes(const identity::Caller& caller, std::string_view rule, const Body& body, const Target& target, bool creating);

/// The project that a new thing belongs to: the caller's, or the one an administrator names.
std::string projectOf(const identity::Caller& caller, const Body& body);

/// Error(Invalid) of a header that is no "revision_number=N", of type RevisionNumberConstraintFailed where it is another revision.
void checkRevision(const http::Request& request, std::string_view noun, const std::string& id, std::int64_t revision);

Target ownedBy(const std::string& project);

}
