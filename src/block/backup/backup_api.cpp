#include <array>

#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/backup/backup_lists.hpp"
#include "block/backup/backup_service.hpp"
#include "block/backup/backup_table.hpp"
#include "block/list/list_query.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

constexpr std::array<ListFilter, 11> filters{{
    {"name"},
    {"name~", filterLike, {34}},
    {"status"},
    {"volume_id"},
    {"id", nullptr, {}, true},
    {"size", nullptr, {}, true},
    {"snapshot_id", nullptr, {}, true},
    {"user_id", nullptr, {}, true},
    {"project_id", nullptr, {}, true},
    {"created_at", filterTimes, {60}},
    {"updated_at", filterTimes, {60}},
}};

BackupId backupIn(const Request& request) { return {request.param("backup_id")}; }

void writeLinks(JsonWriter& out, const Request& request, const Backup& backup) {
    block::writeLinks(out, request.base, "/" + backup.project.text + "/backups/" + backup.id.text);
}

/// What the answer to a request that makes one tells, and a short list.
void writeShort(JsonWriter& out, const Request& request, const Backup& backup) {
    const auto one = out.object();
    out.field("id", backup.id);
    out.field("name", backup.name);
    writeLinks(out, request, backup);
}

void write(JsonWriter& out, const Request& request, const Backup& backup) {
    const auto one = out.object();
    resource::showInto(out, backupColumns, backup);
    writeLinks(out, request, backup);
    const auto version = microversionOf(request);
    if (version >= Microversion{18} &&
        callerOf(request).may("backup:backup_project_attribute", {{"project_id", backup.project.text}}))
        out.field("os-backup-project-attr:project_id", backup.project);
    if (version >= Microversion{43}) writeMetadata(out, "metadata", backup.metadata);
    if (version >= Microversion{56}) out.field("user_id", backup.user);
    if (version >= Microversion{64} && !backup.key.empty()) out.field("encryption_key_id", backup.key);
}

template <class Write> Response backupResponse(const Request& request, int status, const Backup& backup, Write how) {
    return http::jsonResponse(status, "backup", [&](JsonWriter& out) { how(out, request, backup); });
}

Response list(const Request& request, Backups& backups, bool detailed) {
    const auto query = listQueryIn(request, backupLists());
    return listResponse(
        request, "backups", query, backups.list(callerOf(request), query),
        [](const Backup& backup) { return backup.id.text; },
        [&](JsonWriter& out, const Backup& backup) {
            detailed ? write(out, request, backup) : writeShort(out, request, backup);
        });
}

Response show(const Request& request, Backups& backups) {
    return backupResponse(request, 200, backups.show(callerOf(request), backupIn(request)), write);
}

Response create(const Request& request, Backups& backups) {
    const auto body = request.json().object("backup");
    const auto version = microversionOf(request);
    body.onlyKnows({"volume_id", "container", "description", "incremental", "force", "name", "snapshot_id", "metadata",
                    "availability_zone"});
    NewBackup wanted;
    const auto text = [&](const char* name) {
        const auto value = body.find(name);
        return value ? shortTextOrNull(*value) : std::nullopt;
    };
    const auto truth = [&](const char* name) {
        const auto value = body.find(name);
        return value && !value->isNull() && truthIn(*value);
    };
    const auto uuid = [&](const char* name) {
        const auto id = body.maybeText(name);
        if (id && !isUuid(*id)) body.at(name).refuse("It must be a UUID.");
        return id.value_or("");
    };
    wanted.volume = {uuid("volume_id")};
    if (wanted.volume.empty())
        throw Error(Failure::Invalid, "Invalid input for field/attribute backup. Value: ", body.shown(),
                    ". 'volume_id' is a required property.");
    wanted.snapshot = {uuid("snapshot_id")};
    wanted.name = text("name");
    wanted.description = text("description");
    wanted.container = text("container");
    wanted.incremental = truth("incremental");
    wanted.force = truth("force");
    if (const auto metadata = body.find("metadata"); metadata && !metadata->isNull()) {
        if (version < Microversion{43}) metadata->refuse("Additional properties are not allowed.");
        wanted.metadata = metadataIn(*metadata);
    }
    if (const auto zone = text("availability_zone")) {
        if (version < Microversion{51}) body.at("availability_zone").refuse("Additional properties are not allowed.");
        requireZone(*zone);
        wanted.zone = zone;
    }
    return backupResponse(request, 202, backups.create(callerOf(request), wanted), writeShort);
}

