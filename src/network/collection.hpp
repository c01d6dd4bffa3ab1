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

/// A kind of resource. All kinds are listed, shown, created, changed, deleted and tagged alike; this is what differs.
template <class Record> struct Collection {
    Core& core;
    std::string noun;  ///< in bodies and rules: "security_group"
    std::string table; ///< with its alias: "security_groups g"
    const Attributes& attributes;
    Error (*missing)(const std::string& id);
    std::function<std::optional<Record>(store::Reader&, const std::string& id)> find;
    std::function<std::vector<Record>(store::Reader&, const store::Conditions&, const std::string& order)> list;

    /// What policy knows of one.
    std::function<Target(store::Reader&, const Record&)> target;

    /// Leaves what may concern a project: of that, those who do not see everything get what the rule for seeing one lets them.
    std::function<void(store::Conditions&, const ProjectId&)> concern;

    std::function<void(JsonWriter&, const Record&, const Target&, const Fields&, const identity::Caller&, store::Reader&)> write;

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

template <class Record> class CollectionApi {
public:
    explicit CollectionApi(Collection<Record> kind) : kind_(std::move(kind)) {}

    http::Response list(http::Request& request) const {
        const auto& caller = identity::callerOf(request);
        if (kind_.beforeList) kind_.beforeList(caller);
        // One moment for the whole page, and one lock of the store's file.
        return kind_.core.parts.store.read([&](store::Reader& db) { return page(request, caller, db); });
    }

    http::Response show(http::Request& request) const {
        return kind_.core.parts.store.read([&](store::Reader& db) {
            const auto it = found(request, db);
            if (!identity::callerOf(request).may(kind_.rule("get"), it.target)) throw kind_.missing(it.record.id.text);
            return answer(request, 200, it, db);
        });
    }

    http::Response create(http::Request& request) const {
        const auto& caller = identity::callerOf(request);
        const auto wanted = posted(request, kind_.noun, kind_.plural());
        return kind_.core.parts.store.write([&](store::Transaction& tx) {
            std::vector<Shown> all;
            for (const auto& each : wanted.items) {
                const Body body(each, kind_.attributes, true);
                const auto rule = kind_.rule("create");
                auto target = kind_.wanted(tx, caller, body);
                if (kind_.aim) kind_.aim(target, body);
                caller.enforce(rule, target);
                enforceAttributes(caller, rule, body, target, true);
                all.push_back(shown(tx, kind_.create(tx, caller, body)));
            }
            if (!wanted.bulk) return answer(request, 201, all.front(), tx);
            return http::jsonResponse(201, [&](JsonWriter& json) {
                const auto body = json.object();
                const auto items = json.array(kind_.plural());
                const Fields fields(request.query);
                for (const auto& each : all) kind_.write(json, each.record, each.target, fields, caller, tx);
            });
        });
    }

    http::Response update(http::Request& request) const {
        const auto& caller = identity::callerOf(request);
        const Json wanted = put(request, kind_.noun);
        return kind_.core.parts.store.write([&](store::Transaction& tx) {
            const auto it = found(request, tx);
            const auto rule = kind_.rule("update");
            enforceOn(caller, rule, kind_.rule("get"), it.target, kind_.missing(it.record.id.text));
            const Body body(wanted, kind_.attributes, false);
            auto after = it.target;
            if (kind_.aim) kind_.aim(after, body);
            enforceAttributes(caller, rule, body, after, false);
            checkRevision(request, kind_.noun, it.record.id.text, it.record.standard.revision);
            return answer(request, 200, shown(tx, kind_.update(tx, caller, it.record, body)), tx);
        });
    }

    http::Response remove(http::Request& request) const {
        const auto& caller = identity::callerOf(request);
        kind_.core.parts.store.write([&](store::Transaction& tx) {
            const auto it = found(request, tx);
            enforceOn(caller, kind_.rule("delete"), kind_.rule("get"), it.target, kind_.missing(it.record.id.text));
            checkRevision(request, kind_.noun, it.record.id.text, it.record.standard.revision);
            kind_.remove(tx, caller, it.record);
        });
        return http::emptyResponse(204);
    }

    /// For the routes of the tags: nothing where there is no such thing.
    std::optional<Target> targetOf(store::Reader& db, const std::string& id) const {
        const auto record = kind_.find(db, id);
        return record ? std::optional(kind_.target(db, *record)) : std::nullopt;
    }

private:
    struct Shown {
        Record record;
        Target target;
    };

    Shown shown(store::Reader& db, Record record) const {
        auto target = kind_.target(db, record);
        return {std::move(record), std::move(target)};
    }

    Shown found(const http::Request& request, store::Reader& db) const {
        auto record = kind_.find(db, request.param("id"));
        if (!record) throw kind_.missing(request.param("id"));
        return shown(db, *std::move(record));
    }

    http::Response page(const http::Request& request, const identity::Caller& caller, store::Reader& db) const {
        auto listing = listingOf(request, kind_.table, kind_.attributes, kind_.filters);
        const auto rule = kind_.rule("get");
        if (!seesAll(caller, rule)) kind_.concern(listing.conditions, caller.project);
        if (!listing.marker.empty()) { // what the caller can't see is nowhere in their list
            const auto record = kind_.find(db, listing.marker);
            if (!record || !caller.may(rule, kind_.target(db, *record))) throw markerNotFound(listing.marker);
        }
        std::vector<Shown> rows;
        auto last = listing.marker;
        for (bool more = true; more;) { // till the page is full of what the caller sees
            auto found = kind_.list(db, listing.after(last), listing.order());
            more = listing.limit && static_cast<std::int64_t>(found.size()) == *listing.limit;
            if (more) last = found.back().id.text;
            std::vector<Shown> seen;
            for (auto& each : found) seen.push_back(shown(db, std::move(each)));
            dropUnseen(seen, caller, rule, [](const auto& each) { return each.target; });
            std::move(seen.begin(), seen.end(), std::back_inserter(rows));
            more = more && static_cast<std::int64_t>(rows.size()) < *listing.limit;
        }
        if (listing.limit && static_cast<std::int64_t>(rows.size()) > *listing.limit)
            rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(*listing.limit), rows.end());
        std::vector<std::string> ids;
        for (const auto& each : rows) ids.push_back(each.record.id.text);
        const Fields fields(request.query);
        return listResponse(request, kind_.plural(), listing, ids, [&](JsonWriter& json, std::size_t index) {
            kind_.write(json, rows[index].record, rows[index].target, fields, caller, db);
        });
    }

    http::Response answer(const http::Request& request, int status, const Shown& it, store::Reader& db) const {
        return http::jsonResponse(status, [&](JsonWriter& json) {
            const auto body = json.object();
            json.key(kind_.noun);
            kind_.write(json, it.record, it.target, Fields(request.query), identity::callerOf(request), db);
        });
    }

    Collection<Record> kind_;
};

