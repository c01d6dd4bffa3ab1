#include "appliance/operator/operator_site.hpp"

#include <algorithm>
#include <set>

#include <stratolet/error.hpp>

#include "network/driver/linux_names.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/os/netns.hpp"

// A resource's whole story: its row, who asked for what and when, the jobs, the facts, what is on the host.

namespace stratolet {

using namespace http;

namespace {

enum class Shown { Text, Time };

/// A column of a kind of resource, and what people call it. Secrets have no line here.
struct Column {
    std::string_view word, sql;
    Shown as = Shown::Text;
};

/// A kind of resource. All names are of our own writing.
struct Kind {
    std::string_view word, table;
    std::string_view name; ///< its name's column; empty: it has none
    std::vector<Column> columns;
};

const std::vector<Kind>& kinds() {
    static const std::vector<Kind> all{
        {"server",
         "compute_servers",
         "name",
         {{"name", "name"},
          {"project", "project"},
          {"user", "user"},
          {"host", "host"},
          {"state", "vm_state"},
          {"task", "task_state"},
          {"power", "power_state"},
          {"flavor", "flavor_name"},
          {"image", "image"},
          {"locked by", "locked_by"},
          {"fault", "fault"},
          {"fault details", "fault_details"},
          {"fault at", "fault_time", Shown::Time},
          {"created", "created", Shown::Time},
          {"updated", "updated", Shown::Time},
          {"launched", "launched", Shown::Time},
          {"deleted", "deleted", Shown::Time}}},
        {"volume",
         "volumes",
         "name",
         {{"name", "name"},
          {"project", "project_id"},
          {"user", "user_id"},
          {"status", "status"},
          {"status before", "previous_status"},
          {"size (GiB)", "size"},
          {"back end", "host"},
          {"image", "image_id"},
          {"snapshot", "snapshot_id"},
          {"migration", "migration_status"},
          {"created", "created", Shown::Time},
          {"updated", "updated", Shown::Time},
          {"in the recycle bin since", "deleted", Shown::Time}}},
        {"snapshot",
         "volume_snapshots",
         "name",
         {{"name", "name"},
          {"project", "project_id"},
          {"user", "user_id"},
          {"volume", "volume_id"},
          {"status", "status"},
          {"progress", "progress"},
          {"size (GiB)", "size"},
          {"created", "created", Shown::Time},
          {"updated", "updated", Shown::Time}}},
        {"backup",
         "backups",
         "name",
         {{"name", "name"},
          {"project", "project_id"},
          {"user", "user_id"},
          {"volume", "volume_id"},
          {"status", "status"},
          {"why it failed", "fail_reason"},
          {"size (GiB)", "size"},
          {"created", "created", Shown::Time},
          {"updated", "updated", Shown::Time}}},
        {"image",
         "images",
         "name",
         {{"name", "name"},
          {"project", "owner"},
          {"status", "status"},
          {"visibility", "visibility"},
          {"format", "disk_format"},
          {"size (bytes)", "size"},
          {"staged (bytes)", "staged"},
          {"being imported to", "importing_to"},
          {"could not be imported to", "failed_import"},
          {"created", "created", Shown::Time},
          {"updated", "updated", Shown::Time}}},
        {"network",
         "networks",
         "name",
         {{"name", "name"},
          {"project", "project"},
          {"up", "admin_up"},
          {"external", "external"},
          {"shared", "shared"},
          {"mtu", "mtu"},
          {"created", "created", Shown::Time},
          {"updated", "updated", Shown::Time}}},
        {"subnet",
         "subnets",
         "name",
         {{"name", "name"},
          {"project", "project"},
          {"network", "network"},
          {"cidr", "cidr"},
          {"gateway", "gateway"},
          {"dhcp", "dhcp"},
          {"created", "created", Shown::Time},
          {"updated", "updated", Shown::Time}}},
        {"port",
         "ports",
         "name",
         {{"name", "name"},
          {"project", "project"},
          {"network", "network"},
          {"status", "status"},
          {"mac", "mac"},
          {"owner", "owner"},
          {"device", "device"},
          {"server", "server"},
          {"host", "host"},
          {"up", "admin_up"},
          {"created", "created", Shown::Time},
          {"updated", "updated", Shown::Time}}},
        {"router",
         "routers",
         "name",
         {{"name", "name"},
          {"project", "project"},
          {"up", "admin_up"},
          {"gateway port", "gateway_port"},
          {"created", "created", Shown::Time},
          {"updated", "updated", Shown::Time}}},
        {"floating IP",
         "floating_ips",
         "address",
         {{"address", "address"},
          {"project", "project"},
          {"status", "status"},
          {"port", "port"},
          {"fixed address", "fixed"},
          {"router", "router"},
          {"created", "created", Shown::Time},
          {"updated", "updated", Shown::Time}}},
        {"security group",
         "security_groups",
         "name",
         {{"name", "name"},
          {"project", "project"},
          {"stateful", "stateful"},
          {"created", "created", Shown::Time},
          {"updated", "updated", Shown::Time}}},
        {"flavor",
         "compute_flavors",
         "name",
         {{"name", "name"},
          {"processors", "vcpus"},
          {"memory (MiB)", "ram"},
          {"disk (GiB)", "disk"},
          {"public", "is_public"},
          {"created", "created", Shown::Time}}},
        {"project",
         "projects",
         "name",
         {{"name", "name"}, {"domain", "domain_id"}, {"enabled", "enabled"}, {"created", "created", Shown::Time}}},
        {"user",
         "users",
         "name",
         {{"name", "name"},
          {"domain", "domain_id"},
          {"enabled", "enabled"},
          {"password expires", "password_expires", Shown::Time},
          {"tokens count from", "tokens_valid_after", Shown::Time},
          {"created", "created", Shown::Time}}},
    };
    return all;
}

/// One resource that was found.
struct Found {
    const Kind* kind = nullptr;
    std::string id;
};

constexpr int namesakesMost = 20;

std::vector<Found> foundBy(store::Reader& db, const std::string& text) {
    std::vector<Found> found;
    const auto search = [&](const Kind& kind, std::string_view column) {
        const auto sql = "SELECT id FROM " + std::string(kind.table) + " WHERE " + std::string(column) +
                         " = ? ORDER BY id LIMIT " + std::to_string(namesakesMost);
        for (auto& id : db.query(sql, text).texts()) found.push_back({&kind, std::move(id)});
    };
    for (const auto& each : kinds()) search(each, "id");
    if (!found.empty()) return found; // ids are nobody else's names
    for (const auto& each : kinds()) search(each, each.name);
    return found;
}

void writeRow(JsonWriter& out, store::Reader& db, const Found& found) {
    std::string sql;
    for (const auto& each : found.kind->columns) sql.append(sql.empty() ? "SELECT " : ", ").append(each.sql);
    auto rows = db.query(sql + " FROM " + std::string(found.kind->table) + " WHERE id = ?", found.id);
    const auto item = out.object("row");
    if (!rows.next()) return;
    int column = 0;
    for (const auto& each : found.kind->columns) {
        const auto at = column++;
        if (rows.row().isNull(at) || rows.row().text(at).empty()) continue;
        each.as == Shown::Time ? writeTime(out, each.word, rows.row().maybeTime(at))
                               : out.field(each.word, rows.row().text(at));
    }
}

/// The things that belong to it, or that it belongs to, by kind and id.
void writeRelated(JsonWriter& out, store::Reader& db, const std::string& id) {
    auto rows = db.query("SELECT 'port', id, status FROM ports WHERE server = ?1 "
                         "UNION ALL SELECT 'volume', volume_id, status FROM volume_attachments WHERE server_id = ?1 "
                         "UNION ALL SELECT 'server', server_id, status FROM volume_attachments WHERE volume_id = ?1 "
                         "UNION ALL SELECT 'snapshot', id, status FROM volume_snapshots WHERE volume_id = ?1 "
                         "UNION ALL SELECT 'address', address, '' FROM fixed_ips WHERE port = ?1 "
                         "UNION ALL SELECT 'floating IP', id, status FROM floating_ips WHERE port = ?1 "
                         "UNION ALL SELECT 'subnet', id, '' FROM subnets WHERE network = ?1 LIMIT 200",
                         id);
    const auto items = out.array("related");
    while (rows.next()) {
        const auto item = out.object();
        out.field("kind", rows.row().text(0));
        out.field("id", rows.row().text(1));
        out.field("state", rows.row().text(2));
    }
}

void writeActionSteps(JsonWriter& out, store::Reader& db, std::int64_t action) {
    auto rows = db.query("SELECT step, started, finished, details FROM compute_action_events WHERE action = ? ORDER BY "
                         "position",
                         action);
    const auto items = out.array("steps");
    while (rows.next()) {
        const auto item = out.object();
        out.field("step", rows.row().text(0));
        writeTime(out, "began", rows.row().time(1));
        writeTime(out, "ended", rows.row().maybeTime(2));
        out.field("error", rows.row().text(3));
    }
}

/// What was asked for, by request, with what came of it.
void writeRequests(JsonWriter& out, store::Reader& db, const std::string& id) {
    const auto items = out.array("requests");
    auto rows =
        db.query("SELECT request, action, user, started, finished, coalesce(result, ''), coalesce(message, ''), "
                 "coalesce(details, ''), number FROM compute_server_actions WHERE server = ?1 "
                 "UNION ALL SELECT request, type, user, created, updated, status, message, '', NULL "
                 "FROM image_tasks WHERE image_id = ?1 "
                 "UNION ALL SELECT request_id, 'message ' || event_id, '', created, NULL, level, '', '', NULL "
                 "FROM volume_messages WHERE resource_uuid = ?1 ORDER BY 4",
                 id);
    while (rows.next()) {
        const auto row = rows.row();
        const auto item = out.object();
        out.field("request", row.text(0));
        out.field("what", row.text(1));
        out.field("user", row.text(2));
        writeTime(out, "began", row.time(3));
        writeTime(out, "ended", row.maybeTime(4));
        out.field("result", row.text(5));
        out.field("message", row.text(6));
        out.field("details", row.text(7));
        if (const auto action = row.maybeInteger(8)) writeActionSteps(out, db, *action);
    }
}

void writeUnfinished(JsonWriter& out, store::Reader& db, const OperatorParts& parts, const std::string& id) {
    const auto items = out.array("jobs");
    std::set<std::int64_t> told;
    for (const auto& each : parts.jobs.of(db, id)) {
        writeJob(out, each);
        told.insert(each.id);
    }
    for (const auto& each : parts.jobs.list(db)) // about another thing, with this one beside it
        if (each.payload.find('"' + id + '"') != std::string::npos && !told.contains(each.id)) writeJob(out, each);
}

void writeFacts(JsonWriter& out, store::Reader& db, const std::string& id) {
    auto rows = db.query("SELECT id, name, announced FROM facts WHERE instr(fields, ?) > 0 ORDER BY id DESC LIMIT 100",
                         '"' + id + '"');
    const auto items = out.array("facts");
    while (rows.next()) {
        const auto item = out.object();
        out.field("fact", rows.row().text(1));
        writeTime(out, "announced", rows.row().time(2));
    }
}

void writeFaults(JsonWriter& out, store::Reader& db, const std::string& id) {
    auto rows = db.query("SELECT kind || ' not wired as planned: ' || what FROM network_problems WHERE subject = ?1 "
                         "UNION ALL SELECT 'a stray ' || kind || ' at ' || place FROM strays WHERE id = ?1",
                         id);
    const auto items = out.array("faults");
    while (rows.next()) out.value(rows.row().text(0));
}

/// What of it should be on the host, and whether it is.
class HostObjects {
public:
    HostObjects(JsonWriter& out, const OperatorParts& parts)
        : out_(out),
          parts_(parts),
          items_(out.array("host_objects")) {}

