#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <stratolet/error.hpp>

#include "identity/core.hpp"
#include "identity/dialect.hpp"
#include "identity/wire.hpp"
#include "platform/text/text.hpp"
#include "resource/collection.hpp"

// What identity's plain nouns are described with: attributes that several have, and the routes of one
// (resource/collection.hpp).

namespace stratolet::identity {

/// "links": {"self": …/v3/<path>/<id>}, where a record's type says its path: `static constexpr std::string_view path =
/// "regions"`.
template <class Record> resource::Attribute<Record> links() {
    using namespace resource;
    return computed<Record>("links", Kind::Other, Show | Unasked)
        .written([](JsonWriter& out, const Record& record, const http::Request& request) {
            writeSelf(out, request, std::string(Record::path).append("/").append(idOf(record)));
        });
}

/// What a body has that no attribute is: kept, and shown as it came (Keystone's nouns without a schema of their own
/// keep anything).
template <class Record> resource::Attribute<Record> extra() {
    using namespace resource;
    return column<&Record::extra>("extra", Show | Moves)
        .written([](JsonWriter& out, const Record& record, const http::Request&) { writeExtra(out, record.extra); });
}

/// A text, which must be one: null isn't.
template <auto Member> auto strictText(std::string_view name, unsigned use) {
    using Record = typename resource::detail::Led<Member>::Record;
    return resource::attribute<Member>(name, use).readBy(
        [](Record& record, const Json& value, const resource::Reading&) { record.*Member = value.text(); });
}

/// A name of 1 to `Most` characters that is not blank.
template <auto Member, std::size_t Most = 255> auto named(std::string_view name, unsigned use) {
    using Record = typename resource::detail::Led<Member>::Record;
    return resource::attribute<Member>(name, use).readBy(
        [](Record& record, const Json& value, const resource::Reading&) { record.*Member = checkedName(value, Most); });
}

/// JSON that is kept and shown as it came; `Read` checks it.
template <auto Member, auto Read> auto json(std::string_view name, unsigned use) {
    using Record = typename resource::detail::Led<Member>::Record;
    return resource::attribute<Member>(name, use)
        .as(resource::Kind::Other)
        .shown([](JsonWriter& out, const Record& record) { out.raw(record.*Member); })
        .readBy([](Record& record, const Json& value, const resource::Reading&) { Read(record, value); });
}

/// Options that are kept and shown as a JSON object; `read` merges what a body gives into it (mergedOptions).
template <class Record, class Read> resource::Attribute<Record> options(Read) {
    using namespace resource;
    return attribute<&Record::options>("options", Post | Put | Show)
        .as(Kind::Other)
        .shown([](JsonWriter& out, const Record& record) { out.raw(record.options); })
        .readBy([](Record& record, const Json& value, const Reading&) { Read()(record, value); });
}

/// When it was made: what lists are sorted by. Written once and never read.
template <class Record> resource::Attribute<Record> created() {
    return resource::derived<Record>("created", resource::Kind::Other, 0,
                                     [](const Record& record) -> store::Value { return record.created; })
        .nameless();
}

/// The name as names are compared (nameKey).
template <class Record> resource::Attribute<Record> foldedNameOf() {
    return resource::derived<Record>("name_key", resource::Kind::Other, resource::Moves,
                                     [](const Record& record) -> store::Value { return foldedName(record.name); })
        .nameless();
}

/// The one of a domain that has this name, in whatever case; the same case first, where an old store has both.
template <class Record> std::optional<Record> findNamed(store::Reader& db, const resource::Table<Record>& table,
                                                        const DomainId& domain, const std::string& name,
                                                        std::string_view also = {}) {
    auto found = table.where(
        db,
        std::string("WHERE domain_id = ? AND name_key = ?").append(also).append(" ORDER BY name = ? DESC, id LIMIT 1"),
        domain, foldedName(name), name);
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

/// Puts what a body has into the record, attribute by attribute, and what no attribute is into `extra` where it has
/// that. Error(Invalid) naming the field for one that is Needed and not there, and for a value that is none.
template <class Record>
void take(Record& record, const resource::Table<Record>& table, const Json& body, resource::Use when) {
    for (const auto& each : table.attributes()) {
        if (!each.may(when) || each.name.empty()) continue;
        if (when == resource::Post && each.may(resource::Needed)) body.at(each.name);
        if (each.read == nullptr) continue;
        if (const auto value = body.find(each.name)) each.read(record, *value, dialect().reading);
    }
    if constexpr (requires { record.extra; })
        record.extra = mergedExtra(record.extra, body, [&](std::string_view name) {
            return std::any_of(table.attributes().begin(), table.attributes().end(),
                               [&](const auto& each) { return each.name == name; });
        });
}

/// A plain noun: what differs between the kinds. Its type says `noun` ("region": in bodies and rules) and `path`
/// ("regions"). All functions are called in the request's transaction, on a worker, and refuse by throwing.
template <class Record> struct Noun {
    const resource::Table<Record>& table;
    std::string many = {};                       ///< "policies"; empty: the noun and an s
    bool readsTold = false, changesTold = false; ///< whether anybody learns that one isn't there (Collection)

    /// What policy knows of each beside its rule.
    std::function<std::vector<About>(store::Reader&, const std::vector<Record>&)> about =
        [](store::Reader&, const std::vector<Record>& all) {
            return std::vector<About>(all.size(), std::make_shared<const Target>());
        };
    std::function<std::vector<store::Alternative>(const http::Request&)> concern = {}; ///< whose they are (Collection)

    /// Before a body is read into one that is made (`creating`) or changed; empty: a new one gets a random id.
    std::function<void(const http::Request&, Record&, const Json& body, bool creating)> begin = {};
    /// What must hold of one that is made (`before` is null) or changed.
    std::function<void(store::Transaction&, Record&, const Record* before, const Json& body)> settle = {};
    std::function<void(store::Transaction&, const Record&)> mayGo = {}; ///< before it is removed

    // In place of the table's own, where it takes more than one row.
    std::function<void(store::Transaction&, const Record&)> insert = {}, update = {}, remove = {};
    bool posted = true; ///< is made by POST to its collection
    bool put = false;   ///< is made by PUT, with an id that whoever makes it chooses
};

/// The one with this id isn't there.
template <class Record> Error missing(const std::string& id) {
    std::string words(Record::noun);
    std::replace(words.begin(), words.end(), '_', ' ');
    return Error(Failure::NotFound, "Could not find ", words, ": ", id, ".");
}

/// Its routes, under /v3/ and the path that its type says. What serves them is given back, for routes of the kind's
/// own.
template <class Record>
std::shared_ptr<const resource::CollectionApi<Record>> addNoun(http::Routes& routes, Core& core, Noun<Record> noun) {
    using http::Request;
    resource::Collection<Record> collection{
        .dialect = dialect(),
        .store = core.parts.store,
        .noun = std::string(Record::noun),
        .path = std::string("/v3/").append(Record::path),
        .table = noun.table,
        .missing = missing<Record>,
        .about = noun.about,
        .concern = noun.concern,
        .wanted = [](store::Transaction&, const Request&, const Json&) { return Target(); },
        .many = noun.many,
        .readsTold = noun.readsTold,
        .changesTold = noun.changesTold};
    const auto kind = std::make_shared<const Noun<Record>>(std::move(noun));
    collection.posted = kind->posted;
    collection.put = kind->put;
    collection.create = [&core, kind](store::Transaction& tx, const Request& request, const Json& body) {
        Record record;
        kind->begin ? kind->begin(request, record, body, true) : void(record.id = core.parts.ambient.hexId());
        take(record, kind->table, body, resource::Post);
        if (kind->settle) kind->settle(tx, record, nullptr, body);
        kind->insert ? kind->insert(tx, record) : kind->table.insert(tx, record);
        return record;
    };
    collection.update = [kind](store::Transaction& tx, const Request& request, const Record& before, const Json& body) {
        Record record = before;
        if (kind->begin) kind->begin(request, record, body, false);
        take(record, kind->table, body, resource::Put);
        if (kind->settle) kind->settle(tx, record, &before, body);
        kind->update ? kind->update(tx, record) : kind->table.update(tx, record);
        return record;
    };
    collection.remove = [&core, kind](store::Transaction& tx, const Request&, const Record& record) {
        if (kind->mayGo) kind->mayGo(tx, record);
        kind->remove ? kind->remove(tx, record) : void(kind->table.remove(tx, record.id));
        core.forgetValidated(tx);
    };
    return resource::addCollection<Record>(routes, std::move(collection));
}

}
