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

/// A kind of resource and its routes: list, show, create, change, delete. What is true of one attribute is in the
/// table; how the service speaks in the dialect; what only this kind does in the functions here, each of which is
/// called in the request's own transaction, on the thread that serves it (the writer's where it gets a Transaction),
/// and refuses by throwing Error.
template <class Record> struct Collection {
    const Dialect& dialect;
    store::Store& store;
    std::string noun; ///< in bodies and rules: "security_group"
    std::string path; ///< "/v2.0/security-groups"
    const Table<Record>& table;
    Error (*missing)(const std::string& id);

    /// What policy knows of each.
    std::function<std::vector<About>(store::Reader&, const std::vector<Record>&)> about;

    /// In which ways one may concern the caller, no two of which hold for one: of what does, those who do not see
    /// everything get what the rule for seeing one lets them. None: all of them.
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

    bool posted = true;    ///< is made by POST to the collection
    bool put = false;      ///< is made by PUT, with an id that whoever makes it chooses
    std::string many = {}; ///< "policies"; empty: the noun and an s

    /// Whether anybody is told that what a path names isn't there; else only who may do it to nothing in particular,
    /// and everybody else is refused as if it were. Of those who would see it, and of those who would change or remove
    /// it.
    bool readsTold = true, changesTold = true;

    std::string plural() const { return many.empty() ? noun + "s" : many; }
    std::string rule(std::string_view verb) const { return dialect.rule(verb, noun); }
    std::string listRule() const { return dialect.listRule != nullptr ? dialect.listRule(plural()) : rule("get"); }
};

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
        return kind_.store.read([&](store::Reader& db) {
            if (kind_.dialect.listRule == nullptr) return page(request, db);
            kind_.dialect.enforce(request, kind_.listRule(), kind_.listRule(), {}, kind_.missing(""));
            return openList(request, db);
        });
    }

    http::Response show(http::Request& request) const {
        return kind_.store.read([&](store::Reader& db) {
            return answer(request, 200, demand(request, db, kind_.rule("get"), kind_.readsTold), db);
        });
    }

    /// A page of those that meet `only` too, with nothing hidden, for a caller who may see them all: the rule has been
    /// asked.
    http::Response openList(const http::Request& request, store::Reader& db,
                            const std::vector<store::Alternative>& only = {}) const {
        auto listing = kind_.dialect.listing(request, kind_.table.text(), kind_.table.words(), kind_.filters);
        for (const auto& each : only) listing.conditions.append(each.sql, each.values);
        auto records =
            openPage(db, kind_.table, listing, concerning(request, kind_.listRule()), kind_.dialect.markerNotFound);
        if (kind_.complete && !records.empty()) kind_.complete(db, records);
        std::vector<std::string> ids;
        for (const auto& each : records) ids.push_back(idOf(each));
        const auto fields = fieldsOf(request);
        auto rights = rightsOf(request);
        return kind_.dialect.list(request, kind_.plural(), listing, ids, [&](JsonWriter& out, std::size_t at) {
            write(out, request, records[at], nobody(), fields, rights);
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
            return answers(request, 201, std::move(all), tx);
        });
    }

    http::Response update(http::Request& request) const {
        const Json body = kind_.dialect.changed(request, kind_.noun);
        return kind_.store.write([&](store::Transaction& tx) {
            const auto it = found(request, tx, kind_.rule("update"), kind_.changesTold);
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
            const auto it = found(request, tx, kind_.rule("delete"), kind_.changesTold);
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
            write(out, request, one.front(), about.front(), fieldsOf(request), rights);
        });
    }

    /// {"<plural>": […]}: of several that one request has made.
    http::Response answers(const http::Request& request, int status, std::vector<Record> all, store::Reader& db) const {
        const auto about = kind_.about(db, all);
        if (kind_.complete) kind_.complete(db, all);
        const auto fields = fieldsOf(request);
        auto rights = rightsOf(request);
        return http::jsonResponse(status, [&](JsonWriter& out) {
            const auto body = out.object();
            const auto items = out.array(kind_.plural());
            for (std::size_t at = 0; at < all.size(); ++at) write(out, request, all[at], about[at], fields, rights);
        });
    }

    /// What policy knows of the one with this id; nothing where there is none.
    std::optional<Target> targetOf(store::Reader& db, const std::string& id) const {
        auto record = kind_.table.find(db, id);
        return record ? std::optional(*kind_.about(db, {*std::move(record)}).front()) : std::nullopt;
    }

    /// The one that the path names, for a rule of its own: `missing` for whom it isn't there.
    Record demand(const http::Request& request, store::Reader& db, std::string_view rule, bool told = true) const {
        return std::move(found(request, db, rule, told).record);
    }

    const Collection<Record>& kind() const { return kind_; }

