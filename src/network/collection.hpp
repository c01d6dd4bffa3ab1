#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "network/core.hpp"
#include "network/dialect.hpp"
#include "network/tag_api.hpp"
#include "resource/collection.hpp"

namespace stratolet::network {

/// What policy knows of things that it knows only the project of.
template <class Record> std::vector<About> aboutOwned(store::Reader&, const std::vector<Record>& all) {
    return aboutEach(
        all, [](const Record& each) { return std::string_view(each.standard.project); },
        [](const Record& each) { return ownedBy(each.standard.project); });
}

/// What differs between the kinds of network's resources. All are listed, shown, created, changed, deleted and tagged
/// alike (resource/collection.hpp); what a function here is for stands there.
template <class Record> struct Noun {
    std::string noun; ///< "security_group"
    const resource::Table<Record>& table;
    Error (*missing)(const std::string& id);
    std::function<std::vector<About>(store::Reader&, const std::vector<Record>&)> about = aboutOwned<Record>;
    std::vector<std::string_view> concern{
        "$.project = ?"}; ///< SQL: "$" is the table's alias, each "?" the caller's project
    std::function<void(store::Reader&, std::vector<Record>&)> complete = {}; ///< beside the tags
    std::function<Target(store::Transaction&, const identity::Caller&, const Body&)> wanted =
        [](store::Transaction&, const identity::Caller& caller, const Body& body) {
            return ownedBy(projectOf(caller, body));
        };
    std::function<void(Target&, const Body&)> aim = {};
    std::function<Record(store::Transaction&, const identity::Caller&, const Body&)> create = {};
    std::function<Record(store::Transaction&, const identity::Caller&, const Record&, const Body&)> update = {};
    std::function<void(store::Transaction&, const identity::Caller&, const Record&)> remove = {};
    resource::SpecialFilters filters = {};
    std::function<void(const identity::Caller&)> beforeList = {};
    bool tagged = true;
    std::string plural = {}; ///< "rbac_policies"; empty: the noun and an s
    std::string path = {};   ///< "/v2.0/qos/policies"; empty: the plural with dashes
};

/// A noun whose verbs a service of its own has: create, update, remove, each with or without the caller.
template <class Record, class Service> Noun<Record> servedBy(Service& service, Noun<Record> noun) {
    using Tx = store::Transaction;
    using identity::Caller;
    if (!noun.create)
        if constexpr (requires(Tx & tx, const Caller& caller, const Body& body) { service.create(tx, caller, body); })
            noun.create = [&service](Tx& tx, const Caller& caller, const Body& body) {
                return service.create(tx, caller, body);
            };
    if (!noun.update)
        noun.update = [&service](Tx& tx, [[maybe_unused]] const Caller& caller, const Record& record,
                                 const Body& body) {
            if constexpr (requires { service.update(tx, caller, record, body); })
                return service.update(tx, caller, record, body);
            else
                return service.update(tx, record, body);
        };
    if (!noun.remove)
        noun.remove = [&service](Tx& tx, [[maybe_unused]] const Caller& caller, const Record& record) {
            if constexpr (requires { service.remove(tx, caller, record); })
                service.remove(tx, caller, record);
            else
                service.remove(tx, record);
        };
    return noun;
}

/// A noun that is what its attributes say, all of which are read by their values alone: made, changed and removed with
/// no more ado.
template <class Record> Noun<Record> plain(Core& core, Noun<Record> noun) {
    const auto& table = noun.table;
    noun.create = [&core, &table](store::Transaction& tx, const identity::Caller& caller, const Body& body) {
        Record record;
        record.standard = freshStandard(core, caller, body);
        record.id.text = core.uuid();
        body.readInto(record, table);
        table.insert(tx, record);
        return record;
    };
    noun.update = [&core, &table](store::Transaction& tx, const identity::Caller&, Record record, const Body& body) {
        body.readInto(record, table);
        changeStandard(core, record.standard, body);
        table.update(tx, record);
        return record;
    };
    noun.remove = [&table](store::Transaction& tx, const identity::Caller&, const Record& record) {
        forgetTags(tx, record.id.text);
        table.remove(tx, record.id);
    };
    return noun;
}

/// Under its path, with the routes of its tags. What serves them is given back, for routes of
/// the kind's own.
template <class Record>
std::shared_ptr<const resource::CollectionApi<Record>> addNoun(http::Routes& routes, Core& core, Noun<Record> noun) {
    using http::Request;
    using identity::callerOf;
    std::string path = "/v2.0/" + (noun.plural.empty() ? noun.noun + "s" : noun.plural);
    std::replace(path.begin(), path.end(), '_', '-');
    if (!noun.path.empty()) path = noun.path;
    resource::Collection<Record> collection{.dialect = dialect(),
                                            .store = core.parts.store,
                                            .noun = noun.noun,
                                            .path = path,
                                            .table = noun.table,
                                            .missing = noun.missing,
                                            .about = noun.about,
                                            .many = noun.plural};
    std::vector<std::string> ways;
    for (const auto each : noun.concern) ways.push_back(resource::withAlias(each, noun.table.text().alias));
    collection.concern = [ways](const Request& request) {
        std::vector<store::Alternative> alternatives;
        for (const auto& each : ways) {
            const auto times = static_cast<std::size_t>(std::count(each.begin(), each.end(), '?'));
            alternatives.push_back({each, std::vector<store::Value>(times, store::Value(callerOf(request).project))});
        }
        return alternatives;
    };
    collection.complete = [also = noun.complete](store::Reader& db, std::vector<Record>& records) {
        completeTags(db, records);
        if (also) also(db, records);
    };
    collection.wanted = [of = noun.wanted](store::Transaction& tx, const Request& request, const Json& body) {
        return of(tx, callerOf(request), body);
    };
    if (noun.aim) collection.aim = [of = noun.aim](Target& target, const Json& body) { of(target, body); };
    if (noun.create)
        collection.create = [of = noun.create](store::Transaction& tx, const Request& request, const Json& body) {
            return of(tx, callerOf(request), body);
        };
    if (noun.update)
        collection.update = [of = noun.update](store::Transaction& tx, const Request& request, const Record& record,
                                               const Json& body) { return of(tx, callerOf(request), record, body); };
    if (noun.remove)
        collection.remove = [of = noun.remove](store::Transaction& tx, const Request& request, const Record& record) {
            of(tx, callerOf(request), record);
        };
    collection.filters = noun.filters;
    if (noun.beforeList)
        collection.beforeList = [of = noun.beforeList](const Request& request) { of(callerOf(request)); };
    const auto api = resource::addCollection<Record>(routes, std::move(collection));
    if (noun.tagged)
        addTagRoutes(routes, core, path + "/{id}",
                     {noun.noun, noun.table.text().name,
                      [api](store::Reader& db, const std::string& id) { return api->targetOf(db, id); }});
    return api;
}

}