    void add(std::string_view kind, const std::string& name, const std::string& state) {
        const auto item = out_.object();
        out_.field("kind", kind);
        out_.field("name", name);
        out_.field("state", state);
    }
    void addFile(std::string_view kind, const std::filesystem::path& path) {
        std::error_code unreadable;
        if (std::filesystem::exists(path, unreadable)) add(kind, path.string(), "there");
    }
    void addDevice(std::string_view kind, const std::string& name) {
        if (!parts_.settings.sandbox)
            add(kind, name, std::filesystem::exists("/sys/class/net/" + name) ? "there" : "not there");
    }
    void addNamespace(const std::string& name) {
        if (!parts_.settings.sandbox) add("namespace", name, netns::exists(name) ? "there" : "not there");
    }

private:
    JsonWriter& out_;
    const OperatorParts& parts_;
    JsonWriter::Scope items_;
};

std::string_view wordOf(PowerState state) {
    switch (state) {
    case PowerState::NoState: return "in no state";
    case PowerState::Running: return "running";
    case PowerState::Paused: return "paused";
    case PowerState::Shutdown: return "off";
    case PowerState::Crashed: return "crashed";
    case PowerState::Suspended: return "suspended";
    }
    std::abort();
}

/// As its hypervisor says now, whichever host it is on.
void addGuest(HostObjects& objects, const OperatorParts& parts, const std::string& server) {
    const auto look = [&](Hypervisor& hypervisor, const std::string& host) {
        const std::string name = "stratolet-" + server + (host.empty() ? "" : " on " + host);
        try {
            if (const auto state = hypervisor.powerState({server}))
                objects.add("domain", name, std::string(wordOf(*state)));
        } catch (const Error& problem) {
            objects.add("domain", name, std::string("not known: ") + problem.what());
        }
    };
    look(*parts.drivers.hypervisor, "");
    for (const auto& each : parts.drivers.others) look(*each.hypervisor, each.name);
}

void writeHostObjects(JsonWriter& out, store::Reader& db, const OperatorParts& parts, const Found& found) {
    HostObjects objects(out, parts);
    const auto& id = found.id;
    const auto kind = found.kind->word;
    if (kind == "server") {
        addGuest(objects, parts, id);
        for (const auto& port : db.query("SELECT id FROM ports WHERE server = ?", id).texts())
            objects.addDevice("tap", network::tapNameOf({port}));
        for (const auto* ending : {"_disk", "_disk.config", "_disk.config.vfat", "_disk.swap", "_disk.eph0"})
            objects.addFile("disk", parts.stateDir / "instances" / (id + ending));
    } else if (kind == "port") {
        if (db.query("SELECT 1 FROM ports WHERE id = ? AND server <> ''", id).any())
            objects.addDevice("tap", network::tapNameOf({id}));
    } else if (kind == "network") {
        objects.addDevice("bridge", network::bridgeOf({id}));
        objects.addNamespace(network::dhcpNamespaceOf({id}));
    } else if (kind == "router") {
        objects.addNamespace(network::routerNamespaceOf({id}));
    } else if (kind == "volume") {
        for (const auto* ending : {"", ".flat", ".layers"})
            objects.addFile("file", parts.stateDir / "volumes" / ("volume-" + id + ending));
    } else if (kind == "image") {
        objects.addFile("file", parts.stateDir / "images" / id);
    }
}

void writeStory(JsonWriter& out, store::Reader& db, const OperatorParts& parts, const Found& found) {
    const auto item = out.object();
    out.field("kind", found.kind->word);
    out.field("id", found.id);
    writeRow(out, db, found);
    writeRelated(out, db, found.id);
    writeRequests(out, db, found.id);
    writeUnfinished(out, db, parts, found.id);
    writeFacts(out, db, found.id);
    writeFaults(out, db, found.id);
    writeHostObjects(out, db, parts, found);
}

Response tell(const Request& request, const OperatorParts& parts) {
    const auto asked = request.query.text("resource");
    if (asked.empty()) throw Error(Failure::Invalid, "say of which resource, by its id or its name");
    auto& db = parts.store.reader();
    const auto found = foundBy(db, asked);
    if (found.empty())
        throw Error(Failure::NotFound, "nothing has the id or the name \"", asked,
                    "\"; a server that was deleted keeps its row for those who ask for its id");
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("resources");
        for (const auto& each : found) writeStory(out, db, parts, each);
    });
}

}

void addStoryRoutes(Routes& routes, const OperatorParts& parts) {
    routes.push_back(
        {Method::Get, "/v1/why", byTheSocket(), [parts](Request& request) { return tell(request, parts); }});
}

}
