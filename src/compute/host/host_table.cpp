#include "compute/host/host_table.hpp"

namespace stratolet::compute::host_table {
namespace {

const std::string select =
    "SELECT compute_hosts.name, compute_hosts.number, compute_hosts.hypervisor_id, compute_hosts.service_id, "
    "compute_hosts.hostname, compute_hosts.uri, compute_hosts.address, compute_hosts.type, compute_hosts.version, "
    "compute_hosts.virt_type, compute_hosts.architecture, compute_hosts.cpu_info, compute_hosts.cells, "
    "compute_hosts.vcpus, compute_hosts.memory, compute_hosts.disk, compute_hosts.started, compute_hosts.seen, "
    "compute_hosts.disabled, "
    "compute_hosts.disabled_reason, compute_hosts.forced_down, compute_hosts.failures, coalesce(l.servers, 0), "
    "coalesce(l.running, 0), "
    "coalesce(l.tasks, 0), coalesce(l.vcpus, 0), coalesce(l.ram, 0), coalesce(l.disk, 0), "
    "(SELECT m.value FROM compute_aggregate_hosts a JOIN compute_aggregate_metadata m ON m.aggregate = a.aggregate "
    "AND m.name = 'availability_zone' WHERE a.host = compute_hosts.name LIMIT 1) "
    "FROM compute_hosts LEFT JOIN compute_host_loads l ON l.host = compute_hosts.name";

Host fromRow(const store::Row& row) {
    Host host;
    host.name.text = row.text(0);
    host.number = row.integer(1);
    host.hypervisorId = row.text(2);
    host.serviceId = row.text(3);
    host.hostname = row.text(4);
    host.uri = row.text(5);
    host.address = row.text(6);
    host.type = row.text(7);
    host.version = row.integer(8);
    host.virtType = row.text(9);
    host.architecture = row.text(10);
    host.cpuInfo = row.text(11);
    host.cells = row.integer(12);
    host.vcpus = row.integer(13);
    host.memory = MiB{row.integer(14)};
    host.disk = GiB{row.integer(15)};
    host.started = row.time(16);
    host.seen = row.maybeTime(17);
    host.disabled = row.boolean(18);
    host.disabledReason = row.maybeText(19);
    host.forcedDown = row.boolean(20);
    host.failures = row.integer(21);
    host.load = {.servers = row.integer(22),
                 .running = row.integer(23),
                 .tasks = row.integer(24),
                 .vcpus = row.integer(25),
                 .ram = MiB{row.integer(26)},
                 .disk = GiB{row.integer(27)}};
    if (auto zone = row.maybeText(28)) host.zone = *std::move(zone);
    return host;
}

}

std::vector<Host> all(store::Reader& db) {
    return db.query(select + " ORDER BY compute_hosts.number").all<Host>(fromRow);
}

std::optional<Host> find(store::Reader& db, const HostName& name) {
    return db.query(select + " WHERE compute_hosts.name = ?", name).maybe<Host>(fromRow);
}

std::vector<std::string> names(store::Reader& db) {
    return db.query("SELECT name FROM compute_hosts ORDER BY number").texts();
}

void insert(store::Transaction& tx, const Host& host, const std::string& boot, Time now) {
    tx.execute("INSERT INTO compute_hosts (name, number, hypervisor_id, service_id, boot, created) "
               "VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM compute_hosts), ?, ?, ?, ?)",
               host.name, host.hypervisorId, host.serviceId, boot, now);
}

void found(store::Transaction& tx, const Host& host) {
    tx.execute("UPDATE compute_hosts SET hostname = ?, uri = ?, address = ?, type = ?, version = ?, virt_type = ?, "
               "architecture = ?, cpu_info = ?, cells = ?, vcpus = ?, memory = ?, disk = ?, started = ?, seen = ? "
               "WHERE name = ?",
               host.hostname, host.uri, host.address, host.type, host.version, host.virtType, host.architecture,
               host.cpuInfo, host.cells, host.vcpus, host.memory.count, host.disk.count, host.started, host.seen,
               host.name);
}

void zoneChanged(store::Transaction& tx, const HostName& name) {
    if (const auto host = find(tx, name))
        tx.execute("UPDATE compute_servers SET zone = ? WHERE host = ? AND deleted IS NULL", host->zone, name);
}

void setService(store::Transaction& tx, const Host& host) {
    tx.execute("UPDATE compute_hosts SET disabled = ?, disabled_reason = ?, forced_down = ? WHERE name = ?",
               host.disabled, host.disabledReason, host.forcedDown, host.name);
}

bool remove(store::Transaction& tx, const HostName& name) {
    tx.execute("DELETE FROM compute_aggregate_hosts WHERE host = ?", name);
    tx.execute("DELETE FROM compute_host_loads WHERE host = ? AND servers = 0", name);
    return tx.execute("DELETE FROM compute_hosts WHERE name = ?", name) != 0;
}

void made(store::Transaction& tx, const HostName& name, bool well) {
    if (well)
        tx.execute("UPDATE compute_hosts SET failures = 0 WHERE name = ? AND failures > 0", name);
    else
        tx.execute("UPDATE compute_hosts SET failures = failures + 1 WHERE name = ?", name);
}

void hold(store::Transaction& tx, const ServerId& server, const HostName& host, std::int64_t vcpus, MiB ram, GiB disk) {
    tx.execute("INSERT INTO compute_holds (server, host, vcpus, ram, disk) VALUES (?, ?, ?, ?, ?)", server, host, vcpus,
               ram.count, disk.count);
}

void letGo(store::Transaction& tx, const ServerId& server) {
    tx.execute("DELETE FROM compute_holds WHERE server = ?", server);
}

std::string bootOf(store::Reader& db, const HostName& name) {
    return db.query("SELECT boot FROM compute_hosts WHERE name = ?", name).maybeText().value_or("");
}

void setBoot(store::Transaction& tx, const HostName& name, const std::string& boot) {
    tx.execute("UPDATE compute_hosts SET boot = ? WHERE name = ?", boot, name);
}

store::ByOwner<Resident> serversOn(store::Reader& db, const std::vector<Host>& hosts) {
    std::vector<std::string> names;
    for (const auto& each : hosts) names.push_back(each.name.text);
    return store::many<Resident>(
        db,
        "SELECT s.host, s.id, s.name FROM json_each(?) w JOIN compute_servers s ON s.host = w.value "
        "AND s.deleted IS NULL ORDER BY s.host, s.created, s.id",
        names, [](const store::Row& row) {
            return Resident{row.text(1), row.text(2)};
        });
}

std::vector<ProjectLoad> loadsByProject(store::Reader& db, const HostName& name) {
    return db
        .query("SELECT project, count(*), sum(vcpus), sum(ram), "
               "sum(CASE image WHEN '' THEN 0 ELSE disk END + ephemeral + (swap + 1023) / 1024) "
               "FROM compute_servers WHERE host = ? AND deleted IS NULL GROUP BY project ORDER BY project",
               name)
        .all<ProjectLoad>([](const store::Row& row) {
            return ProjectLoad{row.text(0),
                               {.servers = row.integer(1),
                                .vcpus = row.integer(2),
                                .ram = MiB{row.integer(3)},
                                .disk = GiB{row.integer(4)}}};
        });
}

}