Response update(const Request& request, Backups& backups) {
    require(request, {9});
    const auto body = request.json().object("backup");
    body.onlyKnows({"name", "description", "metadata"});
    if (body.names().empty())
        throw Error(Failure::Invalid, "Missing required element 'name', 'description' or 'metadata' in request body.");
    const auto backup = backups.update(callerOf(request), backupIn(request), [&](Backup& changed) {
        if (const auto value = body.find("name")) changed.name = shortTextOrNull(*value);
        if (const auto value = body.find("description")) changed.description = shortTextOrNull(*value);
        if (const auto value = body.find("metadata")) {
            if (microversionOf(request) < Microversion{43}) value->refuse("Additional properties are not allowed.");
            changed.metadata = metadataIn(*value);
        }
    });
    return backupResponse(request, 200, backup, writeShort);
}

Response remove(const Request& request, Backups& backups) {
    backups.remove(callerOf(request), backupIn(request));
    return http::emptyResponse(202);
}

Response restore(const Request& request, Backups& backups) {
    const auto body = request.json().object("restore");
    body.onlyKnows({"name", "volume_id"});
    const auto target = body.maybeText("volume_id").value_or("");
    if (!target.empty() && !isUuid(target)) body.at("volume_id").refuse("It must be a UUID.");
    std::optional<std::string> name;
    if (const auto value = body.find("name")) name = shortTextOrNull(*value);
    const auto made = backups.restore(callerOf(request), backupIn(request), {target}, name);
    return http::jsonResponse(202, [&](JsonWriter& out) {
        const auto answer = out.object();
        const auto one = out.object("restore");
        out.field("backup_id", made.backup);
        out.field("volume_id", made.volume);
        out.field("volume_name", made.volumeName);
    });
}

Response exportRecord(const Request& request, Backups& backups) {
    const auto record = backups.exportRecord(callerOf(request), backupIn(request));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto answer = out.object();
        const auto one = out.object("backup-record");
        out.field("backup_service", backups.service());
        out.field("backup_url", record);
    });
}

Response importRecord(const Request& request, Backups& backups) {
    const auto body = request.json().object("backup-record");
    body.onlyKnows({"backup_service", "backup_url"});
    const auto service = shortTextOrNull(body.at("backup_service")).value_or("");
    const auto record = body.text("backup_url");
    constexpr std::size_t recordBytesMax = 64 << 10;
    if (record.empty() || record.size() > recordBytesMax)
        body.at("backup_url").refuse("It must have 1 to 65536 characters.");
    return backupResponse(request, 201, backups.importRecord(callerOf(request), service, record), writeShort);
}

Response act(const Request& request, Backups& backups) {
    const auto body = request.json();
    const auto name = actionIn(body);
    const auto& caller = callerOf(request);
    if (name == "os-reset_status") {
        constexpr std::string_view rule = "volume_extension:backup_admin_actions:reset_status";
        const auto wanted = body.at(name).at("status");
        const auto status = backupStatusNamed(wanted.text());
        if (!status) wanted.refuse("No backup has such a status.");
        return backups.resetStatus(caller, rule, backupIn(request), *status), http::emptyResponse(202);
    }
    if (name == "os-force_delete") {
        constexpr std::string_view rule = "volume_extension:backup_admin_actions:force_delete";
        return backups.forceRemove(caller, rule, backupIn(request)), http::emptyResponse(202);
    }
    throw Error(Failure::Invalid, "There is no such action: ", name);
}

}

ListNoun backupLists() { return {"backup", filters, backupColumns.text(), backupColumns.words()}; }

http::Routes backupRoutes(Backups& backups) {
    http::Routes routes;
    const auto with = http::boundTo(std::ref(backups));
    const std::string one = "/backups/{backup_id}";
    add(routes, Method::Get, "/backups", "backup:get_all", with(list, false));
    add(routes, Method::Get, "/backups/detail", "backup:get_all", with(list, true));
    add(routes, Method::Post, "/backups", "backup:create", with(create));
    add(routes, Method::Post, "/backups/import_record", "backup:backup-import", with(importRecord));
    add(routes, Method::Get, one, "backup:get", with(show));
    add(routes, Method::Put, one, "backup:update", with(update));
    add(routes, Method::Delete, one, "backup:delete", with(remove));
    add(routes, Method::Post, one + "/restore", "backup:restore", with(restore));
    add(routes, Method::Get, one + "/export_record", "backup:export-import", with(exportRecord));
    // Each action has a rule of its own; the route's is the least that anybody needs.
    add(routes, Method::Post, one + "/action", "backup:get", with(act));
    return routes;
}
}
