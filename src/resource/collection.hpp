#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <stratolet/error.hpp>

#include "platform/http/http.hpp"
#include "platform/json/json.hpp"
#include "platform/policy/policy.hpp"
#include "platform/store/store.hpp"
#include "resource/dialect.hpp"
#include "resource/listing.hpp"
#include "resource/table.hpp"

namespace stratolet::resource {

/// A kind of resource and its routes: list, show, create, change, delete. What is true of one attribute is in the table; how the service
/// speaks in the dialect; what only this kind does in the functions here, each of which is called in the request's own transaction, on the
/// thread that serves it (the writer's where it gets a Transaction), and refuses by throwing Error.
template <class Record> struct Collection {
    const Dialect& dialect;
    store::Store& store;
    std::string noun; ///< in bodies and rules: "security_group"
    std::string path; ///< "/v2.0/security-groups"
    const Table<Record>& table;
    Error (*missing)(const std::string& id);

    /// What policy knows of one.
    std::function<Target(store::Reader&, const Record&)> target;

    /// Leaves what may concern the caller: of that, those who do not see everything get what the rule for seeing one lets them. Asked where
    /// the caller doesn't see everything. Empty: all.
    std::function<void(store::Conditions&, const http::Request&)> concern = {};

    /// Fills in what the table alone doesn't give: once for a page, so that a page is a fixed number of statements.
    std::function<void(store::Reader&, std::vector<Record>&)> complete = {};

    /// What policy knows of one that is wanted; refuses what could not be made for reasons that come before rights.
    std::function<Target(store::Transaction&, const http::Request&, const Json& body)> wanted = {};
    std::function<void(Target&, const Json& body)> aim = {}; ///< adds what policy asks of the attributes that are given

    // Empty: there is no such route.
    std::function<Record(store::Transaction&, const http::Request&, const Json& body)> create = {};
    std::function<Record(store::Transaction&, const http::Request&, const Record&, const Json& body)> update = {};
    std::function<void(store::Transaction&, const http::Request&, const Record&)> remove = {};

    SpecialFilters filters = {};
    std::function<void(const http::Request&)> beforeList = {}; ///< may write: lists run on a worker then

    std::string plural() const { return noun + "s"; }
    std::string rule(std::string_view verb) const { return dialect.rule(verb, noun); }
};

/// The id of a record, as text.
template <class Record> const std::string& idOf(const Record& record) {
    if constexpr (requires { record.id.text; })
        return record.id.text;
    else
        return record.id;
}

/// A record with what policy knows of it.
template <class Record> struct Asked {
    Record record;
    Target target;
};

/// What the routes do. Any of it may be used alone, by a kind that has routes of its own.
template <class Record> class CollectionApi {
public:
    using Row = Asked<Record>;

    explicit CollectionApi(Collection<Record> kind) : kind_(std::move(kind)) {}

    http::Response list(http::Request& request) const {
        if (kind_.beforeList) kind_.beforeList(request);
        // One moment for the whole page, and one lock of the store's file.
        return kind_.store.read([&](store::Reader& db) { return page(request, db); });
    }

    http::Response show(http::Request& request) const {
        return kind_.store.read([&](store::Reader& db) {
            const auto it = found(request, db);
            if (!kind_.dialect.may(request, kind_.rule("get"), it.target)) throw kind_.missing(request.param("id"));
            return answer(request, 200, it.record, it.target, db);
        });
    }

    http::Response create(http::Request& request) const {
        const auto wanted = kind_.dialect.posted(request, kind_.noun, kind_.plural());
        return kind_.store.write([&](store::Transaction& tx) {
            std::vector<Row> all;
            for (const auto& body : wanted.items) {
                kind_.dialect.check(body, kind_.table.words(), true);
                auto target = kind_.wanted(tx, request, body);
                if (kind_.aim) kind_.aim(target, body);
                kind_.dialect.enforceCreating(request, kind_.rule("create"), body, target);
                all.push_back(asked(tx, kind_.create(tx, request, body)));
            }
            if (!wanted.bulk) return answer(request, 201, all.front().record, all.front().target, tx);
            completed(tx, all);
            return http::jsonResponse(201, [&](JsonWriter& out) {
                const auto body = out.object();
                const auto items = out.array(kind_.plural());
                const Fields fields(request.query);
                for (const auto& each : all) write(out, request, each, fields);
            });
        });
    }

    http::Response update(http::Request& request) const {
        const Json body = kind_.dialect.changed(request, kind_.noun);
        return kind_.store.write([&](store::Transaction& tx) {
            const auto it = found(request, tx);
            enforce(request, "update", it.target);
            kind_.dialect.check(body, kind_.table.words(), false);
            auto after = it.target;
            if (kind_.aim) kind_.aim(after, body);
            kind_.dialect.enforceChanging(request, kind_.rule("update"), body, after);
            checkRevision(request, it.record);
            auto changed = asked(tx, kind_.update(tx, request, it.record, body));
            return answer(request, 200, std::move(changed.record), changed.target, tx);
        });
    }

    http::Response remove(http::Request& request) const {
        kind_.store.write([&](store::Transaction& tx) {
            const auto it = found(request, tx);
            enforce(request, "delete", it.target);
            checkRevision(request, it.record);
            kind_.remove(tx, request, it.record);
        });
        return http::emptyResponse(204);
    }

    /// {"<noun>": …}
    http::Response answer(const http::Request& request, int status, Record record, const Target& target, store::Reader& db) const {
        std::vector<Row> one;
        one.push_back({std::move(record), target});
        completed(db, one);
        return http::jsonResponse(status, [&](JsonWriter& out) {
            const auto body = out.object();
            out.key(kind_.noun);
            write(out, request, one.front(), Fields(request.query));
        });
    }

    /// What policy knows of the one with this id; nothing where there is none.
    std::optional<Target> targetOf(store::Reader& db, const std::string& id) const {
        const auto record = kind_.table.find(db, id);
        return record ? std::optional(kind_.target(db, *record)) : std::nullopt;
    }

    /// The one that the path names, for a rule of its own: `missing` for whom it isn't there.
    Record demand(const http::Request& request, store::Reader& db, const std::string& rule) const {
        auto it = found(request, db);
        kind_.dialect.enforce(request, rule, kind_.rule("get"), it.target, kind_.missing(request.param("id")));
        return std::move(it.record);
    }

    const Collection<Record>& kind() const { return kind_; }

private:
    Row asked(store::Reader& db, Record record) const {
        auto target = kind_.target(db, record);
        return {std::move(record), std::move(target)};
    }

    Row found(const http::Request& request, store::Reader& db) const {
        auto record = kind_.table.find(db, request.param("id"));
        if (!record) throw kind_.missing(request.param("id"));
        return asked(db, *std::move(record));
    }

    void enforce(const http::Request& request, std::string_view verb, const Target& target) const {
        kind_.dialect.enforce(request, kind_.rule(verb), kind_.rule("get"), target, kind_.missing(request.param("id")));
    }

    void checkRevision(const http::Request& request, const Record& record) const {
        if constexpr (requires { record.standard.revision; })
            kind_.dialect.checkRevision(request, kind_.noun, idOf(record), record.standard.revision);
    }

    void completed(store::Reader& db, std::vector<Row>& rows) const {
        if (!kind_.complete || rows.empty()) return;
        std::vector<Record> records;
        for (auto& each : rows) records.push_back(std::move(each.record));
        kind_.complete(db, records);
        for (std::size_t at = 0; at < rows.size(); ++at) rows[at].record = std::move(records[at]);
    }

    http::Response page(const http::Request& request, store::Reader& db) const {
        auto listing = kind_.dialect.listing(request, kind_.table.text(), kind_.table.words(), kind_.filters);
        const auto rule = kind_.rule("get");
        if (kind_.concern && !kind_.dialect.seesAll(request, rule)) kind_.concern(listing.conditions, request);
        if (!listing.marker.empty()) { // what the caller can't see is nowhere in their list
            const auto target = targetOf(db, listing.marker);
            if (!target || !kind_.dialect.may(request, rule, *target)) throw kind_.dialect.markerNotFound(listing.marker);
        }
        kind_.dialect.may(request, rule, {}); // the route's duty, also where the list is empty
        std::map<Target, bool> known;
        auto rows = fullPage<Row>(
            listing,
            [&](const store::Conditions& conditions, const std::string& order) {
                std::vector<Row> read;
                for (auto& each : kind_.table.list(db, conditions, order)) read.push_back(asked(db, std::move(each)));
                return read;
            },
            [&](std::vector<Row>& read) {
                std::erase_if(read, [&](const Row& each) {
                    auto may = known.find(each.target);
                    if (may == known.end()) may = known.emplace(each.target, kind_.dialect.may(request, rule, each.target)).first;
                    return !may->second;
                });
            },
            [&](const Row& each) { return idOf(each.record); });
        completed(db, rows);
        std::vector<std::string> ids;
        for (const auto& each : rows) ids.push_back(idOf(each.record));
        const Fields fields(request.query);
        return kind_.dialect.list(request, kind_.plural(), listing, ids,
                                  [&](JsonWriter& out, std::size_t at) { write(out, request, rows[at], fields); });
    }

    void write(JsonWriter& out, const http::Request& request, const Row& it, const Fields& fields) const {
        const auto object = out.object();
        for (const auto& each : kind_.table.attributes()) {
            if (each.show == nullptr || !each.may(Show) || !fields.wants(each.name)) continue;
            if (each.may(Guarded) && !kind_.dialect.may(request, kind_.rule("get").append(":").append(each.name), it.target)) continue;
            out.key(each.name);
            each.show(out, it.record);
        }
    }

    Collection<Record> kind_;
};

/// The routes of a kind, for those verbs that it has. Given back is what serves them, for further routes.
template <class Record> std::shared_ptr<const CollectionApi<Record>> addCollection(http::Routes& routes, Collection<Record> kind) {
    using Api = CollectionApi<Record>;
    const auto api = std::make_shared<const Api>(std::move(kind));
    const auto& of = api->kind();
    const auto add = [&](http::Method method, const std::string& pattern, std::string_view verb,
                         http::Response (Api::*serve)(http::Request&) const, http::Runs runs = http::Runs::ByMethod) {
        routes.push_back({method, pattern, http::policy(of.rule(verb)),
                          [api, serve](http::Request& request) { return ((*api).*serve)(request); }, runs});
    };
    const auto one = of.path + "/{id}";
    add(http::Method::Get, of.path, "get", &Api::list, of.beforeList ? http::Runs::Worker : http::Runs::ByMethod);
    if (of.create) add(http::Method::Post, of.path, "create", &Api::create);
    add(http::Method::Get, one, "get", &Api::show);
    if (of.update) add(of.dialect.change, one, "update", &Api::update);
    if (of.remove) add(http::Method::Delete, one, "delete", &Api::remove);
    return api;
}

}
