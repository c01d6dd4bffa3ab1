#include "compute/server/server_table.hpp"

#include <algorithm>
#include <cassert>

#include <stratolet/error.hpp>

#include "compute/codec.hpp"
#include "compute/server/server_attributes.hpp"
#include "compute/server/server_query.hpp"
#include "platform/store/paging.hpp"
#include "resource/table.hpp"

namespace stratolet::compute {
namespace {

const resource::Table<Server>& table() {
    static const resource::Table<Server> made("compute_servers", serverAlias,
                                              {serverAttributes().begin(), serverAttributes().end()});
    return made;
}

void addTags(store::Conditions& where, const ServerQuery& query) {
    constexpr std::string_view tagged = "EXISTS (SELECT 1 FROM compute_server_tags WHERE server = id AND tag = ?)";
    const auto taggedAny = [&](const std::vector<std::string>& tags, const char* negation) {
        std::string marks;
        std::vector<store::Value> values;
        for (const auto& tag : tags) marks += marks.empty() ? "?" : ", ?", values.emplace_back(tag);
        where.append(std::string(negation) +
                         "EXISTS (SELECT 1 FROM compute_server_tags WHERE server = id AND tag IN (" + marks + "))",
                     std::move(values));
    };
    for (const auto& tag : query.tags) where.add(tagged, tag);
    if (!query.tagsAny.empty()) taggedAny(query.tagsAny, "");
    if (!query.notTagsAny.empty()) taggedAny(query.notTagsAny, "NOT ");
    if (!query.notTags.empty()) { // not all of them
        std::string all;
        std::vector<store::Value> values;
        for (const auto& tag : query.notTags)
            all += (all.empty() ? "" : " AND ") + std::string(tagged), values.emplace_back(tag);
        where.append("NOT (" + all + ")", std::move(values));
    }
}

store::Conditions conditionsOf(const ServerQuery& query) {
    store::Conditions where = query.where;
    if (query.project) where.add("project = ?", *query.project);
    if (query.deleted)
        where.add("deleted IS NOT NULL");
    else if (!query.changedSince)
        where.add("deleted IS NULL");
    if (!query.softDeletedToo && !query.deleted && !query.changedSince) where.add("soft_deleted IS NULL");
    if (query.changedSince) where.add("updated >= ?", *query.changedSince);
    if (query.changedBefore) where.add("updated <= ?", *query.changedBefore);
    addTags(where, query);
    return where;
}

std::vector<ServerId> idsOf(store::Rows rows) {
    std::vector<ServerId> found;
    while (rows.next()) found.push_back(rows.row().id<ServerId>(0));
    return found;
}

ServerTable::Usage usageIn(const store::Row& row) { return {row.integer(0), row.integer(1), row.integer(2)}; }

}

std::optional<Server> ServerTable::find(store::Reader& db, const ServerId& id) { return table().find(db, id); }

std::optional<std::string> ServerTable::hostOf(store::Reader& db, const ServerId& id) {
    return db.query("SELECT host FROM compute_servers WHERE id = ?", id).maybeText();
}

std::vector<std::string> ServerTable::hostsOf(store::Reader& db, const std::vector<std::string>& ids,
                                              const ProjectId& project) {
    if (ids.empty()) return {};
    return db
        .query("SELECT DISTINCT s.host FROM json_each(?) w JOIN compute_servers s ON s.id = w.value "
               "WHERE s.project = ? AND s.deleted IS NULL AND s.host <> ''",
               store::asList(ids), project)
        .texts();
}

std::vector<Server> ServerTable::living(store::Reader& db) {
    return table().where(db, "WHERE deleted IS NULL ORDER BY number");
}

bool ServerTable::baseUsed(store::Reader& db, const std::string& base) {
    return db.query("SELECT 1 FROM compute_servers WHERE base = ? AND deleted IS NULL", base).any() ||
           db.query("SELECT 1 FROM compute_servers WHERE rescue_base = ? AND rescue_base <> '' AND deleted IS NULL",
                    base)
               .any();
}

bool ServerTable::baseKnown(store::Reader& db, const std::string& base) {
    return db.query("SELECT 1 FROM compute_servers WHERE base = ?", base).any();
}

void ServerTable::insert(store::Transaction& tx, const Server& server) { table().insert(tx, server); }

void ServerTable::move(store::Transaction& tx, const Server& server, VmState vm, TaskState task, PowerState power,
                       Time now) {
    assert(mayFollow(server.vm, vm));
    tx.execute("UPDATE compute_servers SET vm_state = ?, task_state = ?, power_state = ?, updated = ? WHERE id = ?",
               nameOf(vm), resource::Codec<TaskState>::bind(task), static_cast<int>(power), now, server.id);
}

void ServerTable::launched(store::Transaction& tx, const ServerId& id, Time now) {
    tx.execute("UPDATE compute_servers SET launched = ? WHERE id = ? AND launched IS NULL", now, id);
}

void ServerTable::fail(store::Transaction& tx, const ServerId& id, const std::string& message,
                       const std::string& details, Time now) {
    tx.execute("UPDATE compute_servers SET fault = ?, fault_details = ?, fault_time = ?, updated = ? WHERE id = ?",
               message, details, now, now, id);
}

void ServerTable::deleted(store::Transaction& tx, const ServerId& id, Time now) {
    tx.execute("UPDATE compute_servers SET vm_state = 'deleted', task_state = NULL, power_state = 0, terminated = ?, "
               "deleted = ?, updated "
               "= ? WHERE id = ?",
               now, now, now, id);
}

void ServerTable::setBase(store::Transaction& tx, const ServerId& id, const ImageId& image, const std::string& base) {
    tx.execute("UPDATE compute_servers SET image = ?, base = ? WHERE id = ?", image, base, id);
}

void ServerTable::setImageProperties(store::Transaction& tx, const ServerId& id,
                                     const std::map<std::string, std::string>& properties) {
    tx.execute("UPDATE compute_servers SET image_properties = ? WHERE id = ?",
               resource::Codec<std::map<std::string, std::string>>::bind(properties), id);
}

void ServerTable::setRescue(store::Transaction& tx, const ServerId& id, const ImageId& image, const std::string& base) {
    tx.execute("UPDATE compute_servers SET rescue_image = ?, rescue_base = ? WHERE id = ?", image, base, id);
}

void ServerTable::setShelved(store::Transaction& tx, const ServerId& id, const ImageId& image) {
    tx.execute("UPDATE compute_servers SET shelved_image = ? WHERE id = ?", image, id);
}

void ServerTable::setSoftDeleted(store::Transaction& tx, const ServerId& id, std::optional<Time> since) {
    tx.execute("UPDATE compute_servers SET soft_deleted = ? WHERE id = ?", since, id);
}

std::vector<ServerId> ServerTable::softDeletedBefore(store::Reader& db, Time time) {
    return idsOf(db.query("SELECT id FROM compute_servers WHERE soft_deleted < ? AND soft_deleted IS NOT NULL AND "
                          "deleted IS NULL ORDER BY soft_deleted LIMIT 100",
                          time));
}

std::vector<ServerId> ServerTable::shelvedBefore(store::Reader& db, Time time) {
    return idsOf(
        db.query("SELECT id FROM compute_servers WHERE vm_state = 'shelved' AND deleted IS NULL AND updated < ? "
                 "LIMIT 100",
                 time));
}

void ServerTable::setHost(store::Transaction& tx, const ServerId& id, const HostName& host, const std::string& zone) {
    tx.execute("UPDATE compute_servers SET host = ?, zone = ? WHERE id = ?", host, zone, id);
}

void ServerTable::pin(store::Transaction& tx, const ServerId& id, const std::optional<std::string>& zone) {
    tx.execute("UPDATE compute_servers SET pinned_zone = ? WHERE id = ?", zone, id);
}

void ServerTable::setFlavor(store::Transaction& tx, const ServerId& id, const Flavor& flavor) {
    tx.execute("UPDATE compute_servers SET flavor = ?, flavor_name = ?, vcpus = ?, ram = ?, disk = ?, ephemeral = ?, "
               "swap = ?, extra_specs = ? WHERE id = ?",
               flavor.id, flavor.name, flavor.vcpus, flavor.ram.count, flavor.disk.count, flavor.ephemeral.count,
               flavor.swap.count, resource::Codec<std::map<std::string, std::string>>::bind(flavor.extraSpecs), id);
}

void ServerTable::setGuestFacts(store::Transaction& tx, const Server& server) {
    tx.execute("UPDATE compute_servers SET key_name = ?, key_type = ?, public_key = ?, user_data = ?, hostname = ? "
               "WHERE id = ?",
               server.keyName, server.keyType, server.publicKey, server.userData, server.hostname, server.id);
}

void ServerTable::setBootRoles(store::Transaction& tx, const ServerId& id, const std::string& roles) {
    tx.execute("UPDATE compute_servers SET boot_roles = ? WHERE id = ?", roles, id);
}

std::string ServerTable::bootRoles(store::Reader& db, const ServerId& id) {
    return db.query("SELECT boot_roles FROM compute_servers WHERE id = ?", id).maybeText().value_or("");
}

void ServerTable::setLock(store::Transaction& tx, const ServerId& id, const std::string& by,
                          const std::optional<std::string>& reason, Time now) {
    tx.execute("UPDATE compute_servers SET locked_by = ?, locked_reason = ?, updated = ? WHERE id = ?", by, reason, now,
               id);
}

void ServerTable::describe(store::Transaction& tx, const Server& server) { table().update(tx, server); }

ServerTable::Usage ServerTable::usage(store::Reader& db, const ProjectId& project) {
    auto rows = db.query("SELECT count(*), coalesce(sum(vcpus), 0), coalesce(sum(ram), 0) FROM compute_servers WHERE "
                         "project = ? AND deleted IS NULL",
                         project);
    return *rows.maybe<Usage>(usageIn);
}

ServerTable::Usage ServerTable::usage(store::Reader& db, const ProjectId& project, const UserId& user) {
    auto rows = db.query("SELECT count(*), coalesce(sum(vcpus), 0), coalesce(sum(ram), 0) FROM compute_servers WHERE "
                         "user = ? AND project = ? AND deleted IS NULL",
                         user, project);
    return *rows.maybe<Usage>(usageIn);
}

void ServerTable::purge(store::Transaction& tx, Time deletedBefore) {
    const auto gone = tx.query("SELECT id FROM compute_servers WHERE deleted < ? LIMIT 500", deletedBefore).texts();
    for (const auto& id : gone) {
        tx.execute("DELETE FROM compute_server_actions WHERE server = ?", id);
        tx.execute("DELETE FROM compute_server_metadata WHERE server = ?", id);
        tx.execute("DELETE FROM compute_server_tags WHERE server = ?", id);
        tx.execute("DELETE FROM compute_devices WHERE server = ?", id);
        tx.execute("DELETE FROM compute_servers WHERE id = ?", id);
    }
}

std::vector<std::string> ServerTable::idsIn(store::Reader& db, const ServerQuery& query) {
    const auto where = conditionsOf(query);
    return db.run("SELECT id FROM " + table().text().named() + where.where(), where.values()).texts();
}

std::vector<Server> ServerTable::list(store::Reader& db, const ServerQuery& query) {
    auto where = conditionsOf(query);
    if (query.marker) {
        // One that this list could not show says nothing of itself, not even by where it stands in an order.
        const auto found = find(db, ServerId{*query.marker});
        if (!found || (query.project && found->project != *query.project))
            throw Error(Failure::Invalid, "marker [", *query.marker, "] not found");
        store::startAfter(where, query.sort, table().text().named(), *query.marker, table().text().id());
    }
    // Which ones, from as little of each as says so; then those.
    std::string what = "SELECT id";
    for (const auto& pattern : query.patterns) what.append(", ").append(pattern.expression);
    std::vector<std::string> ids;
    auto values = where.values();
    values.emplace_back(query.patterns.empty() ? query.limit : -1);
    auto rows = db.run(
        what + " FROM " + table().text().named() + where.where() + store::orderBy(query.sort) + " LIMIT ?", values);
    while (static_cast<std::int64_t>(ids.size()) < query.limit && rows.next()) {
        int column = 0;
        const auto row = rows.row();
        if (std::all_of(query.patterns.begin(), query.patterns.end(),
                        [&](const auto& each) { return each.pattern->matches(row.text(++column)); }))
            ids.push_back(row.text(0));
    }
    return table().where(db, "WHERE id IN (SELECT value FROM json_each(?))" + store::orderBy(query.sort),
                         store::asList(ids));
}

}
