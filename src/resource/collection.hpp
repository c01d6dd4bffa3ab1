#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <stratolet/error.hpp>

#include "platform/http/http.hpp"
#include "platform/json/json.hpp"
#include "platform/policy/rights.hpp"
#include "platform/store/many.hpp"
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

    /// What policy knows of each.
    std::function<std::vector<About>(store::Reader&, const std::vector<Record>&)> about;

    /// In which ways one may concern the caller, no two of which hold for one: of what does, those who do not see everything get what the
    /// rule for seeing one lets them. None: all of them.
    std::function<std::vector<store::Alternative>(const http::Request&)> concern = {};

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

/// What the routes do. Any of it may be used alone, by a kind that has routes of its own.
template <class Record> class CollectionApi {
public:
    explicit CollectionApi(Collection<Record> kind) : kind_(std::move(kind)) {
        for (const auto& each : kind_.table.attributes())
            guards_.push_back(each.may(Guarded) ? kind_.rule("get").append(":").append(each.name) : "");
    }

    http::Response list(http::Request& request) const {
        if (kind_.beforeList) kind_.beforeList(request);
        // One moment for the whole page, and one lock of the store's file.
        return kind_.store.read([&](store::Reader& db) { return page(request, db); });
    }

    http::Response show(http::Request& request) const {
        return kind_.store.read([&](store::Reader& db) {
            auto it = found(request, db);
            if (!kind_.dialect.may(request, kind_.rule("get"), *it.about)) throw kind_.missing(request.param("id"));
            return answer(request, 200, std::move(it.record), db);
        });
    }

    http::Response create(http::Request& request) const {
        const auto wanted = kind_.dialect.posted(request, kind_.noun, kind_.plural());
        return kind_.store.write([&](store::Transaction& tx) {
            std::vector<Record> all;
            for (const auto& body : wanted.items) {
                kind_.dialect.check(body, kind_.table.words(), true);
                auto target = kind_.wanted(tx, request, body);
                if (kind_.aim) kind_.aim(target, body);
                kind_.dialect.enforceCreating(request, kind_.rule("create"), body, target);
                all.push_back(kind_.create(tx, request, body));
            }
            if (!wanted.bulk) return answer(request, 201, std::move(all.front()), tx);
            const auto about = kind_.about(tx, all);
            if (kind_.complete) kind_.complete(tx, all);
            return http::jsonResponse(201, [&](JsonWriter& out) {
                const auto body = out.object();
                const auto items = out.array(kind_.plural());
                const Fields fields(request.query);
                auto rights = rightsOf(request);
                for (std::size_t at = 0; at < all.size(); ++at) write(out, all[at], about[at], fields, rights);
            });
        });
    }

    http::Response update(http::Request& request) const {
        const Json body = kind_.dialect.changed(request, kind_.noun);
        return kind_.store.write([&](store::Transaction& tx) {
            const auto it = found(request, tx);
            enforce(request, kind_.rule("update"), it);
            kind_.dialect.check(body, kind_.table.words(), false);
            auto after = *it.about;
            if (kind_.aim) kind_.aim(after, body);
            kind_.dialect.enforceChanging(request, kind_.rule("update"), body, after);
            checkRevision(request, it.record);
            return answer(request, 200, kind_.update(tx, request, it.record, body), tx);
        });
    }

    http::Response remove(http::Request& request) const {
        kind_.store.write([&](store::Transaction& tx) {
            const auto it = found(request, tx);
            enforce(request, kind_.rule("delete"), it);
            checkRevision(request, it.record);
            kind_.remove(tx, request, it.record);
        });
        return http::emptyResponse(204);
    }

    /// {"<noun>": …}
    http::Response answer(const http::Request& request, int status, Record record, store::Reader& db) const {
        std::vector<Record> one;
        one.push_back(std::move(record));
        const auto about = kind_.about(db, one);
        if (kind_.complete) kind_.complete(db, one);
        auto rights = rightsOf(request);
        return http::jsonResponse(status, [&](JsonWriter& out) {
            const auto body = out.object();
            out.key(kind_.noun);
            write(out, one.front(), about.front(), Fields(request.query), rights);
        });
    }

    /// What policy knows of the one with this id; nothing where there is none.
    std::optional<Target> targetOf(store::Reader& db, const std::string& id) const {
        auto record = kind_.table.find(db, id);
        return record ? std::optional(*kind_.about(db, {*std::move(record)}).front()) : std::nullopt;
    }

    /// The one that the path names, for a rule of its own: `missing` for whom it isn't there.
    Record demand(const http::Request& request, store::Reader& db, std::string_view rule) const {
        auto it = found(request, db);
        enforce(request, rule, it);
        return std::move(it.record);
    }

    const Collection<Record>& kind() const { return kind_; }

private:
    struct Found {
        Record record;
        About about;
    };

    Found found(const http::Request& request, store::Reader& db) const {
        auto record = kind_.table.find(db, request.param("id"));
        if (!record) throw kind_.missing(request.param("id"));
        auto about = kind_.about(db, {*record}).front();
        return {*std::move(record), std::move(about)};
    }

    void enforce(const http::Request& request, std::string_view rule, const Found& it) const {
        kind_.dialect.enforce(request, rule, kind_.rule("get"), *it.about, kind_.missing(request.param("id")));
    }

    void checkRevision(const http::Request& request, const Record& record) const {
        if constexpr (requires { record.standard.revision; })
            kind_.dialect.checkRevision(request, kind_.noun, idOf(record), record.standard.revision);
    }

    Rights rightsOf(const http::Request& request) const {
        return Rights([&](std::string_view rule, const Target& target) { return kind_.dialect.may(request, rule, target); });
    }

    /// What comes behind the row `last`, as far as a page goes.
    std::vector<Record> rowsAfter(store::Reader& db, const Listing& listing, const std::vector<store::Alternative>& alternatives,
                                  const std::string& last) const {
        return resource::rowsAfter(db, kind_.table, listing, alternatives, last);
    }

    http::Response page(const http::Request& request, store::Reader& db) const {
        const auto listing = kind_.dialect.listing(request, kind_.table.text(), kind_.table.words(), kind_.filters);
        const auto rule = kind_.rule("get");
        const auto alternatives =
            kind_.concern && !kind_.dialect.seesAll(request, rule) ? kind_.concern(request) : std::vector<store::Alternative>();
        if (!listing.marker.empty()) { // what the caller can't see is nowhere in their list
            const auto target = targetOf(db, listing.marker);
            if (!target || !kind_.dialect.may(request, rule, *target)) throw kind_.dialect.markerNotFound(listing.marker);
        }
        kind_.dialect.may(request, rule, {}); // the route's duty, also where the list is empty
        auto rights = rightsOf(request);
        auto rows = fullPage<Found>(listing, [&](const std::string& behind) {
            auto read = rowsAfter(db, listing, alternatives, behind);
            Stretch<Found> stretch{{}, read.size(), read.empty() ? behind : idOf(read.back())};
            const auto about = kind_.about(db, read);
            for (std::size_t at = 0; at < read.size(); ++at)
                if (rights.may(rule, about[at])) stretch.seen.push_back({std::move(read[at]), about[at]});
            return stretch;
        });
        std::vector<Record> records;
        std::vector<std::string> ids;
        for (auto& each : rows) {
            ids.push_back(idOf(each.record));
            records.push_back(std::move(each.record));
        }
        if (kind_.complete && !records.empty()) kind_.complete(db, records);
        const Fields fields(request.query);
        return kind_.dialect.list(request, kind_.plural(), listing, ids,
                                  [&](JsonWriter& out, std::size_t at) { write(out, records[at], rows[at].about, fields, rights); });
    }

    void write(JsonWriter& out, const Record& record, const About& about, const Fields& fields, Rights& rights) const {
        const auto object = out.object();
        for (std::size_t at = 0; at < guards_.size(); ++at) {
            const auto& each = kind_.table.attributes()[at];
            if (each.show == nullptr || !each.may(Show) || !fields.wants(each.name)) continue;
            if (each.may(Guarded) && !rights.may(guards_[at], about)) continue;
            out.key(each.name);
            each.show(out, record);
        }
    }

    Collection<Record> kind_;
    std::vector<std::string> guards_; ///< of each attribute, the rule for seeing it; empty: none
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