private:
    struct Found {
        Record record;
        About about;
    };

    /// Of what can't be told apart by a rule.
    static const About& nobody() {
        static const About nobody = std::make_shared<const Target>();
        return nobody;
    }

    /// What the path names, once `rule` lets the caller do it; `told`: anybody may learn that it isn't there.
    Found found(const http::Request& request, store::Reader& db, std::string_view rule, bool told) const {
        auto record = kind_.table.find(db, request.param("id"));
        const auto missing = kind_.missing(request.param("id"));
        if (!record && told) throw missing;
        auto about = record ? kind_.about(db, {*record}).front() : nobody();
        kind_.dialect.enforce(request, rule, kind_.rule("get"), *about, missing);
        if (!record) throw missing;
        return {*std::move(record), std::move(about)};
    }

    Fields fieldsOf(const http::Request& request) const {
        return kind_.dialect.choosesFields ? Fields(request.query) : Fields();
    }

    /// In which ways rows of a list concern the caller; none: all of them do.
    std::vector<store::Alternative> concerning(const http::Request& request, std::string_view rule) const {
        return kind_.concern && !kind_.dialect.seesAll(request, rule) ? kind_.concern(request)
                                                                      : std::vector<store::Alternative>();
    }

    void checkRevision(const http::Request& request, const Record& record) const {
        if constexpr (requires { record.standard.revision; })
            kind_.dialect.checkRevision(request, kind_.noun, idOf(record), record.standard.revision);
    }

    Rights rightsOf(const http::Request& request) const {
        return Rights(
            [&](std::string_view rule, const Target& target) { return kind_.dialect.may(request, rule, target); });
    }

    /// What comes behind the row `last`, as far as a page goes.
    std::vector<Record> rowsAfter(store::Reader& db, const Listing& listing,
                                  const std::vector<store::Alternative>& alternatives, const std::string& last) const {
        return resource::rowsAfter(db, kind_.table, listing, alternatives, last);
    }

    http::Response page(const http::Request& request, store::Reader& db) const {
        const auto listing = kind_.dialect.listing(request, kind_.table.text(), kind_.table.words(), kind_.filters);
        const auto rule = kind_.rule("get");
        const auto alternatives = concerning(request, rule);
        if (!listing.marker.empty()) { // what the caller can't see is nowhere in their list
            const auto target = targetOf(db, listing.marker);
            if (!target || !kind_.dialect.may(request, rule, *target))
                throw kind_.dialect.markerNotFound(listing.marker);
        }
        kind_.dialect.may(request, rule, {}); // the route's duty, also where the list is empty
        auto rights = rightsOf(request);
        auto rows = fullPage<Found>(listing, [&](const std::string& behind) {
            auto read = rowsAfter(db, listing, alternatives, behind);
            Stretch<Found> stretch{{}, read.size(), read.empty() ? behind : idOf(read.back())};
            const auto about = kind_.about(db, read);
            stretch.seen.reserve(read.size());
            for (std::size_t at = 0; at < read.size(); ++at)
                if (rights.may(rule, about[at])) stretch.seen.push_back({std::move(read[at]), about[at]});
            return stretch;
        });
        std::vector<Record> records;
        std::vector<std::string> ids;
        records.reserve(rows.size());
        ids.reserve(rows.size());
        for (auto& each : rows) {
            ids.push_back(idOf(each.record));
            records.push_back(std::move(each.record));
        }
        if (kind_.complete && !records.empty()) kind_.complete(db, records);
        const auto fields = fieldsOf(request);
        return kind_.dialect.list(request, kind_.plural(), listing, ids, [&](JsonWriter& out, std::size_t at) {
            write(out, request, records[at], rows[at].about, fields, rights);
        });
    }

    void write(JsonWriter& out, const http::Request& request, const Record& record, const About& about,
               const Fields& fields, Rights& rights) const {
        const auto object = out.object();
        for (std::size_t at = 0; at < guards_.size(); ++at) {
            const auto& each = kind_.table.attributes()[at];
            if (!each.may(Show) || !fields.wants(each.name)) continue;
            if (each.may(Guarded) && !rights.may(guards_[at], about)) continue;
            if (each.write != nullptr) each.write(out, record, request);
            if (each.write != nullptr || each.show == nullptr) continue;
            out.key(each.name);
            each.show(out, record);
        }
    }

    Collection<Record> kind_;
    std::vector<std::string> guards_; ///< of each attribute, the rule for seeing it; empty: none
};

/// The routes of a kind, for those verbs that it has. Given back is what serves them, for further routes.
template <class Record>
std::shared_ptr<const CollectionApi<Record>> addCollection(http::Routes& routes, Collection<Record> kind) {
    using Api = CollectionApi<Record>;
    const auto api = std::make_shared<const Api>(std::move(kind));
    const auto& of = api->kind();
    const auto add = [&](http::Method method, const std::string& pattern, const std::string& rule,
                         http::Response (Api::*serve)(http::Request&) const, http::Runs runs = http::Runs::ByMethod) {
        routes.push_back({method, pattern, http::policy(rule),
                          [api, serve](http::Request& request) { return ((*api).*serve)(request); }, runs});
    };
    const auto one = of.path + "/{id}";
    add(http::Method::Get, of.path, of.listRule(), &Api::list,
        of.beforeList ? http::Runs::Worker : http::Runs::ByMethod);
    if (of.create && of.posted) add(http::Method::Post, of.path, of.rule("create"), &Api::create);
    if (of.create && of.put) add(http::Method::Put, one, of.rule("create"), &Api::create);
    add(http::Method::Get, one, of.rule("get"), &Api::show);
    if (of.update) add(of.dialect.change, one, of.rule("update"), &Api::update);
    if (of.remove) add(http::Method::Delete, one, of.rule("delete"), &Api::remove);
    return api;
}

}
