#include <algorithm>
#include <cassert>
#include <stratolet/error.hpp>

#include "compute/server/server.hpp"
#include "compute/server/server_query.hpp"
#include "platform/store/paging.hpp"

namespace stratolet::compute {
namespace {

constexpr std::string_view columns =
    "SELECT number, id, project, user, name, hostname, description, host, vm_state, task_state, power_state, image, base, flavor, "
    "flavor_name, vcpus, ram, disk, "
    "ephemeral, swap, extra_specs, key_name, key_type, public_key, user_data, access_v4, access_v6, zone, disk_config, reservation, "
    "launch_index, locked_by, "
    "locked_reason, fault, fault_details, fault_time, created, updated, launched, terminated, deleted FROM compute_servers";

std::map<std::string, std::string> specsFrom(const std::string& text) {
    std::map<std::string, std::string> specs;
    if (text == "{}") return specs;
    const Json object = Json::parse(text);
    for (const auto& name : object.names()) specs[name] = object.text(name);
    return specs;
}

std::string specsText(const std::map<std::string, std::string>& specs) {
    std::string text;
    JsonWriter out(text);
    {
        const auto scope = out.object();
        for (const auto& [name, value] : specs) out.field(name, value);
    }
    return text;
}

Server fromRow(const store::Row& row) {
    Server server;
    server.number = row.integer(0);
    server.id = row.id<ServerId>(1);
    server.project = row.id<ProjectId>(2);
    server.user = row.id<UserId>(3);
    server.name = row.text(4);
    server.hostname = row.text(5);
    server.description = row.maybeText(6);
    server.host = row.text(7);
    server.vm = vmStateOf(row.text(8));
    server.task = taskStateOf(row.text(9));
    server.power = static_cast<PowerState>(row.integer(10));
    server.image = row.id<ImageId>(11);
    server.base = row.text(12);
    server.flavor = {.id = row.id<FlavorId>(13),
                     .name = row.text(14),
                     .vcpus = row.integer(15),
                     .ram = MiB{row.integer(16)},
                     .disk = GiB{row.integer(17)},
                     .ephemeral = GiB{row.integer(18)},
                     .swap = MiB{row.integer(19)},
                     .extraSpecs = specsFrom(row.text(20))};
    server.keyName = row.maybeText(21);
    server.keyType = row.text(22);
    server.publicKey = row.text(23);
    server.userData = row.maybeText(24);
    server.accessIpv4 = row.text(25);
    server.accessIpv6 = row.text(26);
    server.zone = row.text(27);
    server.diskConfig = row.text(28);
    server.reservation = row.text(29);
    server.launchIndex = row.integer(30);
    server.lockedBy = row.text(31);
    server.lockedReason = row.maybeText(32);
    server.fault = row.maybeText(33);
    server.faultDetails = row.maybeText(34);
    server.faultTime = row.maybeTime(35);
    server.created = row.time(36);
    server.updated = row.time(37);
    server.launched = row.maybeTime(38);
    server.terminated = row.maybeTime(39);
    server.deleted = row.maybeTime(40);
    return server;
}

std::optional<std::string> orNull(std::string_view text) { return text.empty() ? std::nullopt : std::optional<std::string>(text); }

void addTags(store::Conditions& where, const ServerQuery& query) {
    constexpr std::string_view tagged = "EXISTS (SELECT 1 FROM compute_server_tags WHERE server = id AND tag = ?)";
    const auto taggedAny = [&](const std::vector<std::string>& tags, const char* negation) {
        std::string marks;
        std::vector<store::Value> values;
        for (const auto& tag : tags) marks += marks.empty() ? "?" : ", ?", values.emplace_back(tag);
        where.append(std::string(negation) + "EXISTS (SELECT 1 FROM compute_server_tags WHERE server = id AND tag IN (" + marks + "))",
                     std::move(values));
    };
    for (const auto& tag : query.tags) where.add(tagged, tag);
    if (!query.tagsAny.empty()) taggedAny(query.tagsAny, "");
    if (!query.notTagsAny.empty()) taggedAny(query.notTagsAny, "NOT ");
    if (!query.notTags.empty()) { // not all of them
        std::string all;
        std::vector<store::Value> values;
        for (const auto& tag : query.notTags) all += (all.empty() ? "" : " AND ") + std::string(tagged), values.emplace_back(tag);
        where.append("NOT (" + all + ")", std::move(values));
    }
}

}

std::optional<Server> ServerTable::find(store::Reader& db, const ServerId& id) {
    static const std::string sql = std::string(columns) + " WHERE id = ?";
    return db.query(sql, id).maybe<Server>(fromRow);
}

std::vector<Server> ServerTable::living(store::Reader& db) {
    return db.query(std::string(columns) + " WHERE deleted IS NULL ORDER BY number").all<Server>(fromRow);
}

void ServerTable::insert(store::Transaction& tx, const Server& server) {
    tx.execute("INSERT INTO compute_servers (id, project, user, name, hostname, description, host, vm_state, task_state, power_state, "
               "image, base, flavor, "
               "flavor_name, vcpus, ram, disk, ephemeral, swap, extra_specs, key_name, key_type, public_key, user_data, access_v4, "
               "access_v6, zone, disk_config, "
               "reservation, launch_index, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
               "?, ?, ?, ?, ?, ?, ?, ?, ?)",
               server.id, server.project, server.user, server.name, server.hostname, server.description, server.host, nameOf(server.vm),
               orNull(nameOf(server.task)), static_cast<int>(server.power), server.image, server.base, server.flavor.id, server.flavor.name,
               server.flavor.vcpus, server.flavor.ram.count, server.flavor.disk.count, server.flavor.ephemeral.count,
               server.flavor.swap.count, specsText(server.flavor.extraSpecs), server.keyName, server.keyType, server.publicKey,
               server.userData, server.accessIpv4, server.accessIpv6, server.zone, server.diskConfig, server.reservation,
               server.launchIndex, server.created, server.updated);
}

void ServerTable::move(store::Transaction& tx, const Server& server, VmState vm, TaskState task, PowerState power, Time now) {
    assert(mayFollow(server.vm, vm));
    tx.execute("UPDATE compute_servers SET vm_state = ?, task_state = ?, power_state = ?, updated = ? WHERE id = ?", nameOf(vm),
               orNull(nameOf(task)), static_cast<int>(power), now, server.id);
}

void ServerTable::launched(store::Transaction& tx, const ServerId& id, Time now) {
    tx.execute("UPDATE compute_servers SET launched = ? WHERE id = ? AND launched IS NULL", now, id);
}

void ServerTable::fail(store::Transaction& tx, const ServerId& id, const std::string& message, const std::string& details, Time now) {
    tx.execute("UPDATE compute_servers SET fault = ?, fault_details = ?, fault_time = ?, updated = ? WHERE id = ?", message, details, now,
               now, id);
}

void ServerTable::deleted(store::Transaction& tx, const ServerId& id, Time now) {
    tx.execute("UPDATE compute_servers SET vm_state = 'deleted', task_state = NULL, power_state = 0, terminated = ?, deleted = ?, updated "
               "= ? WHERE id = ?",
               now, now, now, id);
}

void ServerTable::setLock(store::Transaction& tx, const ServerId& id, const std::string& by, const std::optional<std::string>& reason,
                          Time now) {
    tx.execute("UPDATE compute_servers SET locked_by = ?, locked_reason = ?, updated = ? WHERE id = ?", by, reason, now, id);
}

void ServerTable::describe(store::Transaction& tx, const Server& server, Time now) {
    tx.execute("UPDATE compute_servers SET name = ?, hostname = ?, description = ?, access_v4 = ?, access_v6 = ?, disk_config = ?, updated "
               "= ? WHERE id = ?",
               server.name, server.hostname, server.description, server.accessIpv4, server.accessIpv6, server.diskConfig, now, server.id);
}

std::map<std::string, std::string> ServerTable::metadata(store::Reader& db, const ServerId& id) {
    std::map<std::string, std::string> items;
    auto rows = db.query("SELECT name, value FROM compute_server_metadata WHERE server = ?", id);
    while (rows.next()) items[rows.row().text(0)] = rows.row().text(1);
    return items;
}

void ServerTable::setMetadata(store::Transaction& tx, const ServerId& id, const std::map<std::string, std::string>& items) {
    for (const auto& [name, value] : items)
        tx.execute(
            "INSERT INTO compute_server_metadata (server, name, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            id, name, value);
}

store::ByOwner<ServerTable::Item> ServerTable::metadata(store::Reader& db, const std::vector<std::string>& servers) {
    return store::many<Item>(db,
                             "SELECT m.server, m.name, m.value FROM json_each(?) w JOIN compute_server_metadata m ON m.server = w.value",
                             servers, [](const store::Row& row) { return Item(row.text(1), row.text(2)); });
}

bool ServerTable::removeMetadata(store::Transaction& tx, const ServerId& id, const std::string& name) {
    return tx.execute("DELETE FROM compute_server_metadata WHERE server = ? AND name = ?", id, name) == 1;
}

std::vector<std::string> ServerTable::tags(store::Reader& db, const ServerId& id) {
    return db.query("SELECT tag FROM compute_server_tags WHERE server = ? ORDER BY tag", id).texts();
}

store::ByOwner<std::string> ServerTable::tags(store::Reader& db, const std::vector<std::string>& servers) {
    return store::many<std::string>(
        db, "SELECT t.server, t.tag FROM json_each(?) w JOIN compute_server_tags t ON t.server = w.value ORDER BY w.key, t.tag", servers,
        [](const store::Row& row) { return row.text(1); });
}

bool ServerTable::addTag(store::Transaction& tx, const ServerId& id, const std::string& tag) {
    return tx.execute("INSERT OR IGNORE INTO compute_server_tags (server, tag) VALUES (?, ?)", id, tag) == 1;
}

bool ServerTable::removeTag(store::Transaction& tx, const ServerId& id, const std::string& tag) {
    return tx.execute("DELETE FROM compute_server_tags WHERE server = ? AND tag = ?", id, tag) == 1;
}

void ServerTable::tie(store::Transaction& tx, const ServerId& id, const VolumeTie& tie) {
    tx.execute("INSERT INTO compute_attachments (id, server, volume, root, tag) VALUES (?, ?, ?, ?, ?)", tie.attachment.id, id,
               tie.attachment.volume, tie.root, tie.tag);
}

void ServerTable::untie(store::Transaction& tx, const AttachmentId& attachment) {
    tx.execute("DELETE FROM compute_attachments WHERE id = ?", attachment);
}

std::map<std::string, ServerTable::Tie> ServerTable::ties(store::Reader& db, const std::vector<std::string>& servers) {
    std::map<std::string, Tie> ties;
    auto rows =
        db.query("SELECT a.id, a.root, a.tag FROM json_each(?) w JOIN compute_attachments a ON a.server = w.value", store::asList(servers));
    while (rows.next()) ties[rows.row().text(0)] = {rows.row().boolean(1), rows.row().maybeText(2)};
    return ties;
}

std::int64_t ServerTable::begin(store::Transaction& tx, const ServerAction& action) {
    tx.execute("INSERT INTO compute_server_actions (server, action, event, request, user, project, host, started, updated) VALUES (?, ?, "
               "?, ?, ?, ?, ?, ?, ?)",
               action.server, action.action, action.event, action.request, action.user, action.project, action.host, action.started,
               action.started);
    return tx.query("SELECT last_insert_rowid()").integer();
}

void ServerTable::end(store::Transaction& tx, std::int64_t number, bool success, const std::string& message, const std::string& details,
                      Time now) {
    tx.execute("UPDATE compute_server_actions SET finished = ?, updated = ?, result = ?, message = ?, details = ? WHERE number = ?", now,
               now, success ? "Success" : "Error", orNull(message), orNull(details), number);
}

std::vector<ServerAction> ServerTable::actions(store::Reader& db, const ServerId& id) {
    return db
        .query("SELECT number, server, action, event, request, user, project, host, started, updated, finished, result, message, details "
               "FROM compute_server_actions WHERE server = ? ORDER BY started DESC, number DESC",
               id)
        .all<ServerAction>([](const store::Row& row) {
            return ServerAction{row.integer(0),    row.id<ServerId>(1),  row.text(2),       row.text(3),      row.text(4),
                                row.id<UserId>(5), row.id<ProjectId>(6), row.text(7),       row.time(8),      row.time(9),
                                row.maybeTime(10), row.maybeText(11),    row.maybeText(12), row.maybeText(13)};
        });
}

ServerTable::Usage ServerTable::usage(store::Reader& db, const ProjectId& project) {
    auto rows = db.query(
        "SELECT count(*), coalesce(sum(vcpus), 0), coalesce(sum(ram), 0) FROM compute_servers WHERE project = ? AND deleted IS NULL",
        project);
    return *rows.maybe<Usage>([](const store::Row& row) { return Usage{row.integer(0), row.integer(1), row.integer(2)}; });
}

ServerTable::Usage ServerTable::usageOfHost(store::Reader& db, const std::string& host) {
    auto rows = db.query(
        "SELECT count(*), coalesce(sum(vcpus), 0), coalesce(sum(ram), 0) FROM compute_servers WHERE deleted IS NULL AND host = ?", host);
    return *rows.maybe<Usage>([](const store::Row& row) { return Usage{row.integer(0), row.integer(1), row.integer(2)}; });
}

void ServerTable::purge(store::Transaction& tx, Time deletedBefore) {
    const auto gone = tx.query("SELECT id FROM compute_servers WHERE deleted < ? LIMIT 500", deletedBefore).texts();
    for (const auto& id : gone) {
        tx.execute("DELETE FROM compute_server_actions WHERE server = ?", id);
        tx.execute("DELETE FROM compute_server_metadata WHERE server = ?", id);
        tx.execute("DELETE FROM compute_server_tags WHERE server = ?", id);
        tx.execute("DELETE FROM compute_servers WHERE id = ?", id);
    }
}

namespace {

store::Conditions conditionsOf(const ServerQuery& query) {
    store::Conditions where = query.where;
    if (query.project) where.add("project = ?", *query.project);
    if (query.deleted)
        where.add("deleted IS NOT NULL");
    else if (!query.changedSince)
        where.add("deleted IS NULL");
    if (query.changedSince) where.add("updated >= ?", *query.changedSince);
    if (query.changedBefore) where.add("updated <= ?", *query.changedBefore);
    addTags(where, query);
    return where;
}

}

std::vector<std::string> ServerTable::idsIn(store::Reader& db, const ServerQuery& query) {
    const auto where = conditionsOf(query);
    return db.run("SELECT id FROM compute_servers" + where.where(), where.values()).texts();
}

std::vector<Server> ServerTable::list(store::Reader& db, const ServerQuery& query) {
    auto where = conditionsOf(query);
    if (query.marker) {
        // One that this list could not show says nothing of itself, not even by where it stands in an order.
        const auto found = find(db, ServerId{*query.marker});
        if (!found || (query.project && found->project != *query.project))
            throw Error(Failure::Invalid, "marker [", *query.marker, "] not found");
        store::startAfter(where, query.sort, "compute_servers", *query.marker);
    }
    // Which ones, from as little of each as says so; then those.
    std::string what = "SELECT id";
    for (const auto& pattern : query.patterns) what.append(", ").append(pattern.expression);
    std::vector<std::string> ids;
    auto values = where.values();
    values.emplace_back(query.patterns.empty() ? query.limit : -1);
    auto rows = db.run(what + " FROM compute_servers" + where.where() + store::orderBy(query.sort) + " LIMIT ?", values);
    while (static_cast<std::int64_t>(ids.size()) < query.limit && rows.next()) {
        int column = 0;
        const auto row = rows.row();
        if (std::all_of(query.patterns.begin(), query.patterns.end(),
                        [&](const auto& each) { return each.pattern->matches(row.text(++column)); }))
            ids.push_back(row.text(0));
    }
    return db.query(std::string(columns) + " WHERE id IN (SELECT value FROM json_each(?))" + store::orderBy(query.sort), store::asList(ids))
        .all<Server>(fromRow);
}

}
