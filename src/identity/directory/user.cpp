#include "identity/directory/user.hpp"

#include <algorithm>

#include "identity/noun.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {

using namespace resource;

namespace {

/// Separated by what none of them has in it: the separators of ASCII for records and for units.
constexpr std::string_view joinedIdentities =
    "(SELECT group_concat(provider_id || char(31) || protocol_id || char(31) || unique_id, char(30)) FROM "
    "(SELECT * FROM federated_users WHERE user_id = $.id ORDER BY provider_id, protocol_id, unique_id))";

void loadIdentities(User& user, const store::Row& row, int column) {
    const auto joined = row.maybeText(column);
    if (!joined) return;
    for (const auto record : split(*joined, '\x1e')) {
        const auto units = split(record, '\x1f');
        user.federated.push_back({std::string(units.at(0)), std::string(units.at(1)), std::string(units.at(2))});
    }
}

void takeIdentities(User& user, const Json& federated, const Reading&) {
    user.federated.clear();
    for (const auto& provider : federated.items()) {
        provider.onlyKnows({"idp_id", "protocols"});
        for (const auto& protocol : provider.array("protocols").items()) {
            protocol.onlyKnows({"protocol_id", "unique_id"});
            user.federated.push_back(
                {provider.text("idp_id"), protocol.text("protocol_id"), checkedName(protocol.at("unique_id"), 255)});
        }
    }
}

void writeIdentities(JsonWriter& out, const User& user, const http::Request&) {
    const auto& identities = user.federated;
    if (identities.empty()) return;
    const auto providers = out.array("federated");
    for (auto each = identities.begin(); each != identities.end();) {
        const auto provider = out.object();
        const auto& id = each->provider;
        out.field("idp_id", id);
        const auto protocols = out.array("protocols");
        for (; each != identities.end() && each->provider == id; ++each) {
            const auto protocol = out.object();
            out.field("protocol_id", each->protocol);
            out.field("unique_id", each->uniqueId);
        }
    }
}

Attribute<User> identities() {
    auto made = computed<User>("federated", Kind::Other, Post | Put | Show).written(writeIdentities);
    made.load = loadIdentities;
    made.expression = joinedIdentities;
    made.read = takeIdentities;
    return made;
}

void takeOptions(User& user, const Json& given) {
    for (const auto& name : given.names()) {
        const auto value = given.at(name);
        if (value.isNull()) continue; // takes the option back
        if (name != "multi_factor_auth_rules") {
            value.boolean();
            continue;
        }
        for (const auto& rule : value.items()) {
            const auto methods = rule.items();
            if (methods.empty()) rule.refuse("It must name a method.");
            for (const auto& each : methods) each.text();
        }
    }
    user.options = mergedOptions(user.options, given,
                                 {"ignore_change_password_upon_first_use", "ignore_password_expiry",
                                  "ignore_lockout_failure_attempts", "lock_password", "multi_factor_auth_enabled",
                                  "multi_factor_auth_rules", "ignore_user_inactivity"});
}

}

const Table<User> userTable(
    "users", 'u',
    {attribute<&User::id>("id", Show), named<&User::name>("name", Post | Put | Show | Find | Needed).foundBy(nameKey),
     attribute<&User::domain>("domain_id", Show | Find), attribute<&User::enabled>("enabled", Post | Put | Show | Find),
     maybe<&User::defaultProject>("default_project_id", Post | Put | Show | Find)
         .written([](JsonWriter& out, const User& it, const http::Request&) {
             if (!it.defaultProject.empty()) out.field("default_project_id", it.defaultProject);
         }),
     attribute<&User::passwordExpires>("password_expires_at", Show | Moves)
         .in("password_expires")
         .shown([](JsonWriter& out, const User& it) {
             it.passwordExpires ? out.value(isoMicros(*it.passwordExpires)) : out.value(nullptr);
         }),
     options<User>([](User& it, const Json& given) { takeOptions(it, given); }), identities(), extra<User>(),
     links<User>(),
     // What a body says beside the attributes, and is none of them.
     attribute<&User::password>("password", Moves | Unasked), computed<User>("original_password", Kind::Other, 0),
     computed<User>("domain", Kind::Other, 0), column<&User::tokensValidAfter>("tokens_valid_after", Moves),
     created<User>(), foldedNameOf<User>()});

void takeUser(User& user, const Json& body, Use when) { take(user, userTable, body, when); }

void writeUser(JsonWriter& out, const http::Request& request, const User& user) {
    const auto object = out.object();
    showFields(out, userTable, user, request);
}

}
