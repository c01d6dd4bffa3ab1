#include <stratolet/error.hpp>

#include "block/group/group_service.hpp"
#include "block/volume/volume_access.hpp"
#include "platform/config/config.hpp"

namespace stratolet::block {

using identity::Caller;

namespace {

Error missingGroupType(std::string_view id) {
    return Error(Failure::NotFound, "Group type ", id, " could not be found.");
}

Error alreadyThere(const std::string& name) {
    return Error(Failure::Conflict, "Group Type ", name, " already exists.");
}

bool isNamed(store::Reader& db, const std::string& name) {
    const auto there = group_table::findTypeNamed(db, name);
    return there && there->name == name;
}

}

GroupTypes::GroupTypes(Parts parts) : parts_(parts), default_(parts.config.text("block", "default_group_type")) {}

GroupType GroupTypes::wanted(store::Reader& db, const Caller& caller, std::string_view idOrName) const {
    auto type = group_table::findTypeNamed(db, idOrName);
    if (!type || !(type->isPublic || isAdmin(caller))) throw missingGroupType(idOrName);
    return *std::move(type);
}

ListPage<GroupType> GroupTypes::list(const Caller& caller, ListQuery query, std::optional<bool> isPublic) const {
    caller.enforce();
    return parts_.store.read([&](store::Reader& db) {
        if (!isAdmin(caller)) isPublic = true;
        if (isPublic) query.listing.conditions.add("t.is_public = ?", *isPublic);
        if (!query.listing.marker.empty()) wanted(db, caller, query.listing.marker);
        return ListPage<GroupType>{resource::pageOf(db, groupTypeColumns, query.listing, query.offset)};
    });
}

GroupType GroupTypes::show(const Caller& caller, const std::string& id) const {
    caller.enforce();
    auto type = wanted(parts_.store.reader(), caller, id);
    if (type.id != id) throw missingGroupType(id);
    return type;
}

GroupType GroupTypes::showDefault(const Caller& caller) const {
    caller.enforce();
    auto type = default_.empty() ? std::nullopt : group_table::findTypeNamed(parts_.store.reader(), default_);
    if (!type) throw Error(Failure::NotFound, "Default group type can not be found.");
    return *std::move(type);
}

GroupType GroupTypes::create(const Caller& caller, GroupType type) {
    caller.enforce();
    return parts_.store.write([&](store::Transaction& tx) {
        if (isNamed(tx, type.name)) throw alreadyThere(type.name);
        type.id = parts_.ambient.uuid();
        type.created = parts_.ambient.now();
        group_table::insertType(tx, type);
        return type;
    });
}

GroupType GroupTypes::update(const Caller& caller, const std::string& id,
                             const std::function<void(GroupType&)>& amend) {
    caller.enforce();
    return parts_.store.write([&](store::Transaction& tx) {
        auto type = groupTypeColumns.find(tx, id);
        if (!type) throw missingGroupType(id);
        const auto name = type->name;
        amend(*type);
        if (type->name != name && isNamed(tx, type->name)) throw alreadyThere(type->name);
        type->updated = parts_.ambient.now();
        groupTypeColumns.update(tx, *type);
        return *type;
    });
}

void GroupTypes::remove(const Caller& caller, const std::string& id) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        if (!groupTypeColumns.find(tx, id)) throw missingGroupType(id);
        if (group_table::isTypeUsed(tx, id)) throw Error(Failure::Invalid, "Target group type is still in use.");
        groupTypeColumns.remove(tx, id);
    });
}

void GroupTypes::changeSpecs(const Caller& caller, const std::string& id,
                             const std::function<void(ExtraSpecs&)>& amend) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        auto type = groupTypeColumns.find(tx, id);
        if (!type) throw missingGroupType(id);
        amend(type->specs);
        constexpr std::size_t specsMax = 1000;
        if (type->specs.size() > specsMax)
            throw Error(Failure::Invalid, "A group type has at most ", specsMax, " specs.");
        group_table::setSpecs(tx, *type);
    });
}

}
