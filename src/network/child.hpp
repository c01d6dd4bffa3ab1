#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "network/core.hpp"
#include "network/dialect.hpp"
#include "resource/collection.hpp"

namespace stratolet::network {

/// A kind of thing that belongs to one of another kind, under whose path it is: policy knows it by whose that is
/// ("ext_parent:project_id").
template <class Record> struct Child {
    std::string noun;          ///< in bodies: "port_forwarding"
    resource::Dialect dialect; ///< with the names of its rules
    std::string parents;       ///< "/v2.0/floatingips"
    const resource::Table<Record>& table;
    std::string_view parentColumn; ///< "floating_ip"
    Error (*missing)(const std::string& id);
    Error (*missingParent)(const std::string& id);
    /// What policy knows of a parent; nothing where there is none.
    std::function<std::optional<Target>(store::Reader&, const std::string& parent)> parentOf;
    std::string_view seeParent; ///< the rule
    std::function<Record(store::Transaction&, const identity::Caller&, const std::string& parent, const Body&)> create;
    std::function<Record(store::Transaction&, const identity::Caller&, const Record&, const Body&)> update;
    std::function<void(store::Transaction&, const Record&)> remove;
};

/// The dialect with rules named after the parent too: "create_floatingip_port_forwarding".
template <const char* Infix> resource::Dialect dialectOf() {
    auto own = dialect();
    own.rule = [](std::string_view verb, std::string_view noun) {
        return std::string(verb).append("_").append(Infix).append("_").append(noun);
    };
    return own;
}

template <class Record> void addChild(http::Routes& routes, Core& core, Child<Record> child) {
    using http::Method;
    using http::Request;
    using http::Response;
    struct Served {
        Child<Record> child;
        std::shared_ptr<const resource::CollectionApi<Record>> api = {};
        std::string parentSql = {}; ///< the parent's column, with the alias

        /// What policy knows of a thing of the path's parent, which the caller sees.
        Target targetIn(const Request& request, store::Reader& db) const {
            const auto& parent = request.param("parent");
            const auto known = child.parentOf(db, parent);
            if (!known || !mayOn(identity::callerOf(request), child.seeParent, *known))
                throw child.missingParent(parent);
            auto target = *known;
            target["ext_parent:project_id"] = target["ext_parent:tenant_id"] = target["project_id"];
            return target;
        }

        /// The thing of the path is the path's parent's.
        void requireOwn(const Request& request) const {
            auto& db = api->kind().store.reader();
            targetIn(request, db);
            const auto& text = child.table.text();
            if (!db.query("SELECT 1 FROM " + text.named() + " WHERE " + parentSql + " = ? AND " + text.id() + " = ?",
                          request.param("parent"), request.param("id"))
                     .any())
                throw child.missing(request.param("id"));
        }
    };
    auto served = std::make_shared<Served>(Served{std::move(child)});
    const auto& of = served->child;
    served->parentSql = std::string(1, of.table.text().alias) + "." + std::string(of.parentColumn);
    const auto path = of.parents + "/{parent}/" + of.noun + "s";
    resource::Collection<Record> kind{.dialect = of.dialect,
                                      .store = core.parts.store,
                                      .noun = of.noun,
                                      .path = path,
                                      .table = of.table,
                                      .missing = of.missing,
                                      .about = {}};
    auto* its = served.get(); // which lives as long as the routes
    kind.about = [its](store::Reader& db, const std::vector<Record>& all) {
        return aboutEach(
            all, [](const Record& each) { return std::string_view(each.parent); },
            [&](const Record& each) {
                auto target = its->child.parentOf(db, each.parent).value_or(Target{});
                target["ext_parent:project_id"] = target["ext_parent:tenant_id"] = target["project_id"];
                return target;
            });
    };
    kind.wanted = [its](store::Transaction& tx, const Request& request, const Json&) {
        return its->targetIn(request, tx);
    };
    kind.create = [its](store::Transaction& tx, const Request& request, const Json& body) {
        return its->child.create(tx, identity::callerOf(request), request.param("parent"), body);
    };
    kind.update = [its](store::Transaction& tx, const Request& request, const Record& record, const Json& body) {
        return its->child.update(tx, identity::callerOf(request), record, body);
    };
    kind.remove = [its](store::Transaction& tx, const Request&, const Record& record) {
        its->child.remove(tx, record);
    };
    served->api = std::make_shared<const resource::CollectionApi<Record>>(std::move(kind));
    const auto add = [&](Method method, const std::string& pattern, std::string_view verb, auto serve) {
        routes.push_back({method, pattern, http::policy(served->api->kind().rule(verb)),
                          [served, serve](Request& request) { return serve(*served, request); }});
    };
    add(Method::Get, path, "get", [](const Served& by, Request& request) {
        return by.api->kind().store.read([&](store::Reader& db) {
            demandOn(identity::callerOf(request), by.api->kind().rule("get"), by.targetIn(request, db));
            return by.api->openList(request, db, {{by.parentSql + " = ?", {request.param("parent")}}});
        });
    });
    add(Method::Post, path, "create", [](const Served& by, Request& request) { return by.api->create(request); });
    const auto one = [&](Method method, std::string_view verb,
                         Response (resource::CollectionApi<Record>::*serve)(Request&) const) {
        add(method, path + "/{id}", verb, [serve](const Served& by, Request& request) {
            by.requireOwn(request);
            return ((*by.api).*serve)(request);
        });
    };
    one(Method::Get, "get", &resource::CollectionApi<Record>::show);
    one(Method::Put, "update", &resource::CollectionApi<Record>::update);
    one(Method::Delete, "delete", &resource::CollectionApi<Record>::remove);
}

}