/// Under /v2.0/ and the plural with dashes, with the routes of its tags.
template <class Record> void addCollection(http::Routes& routes, Collection<Record> kind) {
    using http::Method;
    std::string path = "/v2.0/" + kind.plural();
    std::replace(path.begin(), path.end(), '_', '-');
    const auto api = std::make_shared<const CollectionApi<Record>>(kind);
    const auto add = [&](Method method, const std::string& pattern, std::string_view verb,
                         http::Response (CollectionApi<Record>::*serve)(http::Request&) const, http::Runs runs = http::Runs::ByMethod) {
        routes.push_back({method, pattern, http::policy(kind.rule(verb)),
                          [api, serve](http::Request& request) { return ((*api).*serve)(request); }, runs});
    };
    add(Method::Get, path, "get", &CollectionApi<Record>::list, kind.beforeList ? http::Runs::Worker : http::Runs::ByMethod);
    add(Method::Post, path, "create", &CollectionApi<Record>::create);
    path += "/{id}";
    add(Method::Get, path, "get", &CollectionApi<Record>::show);
    if (kind.update) add(Method::Put, path, "update", &CollectionApi<Record>::update);
    add(Method::Delete, path, "delete", &CollectionApi<Record>::remove);
    if (kind.tagged)
        addTagRoutes(routes, kind.core, path,
                     {kind.noun, kind.table.substr(0, kind.table.find(' ')),
                      [api](store::Reader& db, const std::string& id) { return api->targetOf(db, id); }});
}

}
