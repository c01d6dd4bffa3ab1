#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <stratolet/error.hpp>

#include "network/core.hpp"
#include "network/tag_api.hpp"

namespace stratolet::network {

struct Nothing {};

/// One of a kind as an answer shows it. `more` is what it shows of other things.
template <class Record, class More> struct Shown {
    Record record;
    identity::About about; ///< what policy knows of it
    Texts tags = {};
    More more = {};
};

/// A kind of resource. All kinds are listed, shown, created, changed, deleted and tagged alike; this is what differs.
/// What is looked up beside the rows is looked up for all of a page at once: a page is a fixed number of statements.
template <class Record, class More = Nothing> struct Collection {
    using ShownRecord = Shown<Record, More>;

    Core& core;
    std::string noun;  ///< in bodies and rules: "security_group"
    std::string table; ///< with its alias: "security_groups g"
    const Attributes& attributes;
    Error (*missing)(const std::string& id);
    std::function<std::optional<Record>(store::Reader&, const std::string& id)> find;
    std::function<std::vector<Record>(store::Reader&, const store::Conditions&, const std::string& order)> list;

    /// What policy knows of each.
    std::function<std::vector<identity::About>(store::Reader&, const std::vector<Record>&)> about;

    /// In which ways one may concern a project, no two of which hold for one: of what does, those who do not see everything get what the
    /// rule for seeing one lets them.
    std::function<std::vector<store::Alternative>(const ProjectId&)> concern;

    /// Looks up what they show of other things.
    std::function<void(store::Reader&, std::vector<ShownRecord>&)> complete = {};

    void (*write)(JsonWriter&, const ShownRecord&, const Fields&, identity::Rights&);

    /// What policy knows of one that is wanted; Error where that could not be made for reasons that come before rights.
    std::function<Target(store::Transaction&, const identity::Caller&, const Body&)> wanted =
        [](store::Transaction&, const identity::Caller& caller, const Body& body) { return ownedBy(projectOf(caller, body)); };
    std::function<void(Target&, const Body&)> aim = {}; ///< adds what policy asks of the attributes that are given
    std::function<Record(store::Transaction&, const identity::Caller&, const Body&)> create;
    std::function<Record(store::Transaction&, const identity::Caller&, const Record&, const Body&)> update = {}; ///< empty: never changes
    std::function<void(store::Transaction&, const identity::Caller&, const Record&)> remove;

    SpecialFilters filters = {};
    std::function<void(const identity::Caller&)> beforeList = {}; ///< may write
    bool tagged = true;

    std::string plural() const { return noun + "s"; }
    std::string rule(std::string_view verb) const { return std::string(verb) + "_" + noun; }
};

template <class Record, class More> class CollectionApi {
public:
    explicit CollectionApi(Collection<Record, More> kind) : kind_(std::move(kind)) {}

    http::Response list(http::Request& request) const {
        const auto& caller = identity::callerOf(request);
        if (kind_.beforeList) kind_.beforeList(caller);
        // One moment for the whole page, and one lock of the store's file.
        return kind_.core.parts.store.read([&](store::Reader& db) { return page(request, caller, db); });
    }

    http::Response show(http::Request& request) const {
        return kind_.core.parts.store.read([&](store::Reader& db) {
            const auto it = found(request, db);
            if (!identity::callerOf(request).may(kind_.rule("get"), *it.about)) throw kind_.missing(it.record.id.text);
            return answer(request, 200, it.record, db);
        });
    }

    http::Response create(http::Request& request) const {
        const auto& caller = identity::callerOf(request);
        const auto wanted = posted(request, kind_.noun, kind_.plural());
        return kind_.core.parts.store.write([&](store::Transaction& tx) {
            std::vector<Record> all;
            for (const auto& each : wanted.items) {
                const Body body(each, kind_.attributes, true);
                const auto rule = kind_.rule("create");
                auto target = kind_.wanted(tx, caller, body);
                if (kind_.aim) kind_.aim(target, body);
                caller.enforce(rule, target);
                enforceAttributes(caller, rule, body, target, true);
                all.push_back(kind_.create(tx, caller, body));
            }
            if (!wanted.bulk) return answer(request, 201, std::move(all.front()), tx);
            return http::jsonResponse(201, [&](JsonWriter& json) {
                const auto body = json.object();
                const auto items = json.array(kind_.plural());
                const Fields fields(request.query);
                identity::Rights rights(caller);
                for (const auto& each : shown(tx, std::move(all))) kind_.write(json, each, fields, rights);
            });
        });
    }

    http::Response update(http::Request& request) const {
        const auto& caller = identity::callerOf(request);
        const Json wanted = put(request, kind_.noun);
        return kind_.core.parts.store.write([&](store::Transaction& tx) {
            const auto it = found(request, tx);
            const auto rule = kind_.rule("update");
            enforceOn(caller, rule, kind_.rule("get"), *it.about, kind_.missing(it.record.id.text));
            const Body body(wanted, kind_.attributes, false);
            auto after = *it.about;
            if (kind_.aim) kind_.aim(after, body);
            enforceAttributes(caller, rule, body, after, false);
            checkRevision(request, kind_.noun, it.record.id.text, it.record.standard.revision);
            return answer(request, 200, kind_.update(tx, caller, it.record, body), tx);
        });
    }

    http::Response remove(http::Request& request) const {
        const auto& caller = identity::callerOf(request);
        kind_.core.parts.store.write([&](store::Transaction& tx) {
            const auto it = found(request, tx);
            enforceOn(caller, kind_.rule("delete"), kind_.rule("get"), *it.about, kind_.missing(it.record.id.text));
            checkRevision(request, kind_.noun, it.record.id.text, it.record.standard.revision);
            kind_.remove(tx, caller, it.record);
        });
        return http::emptyResponse(204);
    }

    /// For the routes of the tags: nothing where there is no such thing.
    std::optional<Target> targetOf(store::Reader& db, const std::string& id) const {
        const auto record = kind_.find(db, id);
        return record ? std::optional(*aboutOne(db, *record)) : std::nullopt;
    }

private:
    using ShownRecord = Shown<Record, More>;
    struct Found {
        Record record;
        identity::About about;
    };

    identity::About aboutOne(store::Reader& db, const Record& record) const { return kind_.about(db, {record}).front(); }

    Found found(const http::Request& request, store::Reader& db) const {
        auto record = kind_.find(db, request.param("id"));
        if (!record) throw kind_.missing(request.param("id"));
        auto about = aboutOne(db, *record);
        return {*std::move(record), std::move(about)};
    }

    std::vector<ShownRecord> shown(store::Reader& db, std::vector<Record> records) const {
        const auto about = kind_.about(db, records);
        std::vector<ShownRecord> all;
        all.reserve(records.size());
        for (std::size_t each = 0; each < records.size(); ++each) all.push_back({std::move(records[each]), about[each]});
        complete(db, all);
        return all;
    }

    void complete(store::Reader& db, std::vector<ShownRecord>& all) const {
        if (kind_.tagged) {
            auto tags = tagsOf(db, idsOf(all));
            for (auto& each : all) each.tags = store::takeOf(tags, each.record.id.text);
        }
        if (kind_.complete) kind_.complete(db, all);
    }

    static std::vector<std::string> idsOf(const std::vector<ShownRecord>& all) {
        std::vector<std::string> ids;
        ids.reserve(all.size());
        for (const auto& each : all) ids.push_back(each.record.id.text);
        return ids;
    }

    /// What comes behind the row `last`, as far as a page goes.
    std::vector<Record> rowsAfter(store::Reader& db, const Listing& listing, const std::vector<store::Alternative>& alternatives,
                                  const std::string& last) const {
        store::Conditions chosen;
        chosen.add(std::string(1, kind_.table.back()) + ".id IN (SELECT value FROM json_each(?))",
                   store::asList(listing.idsAfter(db, last, alternatives)));
        return kind_.list(db, chosen, listing.order());
    }

    http::Response page(const http::Request& request, const identity::Caller& caller, store::Reader& db) const {
        auto listing = listingOf(request, kind_.table, kind_.attributes, kind_.filters);
        const auto rule = kind_.rule("get");
        const auto alternatives = seesAll(caller, rule) ? std::vector<store::Alternative>() : kind_.concern(caller.project);
        if (!listing.marker.empty()) { // what the caller can't see is nowhere in their list
            const auto record = kind_.find(db, listing.marker);
            if (!record || !caller.may(rule, *aboutOne(db, *record))) throw markerNotFound(listing.marker);
        }
        caller.may(rule, {}); // the route's duty, also where the list is empty
        identity::Rights rights(caller);
        std::vector<ShownRecord> rows;
        auto last = listing.marker;
        for (bool more = true; more;) { // till the page is full of what the caller sees
            auto found = rowsAfter(db, listing, alternatives, last);
            more = listing.limit && static_cast<std::int64_t>(found.size()) == *listing.limit;
            if (more) last = found.back().id.text;
            const auto about = kind_.about(db, found);
            for (std::size_t each = 0; each < found.size(); ++each)
                if (rights.may(rule, about[each])) rows.push_back({std::move(found[each]), about[each]});
            more = more && static_cast<std::int64_t>(rows.size()) < *listing.limit;
        }
        if (listing.limit && static_cast<std::int64_t>(rows.size()) > *listing.limit)
            rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(*listing.limit), rows.end());
        complete(db, rows);
        const Fields fields(request.query);
        return listResponse(request, kind_.plural(), listing, idsOf(rows),
                            [&](JsonWriter& json, std::size_t index) { kind_.write(json, rows[index], fields, rights); });
    }

