#include "identity/credential/delegation.hpp"
#include "identity/wire.hpp"

#include <algorithm>

#include "platform/text/text.hpp"

namespace stratolet::identity {

std::shared_ptr<const ValidToken> tokenOf(const Caller& caller, const Tokens& tokens) {
    auto token = tokens.validate(caller.token);
    if (!token) throw refused();
    return token;
}

void refuseDelegated(const ValidToken& token, bool trustsMay) {
    if (token.applicationCredential && !token.applicationCredential->unrestricted)
        throw Error(Failure::Forbidden,
                    "A restricted application credential cannot make, change or delete credentials and trusts.");
    if (token.trust && !trustsMay)
        throw Error(Failure::Forbidden, "A token of a trust cannot make, change or delete credentials.");
}

std::vector<RoleId> heldRoles(store::Reader& db, const std::vector<RoleReference>& wanted,
                              const std::vector<Role>& held) {
    std::vector<RoleId> roles;
    for (const auto& each : wanted) {
        const auto found = std::find_if(held.begin(), held.end(), [&](const Role& role) {
            return each.id.empty() ? foldedName(role.name) == foldedName(each.name) : role.id.text == each.id;
        });
        if (found != held.end()) {
            roles.push_back(found->id);
            continue;
        }
        const auto& name = each.id.empty() ? each.name : each.id;
        if (!(each.id.empty() ? role_table::findByName(db, {}, name) : roleTable.find(db, {name})))
            throw Error(Failure::NotFound, "Could not find role: ", name, ".");
        throw Error(Failure::Forbidden, "The role ", name, " cannot be passed on by somebody who does not have it.");
    }
    return roles;
}

std::vector<RoleReference> roleReferencesIn(const Json& list) {
    std::vector<RoleReference> roles;
    for (const auto& each : list.items()) {
        RoleReference role{each.maybeText("id").value_or(""), each.maybeText("name").value_or("")};
        if (role.id.empty() && role.name.empty()) each.refuse("It must have an id or a name.");
        roles.push_back(std::move(role));
    }
    return roles;
}

std::optional<Time> futureTimeIn(const Json& body, std::string_view name, Time now) {
    const auto text = body.maybeText(name);
    if (!text) return std::nullopt;
    const auto time = parseIsoTime(*text);
    if (!time) body.at(name).refuse("It must be a time such as 2030-01-31T12:00:00Z.");
    if (*time <= now) body.at(name).refuse("It must be in the future.");
    return time;
}

}
