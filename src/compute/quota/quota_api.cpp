#include "compute/quota/quota_api.hpp"

#include <algorithm>
#include <functional>
#include <memory>

#include "compute/api.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

constexpr QuotaResource resources[] = {{"cores", versionMax, 1, versionMax},
                                       {"instances", versionMax, 1, versionMax},
                                       {"key_pairs", versionMax, 1, versionMax},
                                       {"metadata_items", versionMax, 1, versionMax},
                                       {"ram", versionMax, 1, versionMax},
                                       {"server_groups", versionMax, 50, versionMax},
                                       {"server_group_members", versionMax, 50, versionMax},
                                       {"injected_files", 56, 1, 56},
                                       {"injected_file_content_bytes", 56, 1, 56},
                                       {"injected_file_path_bytes", 56, 1, 56},
                                       {"fixed_ips", 35, 1, 49},
                                       {"floating_ips", 35, 1, 49},
                                       {"security_groups", 35, 1, 49},
                                       {"security_group_rules", 35, 1, 49}};

enum class Of { Sets, Classes };

bool isIn(const Call& call, const QuotaResource& resource, Of what) {
    if (what == Of::Sets) return call.version <= resource.setsUntil;
    return call.version >= resource.classesFrom && call.version <= resource.classesUntil;
}

struct Site {
    store::Store& store;
    const ComputeQuotas& quotas;
    identity::Identity& identity;
};

using Value = std::function<void(JsonWriter&, std::string_view resource)>;

Response answer(const Call& call, Of what, const std::string& id, const Value& value) {
    return http::jsonResponse(200, what == Of::Sets ? "quota_set" : "quota_class_set", [&](JsonWriter& out) {
        const auto set = out.object();
        if (!id.empty()) out.field("id", id);
        for (const auto& resource : resources) {
            if (!isIn(call, resource, what)) continue;
            out.key(resource.name);
            value(out, resource.name);
        }
    });
}

/// The project of the path, which must exist, and the user in it whom the query names.
QuotaOwner ownerOf(Call& call, Site& site) {
    QuotaOwner owner{ProjectId{call.param("id")}};
    call.caller.enforce({{"project_id", owner.project.text}});
    if (call.since(75)) call.asksOnly({"user_id"});
    if (!site.identity.projectExists(site.store.reader(), owner.project))
        throw Error(Failure::Invalid, "Project ID ", owner.project, " is not a valid project.");
    if (const auto user = call.request.query.find("user_id")) {
        if (user->empty() || lengthInCharacters(*user) > 255)
            throw Error(Failure::Invalid, "Invalid input for query parameters user_id. Value: ", *user);
        owner.user = UserId{*user};
    }
    return owner;
}

ComputeQuotas::Limits limitsIn(const Call& call, const Json& body, Of what) {
    ComputeQuotas::Limits limits;
    for (const auto& name : body.names()) {
        if (what == Of::Sets && (name == "force" || name == "tenant_id")) continue;
        const auto known = std::any_of(std::begin(resources), std::end(resources), [&](const QuotaResource& each) {
            return each.name == name && isIn(call, each, what);
        });
        if (known)
            limits[name] = integerOf(body.at(name), -1, 0x7fffffff);
        else if (!call.legacy)
            body.at(name).refuse("Additional properties are not allowed ('" + name + "' was unexpected)");
    }
    return limits;
}

Response show(Call& call, Site& site) {
    const QuotaOwner owner = ownerOf(call, site);
    return site.store.read([&](store::Reader& db) {
        return answer(call, Of::Sets, owner.project.text, [&](JsonWriter& out, std::string_view resource) {
            out.value(site.quotas.limit(db, owner, resource));
        });
    });
}

Response defaults(Call& call, Site& site) {
    const QuotaOwner owner = ownerOf(call, site);
    return site.store.read([&](store::Reader& db) {
        return answer(call, Of::Sets, owner.project.text, [&](JsonWriter& out, std::string_view resource) {
            out.value(site.quotas.otherwise(db, resource));
        });
    });
}

Response detail(Call& call, Site& site) {
    const QuotaOwner owner = ownerOf(call, site);
    return site.store.read([&](store::Reader& db) {
        return answer(call, Of::Sets, owner.project.text, [&](JsonWriter& out, std::string_view resource) {
            const auto scope = out.object();
            out.field("limit", site.quotas.limit(db, owner, resource));
            out.field("in_use", site.quotas.used(db, owner, resource));
            out.field("reserved", 0); // what is begun is used
        });
    });
}

Response update(Call& call, Site& site) {
    const QuotaOwner owner = ownerOf(call, site);
    const Json body = call.body("quota_set");
    const auto limits = limitsIn(call, body, Of::Sets);
    const auto force = body.find("force");
    const bool forced = force && booleanOf(*force);
    return site.store.write([&](store::Transaction& tx) {
        site.quotas.set(tx, owner, limits, forced);
        return answer(call, Of::Sets, "", [&](JsonWriter& out, std::string_view resource) {
            out.value(site.quotas.limit(tx, owner, resource));
        });
    });
}

Response reset(Call& call, Site& site) {
    const QuotaOwner owner = ownerOf(call, site);
    site.store.write([&](store::Transaction& tx) { site.quotas.reset(tx, owner); });
    return http::emptyResponse(202);
}

std::string classOf(const Call& call) {
    call.caller.enforce();
    const std::string& name = call.param("id");
    if (lengthInCharacters(name) > 255) throw Error(Failure::Invalid, "A quota class has at most 255 characters.");
    return name;
}

Response classAnswer(const Call& call, Site& site, store::Reader& db, const std::string& name, const std::string& id) {
    return answer(call, Of::Classes, id, [&](JsonWriter& out, std::string_view resource) {
        out.value(site.quotas.classLimit(db, name, resource));
    });
}

Response showClass(Call& call, Site& site) {
    const std::string name = classOf(call);
    return site.store.read([&](store::Reader& db) { return classAnswer(call, site, db, name, name); });
}

Response updateClass(Call& call, Site& site) {
    const std::string name = classOf(call);
    const auto limits = limitsIn(call, call.body("quota_class_set"), Of::Classes);
    return site.store.write([&](store::Transaction& tx) {
        site.quotas.setClass(tx, name, limits);
        return classAnswer(call, site, tx, name, "");
    });
}

}

void addQuotaRoutes(http::Routes& routes, store::Store& store, const ComputeQuotas& quotas,
                    identity::Identity& identity) {
    const auto site = std::make_shared<Site>(Site{store, quotas, identity});
    const auto with = [&](Response (*handler)(Call&, Site&)) {
        return [site, handler](Call& call) { return handler(call, *site); };
    };
    const std::string sets = "os_compute_api:os-quota-sets:", classes = "os_compute_api:os-quota-class-sets:";
    addRoute(routes, Method::Get, "/os-quota-sets/{id}", sets + "show", with(show));
    addRoute(routes, Method::Get, "/os-quota-sets/{id}/defaults", sets + "defaults", with(defaults));
    addRoute(routes, Method::Get, "/os-quota-sets/{id}/detail", sets + "detail", with(detail));
    addRoute(routes, Method::Put, "/os-quota-sets/{id}", sets + "update", with(update));
    addRoute(routes, Method::Delete, "/os-quota-sets/{id}", sets + "delete", with(reset));
    addRoute(routes, Method::Get, "/os-quota-class-sets/{id}", classes + "show", with(showClass));
    addRoute(routes, Method::Put, "/os-quota-class-sets/{id}", classes + "update", with(updateClass));
}

}
