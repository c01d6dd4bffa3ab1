#include "identity/dialect.hpp"
#include "identity/directory/directory.hpp"
#include "identity/directory/group.hpp"

namespace stratolet::identity {
namespace {

Error notFound(const GroupId& id) { return Error(Failure::NotFound, "Could not find group: ", id, "."); }

void refuseDuplicate(store::Reader& db, const Group& group) {
    const auto other = group_table::findByName(db, group.domain, group.name);
    if (other && other->id != group.id)
        throw Error(Failure::Conflict, "Conflict occurred attempting to store group - Duplicate entry found with name ",
                    group.name, " at domain ID ", group.domain, ".");
}

}

Target targetOf(const std::optional<Group>& group) {
    if (!group) return {};
    return {{"target.group.id", group->id.text}, {"target.group.domain_id", group->domain.text}};
}

Group Groups::create(const Caller& caller, Group wanted) {
    caller.enforce({{"target.group.domain_id", wanted.domain.text}});
    wanted.id.text = core_.parts.ambient.hexId();
    return core_.parts.store.write([&](store::Transaction& tx) {
        demandDomain(tx, wanted.domain);
        refuseInDirectory(tx, wanted.domain);
        refuseDuplicate(tx, wanted);
        wanted.created = core_.parts.ambient.now();
        groupTable.insert(tx, wanted);
        return wanted;
    });
}

Group Groups::show(const Caller& caller, const GroupId& id) { return demand(caller, id, Absence::ToWhoMay); }

Group Groups::demand(const Caller& caller, const GroupId& id, Absence told) {
    auto group = groupTable.find(core_.parts.store.reader(), id);
    auto about = targetOf(group);
    return caller.demand(std::move(group), std::move(about), notFound(id), told);
}

std::vector<Group> Groups::list(const Caller& caller, const resource::Listing& listing) {
    caller.enforce({{"target.group.domain_id", caller.domain.text}});
    return rowsOf(core_.parts.store.reader(), groupTable, listing);
}

Group Groups::update(const Caller& caller, const GroupId& id, const std::function<void(Group&)>& change) {
    show(caller, id);
    return core_.parts.store.write([&](store::Transaction& tx) {
        auto group = groupTable.find(tx, id);
        if (!group) throw notFound(id);
        refuseInDirectory(tx, group->domain);
        change(*group);
        refuseDuplicate(tx, *group);
        groupTable.update(tx, *group);
        return *group;
    });
}

void Groups::remove(const Caller& caller, const GroupId& id) {
    demand(caller, id, Absence::ToAnybody);
    core_.parts.store.write([&](store::Transaction& tx) {
        const auto group = groupTable.find(tx, id);
        if (!group) throw notFound(id);
        refuseInDirectory(tx, group->domain);
        groupTable.remove(tx, id);
        core_.forgetValidated(tx);
    });
}

Groups::Member Groups::demand(const Caller& caller, const GroupId& groupId, const UserId& userId) {
    auto& db = core_.parts.store.reader();
    auto group = groupTable.find(db, groupId);
    auto user = userTable.find(db, userId);
    Target target = targetOf(group);
    target.merge(targetOf(userId, user));
    caller.demand(group, std::move(target), notFound(groupId));
    if (!user) throw Error(Failure::NotFound, "Could not find user: ", userId, ".");
    return {*std::move(group), *std::move(user)};
}

void Groups::addMember(const Caller& caller, const GroupId& groupId, const UserId& userId) {
    const auto domain = demand(caller, groupId, userId).group.domain;
    core_.parts.store.write([&](store::Transaction& tx) {
        refuseInDirectory(tx, domain);
        group_table::addMember(tx, groupId, userId);
        core_.forgetValidated(tx);
    });
}

void Groups::removeMember(const Caller& caller, const GroupId& groupId, const UserId& userId) {
    const auto domain = demand(caller, groupId, userId).group.domain;
    core_.parts.store.write([&](store::Transaction& tx) {
        refuseInDirectory(tx, domain);
        if (!group_table::removeMember(tx, groupId, userId))
            throw Error(Failure::NotFound, "User ", userId, " is not found in group ", groupId, ".");
        core_.forgetValidated(tx);
    });
}

void Groups::checkMember(const Caller& caller, const GroupId& groupId, const UserId& userId) {
    demand(caller, groupId, userId);
    if (!group_table::hasMember(core_.parts.store.reader(), groupId, userId))
        throw Error(Failure::NotFound, "User ", userId, " is not found in group ", groupId, ".");
}

}
