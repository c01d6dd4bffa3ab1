#include "identity/organisation/role.hpp"

#include "identity/noun.hpp"

namespace stratolet::identity {

using namespace resource;

const Table<Role> roleTable(
    "roles", 'r',
    {attribute<&Role::id>("id", Show), named<&Role::name>("name", Post | Put | Show | Find | Needed).foundBy(nameKey),
     attribute<&Role::domain>("domain_id", Show | Find).shown([](JsonWriter& out, const Role& role) {
         role.domain.empty() ? out.value(nullptr) : out.value(role.domain); // kept as empty, since it is part of a key
     }),
     attribute<&Role::description>("description", Post | Put | Show | Find),
     options<Role>([](Role& role, const Json& given) {
         role.options = mergedOptions(role.options, given, {"immutable"});
     }),
     extra<Role>(), links<Role>(), foldedNameOf<Role>()});

void takeRole(Role& role, const Json& body, Use when) { take(role, roleTable, body, when); }

void writeRole(JsonWriter& out, const http::Request& request, const Role& role) {
    const auto object = out.object();
    showFields(out, roleTable, role, request);
}

}
