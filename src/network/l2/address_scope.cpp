#include "network/l2/address_scope.hpp"

#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/sharing.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

/// Subnet pools that no address is in twice.
struct AddressScope {
    Id<AddressScope> id;
    Standard standard; ///< without a description
    Sharing sharing;
    int ipVersion = 4;
};

const Table<AddressScope> addressScopeTable(
    "address_scopes", 'c',
    joined({attribute<&AddressScope::id>("id", Show | Find),
            computed<AddressScope>(
                "tenant_id", Kind::Text, Post | Show | Find,
                [](JsonWriter& out, const AddressScope& it) { out.value(it.standard.project); }, "$.project"),
            attribute<&AddressScope::standard, &Standard::project>("project_id", Post | Show | Find)
                .in("project")
                .readByHook(),
            attribute<&AddressScope::standard, &Standard::name>("name", Post | Put | Show | Find),
            attribute<&AddressScope::ipVersion>("ip_version", Post | Show | Find),
            column<&AddressScope::standard, &Standard::revision>("revision", Moves),
            column<&AddressScope::standard, &Standard::created>("created"),
            column<&AddressScope::standard, &Standard::updated>("updated", Moves)},
           sharingAttributes<AddressScope>(Post | Put)));

AddressScope create(Core& core, store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    AddressScope scope;
    scope.standard = freshStandard(core, caller, body);
    scope.id.text = core.uuid();
    if (!body.has("ip_version")) throw notSpecified("ip_version");
    body.readInto(scope, addressScopeTable);
    if (scope.ipVersion != 4 && scope.ipVersion != 6)
        refuseInput("ip_version", "'" + std::to_string(scope.ipVersion) + "' is not in [4, 6].");
    addressScopeTable.insert(tx, scope);
    followShared(core, tx, "address_scope", scope.id.text, scope.standard.project, false, scope.sharing.withAll);
    return scope;
}

AddressScope update(Core& core, store::Transaction& tx, AddressScope scope, const Body& body) {
    const bool before = scope.sharing.withAll;
    body.readInto(scope, addressScopeTable);
    if (before && !scope.sharing.withAll)
        throw Error(Failure::Invalid, "Unable to update address scope ", scope.id,
                    " : Shared address scope can't be unshared")
            .as("AddressScopeUpdateError");
    changeStandard(core, scope.standard, body);
    addressScopeTable.update(tx, scope);
    followShared(core, tx, "address_scope", scope.id.text, scope.standard.project, before, scope.sharing.withAll);
    return scope;
}

void remove(store::Transaction& tx, const AddressScope& scope) {
    if (tx.query("SELECT 1 FROM subnet_pools WHERE coalesce(address_scope, '') = ?", scope.id).any())
        throw Error(Failure::Conflict, "Unable to complete operation on address scope ", scope.id,
                    ". There are one or more subnet pools in use on the address scope")
            .as("AddressScopeInUse");
    addressScopeTable.remove(tx, scope.id);
}

}

Error addressScopeNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Address scope ", id, " could not be found").as("AddressScopeNotFound");
}

ScopeFacts addressScopeIn(store::Reader& db, const identity::Caller& caller, const std::string& id) {
    const auto scope = addressScopeTable.find(db, id);
    if (!scope || !mayOn(caller, "get_address_scope", ownedAndShared(scope->standard.project, scope->sharing)))
        throw addressScopeNotFound(id);
    return {scope->ipVersion, scope->sharing.withAll};
}

void addAddressScopeRoutes(http::Routes& routes, Core& core) {
    using Tx = store::Transaction;
    using identity::Caller;
    addNoun<AddressScope>(
        routes, core,
        {.noun = "address_scope",
         .table = addressScopeTable,
         .missing = addressScopeNotFound,
         .about = aboutShared<AddressScope>,
         .concern = {ownOrShared.begin(), ownOrShared.end()},
         .create = [&core](Tx& tx, const Caller& caller, const Body& body) { return create(core, tx, caller, body); },
         .update = [&core](Tx& tx, const Caller&, const AddressScope& scope,
                           const Body& body) { return update(core, tx, scope, body); },
         .remove = [](Tx& tx, const Caller&, const AddressScope& scope) { remove(tx, scope); },
         .tagged = false});
}

}