    http::Response answer(const http::Request& request, int status, Record record, store::Reader& db) const {
        std::vector<Record> records;
        records.push_back(std::move(record));
        const auto it = std::move(shown(db, std::move(records)).front());
        identity::Rights rights(identity::callerOf(request));
        return http::jsonResponse(status, [&](JsonWriter& json) {
            const auto body = json.object();
            json.key(kind_.noun);
            kind_.write(json, it, Fields(request.query), rights);
        });
    }

    Collection<Record, More> kind_;
};

/// What policy knows of things that it knows only the project of.
template <class Record> std::vector<identity::About> aboutOwned(store::Reader&, const std::vector<Record>& all) {
    return identity::aboutEach(
        all, [](const Record& each) { return std::string_view(each.standard.project); },
        [](const Record& each) { return ownedBy(each.standard.project); });
}

/// Under /v2.0/ and the plural with dashes, with the routes of its tags.
template <class Record, class More = Nothing> void addCollection(http::Routes& routes, Collection<Record, More> kind) {
    using http::Method;
    std::string path = "/v2.0/" + kind.plural();
    std::replace(path.begin(), path.end(), '_', '-');
    const auto api = std::make_shared<const CollectionApi<Record, More>>(kind);
    const auto add = [&](Method method, const std::string& pattern, std::string_view verb,
                         http::Response (CollectionApi<Record, More>::*serve)(http::Request&) const,
                         http::Runs runs = http::Runs::ByMethod) {
        routes.push_back({method, pattern, http::policy(kind.rule(verb)),
                          [api, serve](http::Request& request) { return ((*api).*serve)(request); }, runs});
    };
    add(Method::Get, path, "get", &CollectionApi<Record, More>::list, kind.beforeList ? http::Runs::Worker : http::Runs::ByMethod);
    add(Method::Post, path, "create", &CollectionApi<Record, More>::create);
    path += "/{id}";
    add(Method::Get, path, "get", &CollectionApi<Record, More>::show);
    if (kind.update) add(Method::Put, path, "update", &CollectionApi<Record, More>::update);
    add(Method::Delete, path, "delete", &CollectionApi<Record, More>::remove);
    if (kind.tagged)
        addTagRoutes(routes, kind.core, path,
                     {kind.noun, kind.table.substr(0, kind.table.find(' ')),
                      [api](store::Reader& db, const std::string& id) { return api->targetOf(db, id); }});
}

}
