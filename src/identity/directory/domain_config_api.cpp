#include <algorithm>

#include "identity/directory/directory.hpp"
#include "identity/directory/domain_config.hpp"
#include "identity/directory/domain_config_table.hpp"
#include "identity/token/fernet.hpp"
#include "identity/wire.hpp"

namespace stratolet::identity {
namespace {

using namespace http;
using Options = std::map<std::string, std::string>; ///< values are JSON
using Groups = std::map<std::string, Options>;

Error invalid(const std::string& what) {
    return Error(Failure::Forbidden, "Invalid domain specific configuration: ", what);
}

Error missing(const std::string& domain, const std::string& what) {
    return Error(Failure::NotFound, "Could not find ", what.empty() ? "domain configuration" : what, " for domain ",
                 domain, ".");
}

const DirectoryOption* directoryOption(std::string_view name) {
    const auto found = std::find_if(directoryOptions.begin(), directoryOptions.end(),
                                    [&](const auto& each) { return each.name == name; });
    return found == directoryOptions.end() ? nullptr : &*found;
}

void refuseUnknown(const std::string& group, const std::string& option = {}) {
    if (group != "identity" && group != "ldap") throw invalid("group " + group + " is not supported.");
    if (option.empty()) return;
    const bool known =
        group == "ldap" ? directoryOption(option) != nullptr : option == "driver" || option == "list_limit";
    if (!known) throw invalid("option " + option + " in group " + group + " is not supported.");
}

bool isSensitive(const std::string& group, const std::string& option) {
    const auto* found = group == "ldap" ? directoryOption(option) : nullptr;
    return found && found->sensitive;
}

/// The options of one group in a body, checked.
Options optionsFrom(const std::string& group, const Json& body) {
    refuseUnknown(group);
    if (!body.isObject()) body.refuse("It must be an object.");
    Options options;
    for (const auto& name : body.names()) {
        refuseUnknown(group, name);
        const Json value = body.at(name);
        if (!value.isText() && !value.isNumber() && !value.isBoolean() && !value.isNull())
            value.refuse("It must be a text, a number, true or false.");
        options[name] = value.dump();
    }
    return options;
}

Groups groupsFrom(const Json& config) {
    if (config.size() == 0) throw invalid("no options were given.");
    Groups groups;
    for (const auto& name : config.names()) groups[name] = optionsFrom(name, config.at(name));
    return groups;
}

/// What is kept for a domain, without what is sensitive.
Groups kept(store::Reader& db, const std::string& domain) {
    Groups groups;
    for (auto& each : domain_config_table::of(db, domain))
        if (!isSensitive(each.group, each.name)) groups[each.group][each.name] = std::move(each.value);
    return groups;
}

/// What counts for a domain without a configuration of its own.
Groups defaults(const Config& config) {
    Groups groups;
    groups["identity"] = {{"driver", jsonText("sql")}, {"list_limit", "null"}};
    auto& ldap = groups["ldap"];
    for (const auto& each : directoryOptions) {
        if (each.sensitive) continue;
        const auto name = std::string(each.name);
        const auto& value = config.text("ldap", name);
        switch (each.kind) {
        case DirectoryOption::Kind::Text: ldap[name] = jsonText(value); break;
        case DirectoryOption::Kind::Number: ldap[name] = value; break;
        case DirectoryOption::Kind::Truth: ldap[name] = config.boolean("ldap", name) ? "true" : "false"; break;
        }
    }
    return groups;
}

void write(JsonWriter& out, const Options& options) {
    const auto object = out.object();
    for (const auto& [name, value] : options) out.rawField(name, value);
}

/// What a path names, of `groups`: all, one group or one option.
Response answer(int status, const Groups& groups, const std::string& group, const std::string& option,
                const std::string& domain) {
    if (!group.empty()) refuseUnknown(group, option);
    const auto found = groups.find(group);
    if (groups.empty() || (!group.empty() && found == groups.end()))
        throw missing(domain, group.empty() ? "" : "group " + group);
    if (!option.empty() && !found->second.contains(option))
        throw missing(domain, "option " + option + " in group " + group);
    return jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto config = out.object("config");
        if (!option.empty()) {
            out.rawField(option, found->second.at(option));
        } else if (!group.empty()) {
            out.key(group);
            write(out, found->second);
        } else {
            for (const auto& [name, options] : groups) {
                out.key(name);
                write(out, options);
            }
        }
    });
}

std::string partOf(const Request& request, std::string_view name) {
    for (const auto& [each, value] : request.params)
        if (each == name) return value;
    return {};
}

/// The domain of a path, once the rule allows what is asked.
std::string domainIn(const Request& request, store::Reader& db) {
    callerOf(request).enforce();
    const auto& id = request.param("domain");
    demandDomain(db, DomainId{id});
    return id;
}

void keep(store::Transaction& tx, const Fernet& sealing, const std::string& domain, const Groups& groups) {
    for (const auto& [group, options] : groups)
        for (const auto& [option, value] : options)
            domain_config_table::set(tx, domain,
                                     {group, option, isSensitive(group, option) ? sealing.seal(value) : value});
}

