#include <algorithm>

#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/common_api.hpp"
#include "network/security/address_group.hpp"
#include "network/sharing.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

/// Blocks that the rules of security groups may name together.
struct AddressGroup {
    Id<AddressGroup> id;
    Standard standard;
    Sharing sharing;
    std::vector<Prefix> addresses; ///< each once, in order
};

void readAddresses(AddressGroup& group, const Json& list, const Reading&) {
    if (!list.isArray()) refuseInput("addresses", "'" + list.dump() + "' is not a list.");
    for (const auto& each : list.items()) {
        const auto block = each.isText() ? Prefix::parseLoosely(each.text()) : std::nullopt;
        if (!block) refuseInput("addresses", "'" + each.dump() + "' is not a valid IP subnet.");
        group.addresses.push_back(*block);
    }
    std::sort(group.addresses.begin(), group.addresses.end());
    group.addresses.erase(std::unique(group.addresses.begin(), group.addresses.end()), group.addresses.end());
}

const Table<AddressGroup> addressGroupTable(
    "address_groups", 'd',
    joined(withStandard<AddressGroup>(
               {attribute<&AddressGroup::addresses>("addresses", Post | Show | Moves).readBy(readAddresses)}, HasName),
           sharingAttributes<AddressGroup>(0)));

/// The security groups that have a rule which names the address group, by id.
Texts securityGroupsNaming(store::Reader& db, const std::string& id) {
    return db.query("SELECT DISTINCT security_group FROM security_group_rules WHERE remote_address_group = ?", id)
        .texts();
}

/// Adds the body's addresses, none of which may be there, or removes them, all of which must be.
AddressGroup changed(Core& core, store::Transaction& tx, AddressGroup group, const Json& body, bool adds) {
    checkBody(body, {{"addresses", Kind::Other, Put}}, false);
    AddressGroup named;
    readAddresses(named, body.at("addresses"), dialect().reading);
    for (const auto& each : named.addresses) {
        const auto there = std::lower_bound(group.addresses.begin(), group.addresses.end(), each);
        const bool isThere = there != group.addresses.end() && *there == each;
        if (isThere && adds)
            throw Error(Failure::Invalid, "Addresses ", each.text(), " already exist in the address group ", group.id,
                        ".")
                .as("AddressesAlreadyExist");
        if (!isThere && !adds)
            throw Error(Failure::NotFound, "Addresses ", each.text(), " not found in the address group ", group.id, ".")
                .as("AddressesNotFound");
        adds ? void(group.addresses.insert(there, each)) : void(group.addresses.erase(there));
    }
    markChanged(core, group.standard);
    addressGroupTable.update(tx, group);
    for (const auto& each : securityGroupsNaming(tx, group.id.text)) core.changed(tx, each);
    return group;
}

}

Error addressGroupNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Address group ", id, " could not be found.").as("AddressGroupNotFound");
}

std::vector<Prefix> addressesOf(store::Reader& db, const std::string& group) {
    const auto found = addressGroupTable.find(db, Id<AddressGroup>{group});
    return found ? found->addresses : std::vector<Prefix>{};
}

void checkAddressGroup(store::Reader& db, const identity::Caller& caller, const std::string& group) {
    const auto found = addressGroupTable.find(db, Id<AddressGroup>{group});
    if (!found || !mayOn(caller, "get_address_group", ownedAndShared(found->standard.project, found->sharing)))
        throw addressGroupNotFound(group);
}

void addAddressGroupRoutes(http::Routes& routes, Core& core) {
    auto noun = plain<AddressGroup>(core, {.noun = "address_group",
                                           .table = addressGroupTable,
                                           .missing = addressGroupNotFound,
                                           .about = aboutShared<AddressGroup>,
                                           .concern = {ownOrShared.begin(), ownOrShared.end()},
                                           .tagged = false});
    noun.remove = [removes = noun.remove](store::Transaction& tx, const identity::Caller& caller,
                                          const AddressGroup& group) {
        const bool comesIntoNew =
            tx.query("SELECT 1 FROM default_security_group_rules WHERE remote_address_group = ?", group.id).any();
        if (comesIntoNew || !securityGroupsNaming(tx, group.id.text).empty())
            throw Error(Failure::Conflict, "Address group ", group.id,
                        " is in use on one or more security group rules.")
                .as("AddressGroupInUse");
        removes(tx, caller, group);
    };
    const auto api = addNoun<AddressGroup>(routes, core, std::move(noun));
    for (const auto* action : {"add_addresses", "remove_addresses"})
        routes.push_back({http::Method::Put, std::string("/v2.0/address-groups/{id}/") + action, http::policy(action),
                          [=, &core](http::Request& request) {
                              return core.parts.store.write([&](store::Transaction& tx) {
                                  auto group = api->demand(request, tx, action);
                                  return api->answer(
                                      request, 200, changed(core, tx, std::move(group), request.json(), *action == 'a'),
                                      tx);
                              });
                          }});
}

}