Response show(Request& request, Core& core) {
    auto& db = core.parts.store.reader();
    const auto group = partOf(request, "group"), option = partOf(request, "option");
    const auto domain = domainIn(request, db);
    return answer(200, kept(db, domain), group, option, domain);
}

Response showDefault(Request& request, Core& core) {
    callerOf(request).enforce();
    return answer(200, defaults(core.parts.config), partOf(request, "group"), partOf(request, "option"), "default");
}

Response create(Request& request, Core& core) {
    const auto domain = domainIn(request, core.parts.store.reader());
    const auto groups = groupsFrom(request.json().object("config"));
    const bool existed = core.parts.store.write([&](store::Transaction& tx) {
        domainIn(request, tx);
        const bool any = domain_config_table::remove(tx, domain);
        keep(tx, core.sealing, domain, groups);
        noteDirectories(tx, core);
        return any;
    });
    return answer(existed ? 200 : 201, kept(core.parts.store.reader(), domain), "", "", domain);
}

/// The rules for passwords, which everybody may read; they are the same for all and shown for the default domain only.
Response showPasswordRules(Request& request, Core& core) {
    const auto option = partOf(request, "option");
    const auto domain = domainIn(request, core.parts.store.reader());
    if (domain != "default") throw invalid("the rules for passwords are shown for the default domain only.");
    const auto& config = core.parts.config;
    Options rules;
    for (const std::string name : {"password_regex", "password_regex_description"}) {
        const auto& value = config.text("identity", name);
        rules[name] = value.empty() ? "null" : jsonText(value);
    }
    if (!option.empty() && !rules.contains(option))
        throw invalid("option " + option + " in group security_compliance is not supported.");
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto shown = out.object("config");
        if (!option.empty()) return out.rawField(option, rules.at(option));
        out.key("security_compliance");
        write(out, rules);
    });
}

/// What a PATCH wants, which must be no more than its path names.
Groups wantedBy(const Json& config, const std::string& group, const std::string& option) {
    if (group.empty()) return groupsFrom(config);
    refuseUnknown(group, option);
    if (!option.empty()) {
        if (config.size() != 1 || !config.has(option))
            throw invalid("the body must have the option " + option + ", and nothing else.");
        return {{group, optionsFrom(group, config)}};
    }
    if (config.size() != 1 || !config.has(group))
        throw invalid("the body must have the group " + group + ", and nothing else.");
    return groupsFrom(config);
}

Response update(Request& request, Core& core) {
    const auto group = partOf(request, "group"), option = partOf(request, "option");
    const auto domain = domainIn(request, core.parts.store.reader());
    const auto wanted = wantedBy(request.json().object("config"), group, option);
    core.parts.store.write([&](store::Transaction& tx) {
        domainIn(request, tx);
        if (!group.empty() && !domain_config_table::has(tx, domain, group, option))
            throw missing(domain, option.empty() ? "group " + group : "option " + option + " in group " + group);
        keep(tx, core.sealing, domain, wanted);
        noteDirectories(tx, core);
    });
    return answer(200, kept(core.parts.store.reader(), domain), "", "", domain); // whole, whatever part was changed
}

Response remove(Request& request, Core& core) {
    const auto group = partOf(request, "group"), option = partOf(request, "option");
    const auto domain = domainIn(request, core.parts.store.reader());
    if (!group.empty()) refuseUnknown(group, option);
    core.parts.store.write([&](store::Transaction& tx) {
        if (!domain_config_table::remove(tx, domain, group, option))
            throw missing(domain, group.empty()    ? ""
                                  : option.empty() ? "group " + group
                                                   : "option " + option + " in group " + group);
        noteDirectories(tx, core);
    });
    return emptyResponse(204);
}

}

void addDomainConfigRoutes(Routes& routes, Core& core) {
    const std::string whole = "/v3/domains/{domain}/config", rule = "identity:";
    for (const auto& path : {whole, whole + "/{group}", whole + "/{group}/{option}"}) {
        routes.push_back({Method::Get, path, policy(rule + "get_domain_config"),
                          [&](Request& request) { return show(request, core); }});
        routes.push_back({Method::Patch, path, policy(rule + "update_domain_config"),
                          [&](Request& request) { return update(request, core); }});
        routes.push_back({Method::Delete, path, policy(rule + "delete_domain_config"),
                          [&](Request& request) { return remove(request, core); }});
    }
    for (const auto* path : {"/security_compliance", "/security_compliance/{option}"})
        routes.push_back({Method::Get, whole + path, policy(rule + "get_security_compliance_domain_config"),
                          [&](Request& request) { return showPasswordRules(request, core); }});
    routes.push_back({Method::Put, whole, policy(rule + "create_domain_config"),
                      [&](Request& request) { return create(request, core); }});
    for (const auto* path : {"/v3/domains/config/default", "/v3/domains/config/{group}/default",
                             "/v3/domains/config/{group}/{option}/default"})
        routes.push_back({Method::Get, path, policy(rule + "get_domain_config_default"),
                          [&](Request& request) { return showDefault(request, core); }});
}

}
