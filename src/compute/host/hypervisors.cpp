#include "compute/host/hypervisors.hpp"

#include <cassert>

#include <stratolet/error.hpp>

#include "compute/device/device.hpp"
#include "compute/server/server_table.hpp"

namespace stratolet::compute {

Hypervisors::Hypervisors(store::Store& store, Ambient& ambient, const std::vector<HostDrivers>& drivers)
    : store_(store),
      ambient_(ambient) {
    assert(!drivers.empty());
    for (const auto& each : drivers) hosts_.push_back({each, std::nullopt});
}

/// One without a name in the configuration is the only one: the only row is its, whatever its machine calls itself by
/// now.
HostName Hypervisors::nameOf(Host& host) {
    {
        const std::lock_guard guard(lock_);
        if (host.drivers.name) return host.drivers.name;
    }
    const auto rows = store_.reader().query("SELECT name FROM compute_hosts").texts();
    HostName name{rows.size() == 1 ? rows.front() : host.drivers.hypervisor.report().hostname};
    const std::lock_guard guard(lock_);
    return host.drivers.name = std::move(name);
}

Hypervisors::Host& Hypervisors::find(const HostName& name) {
    for (auto& each : hosts_)
        if (nameOf(each) == name) return each;
    throw Error(Failure::Broken, "nothing drives the host ", name);
}

Hypervisor& Hypervisors::on(const HostName& host) { return find(host).drivers.hypervisor; }
InstanceDisks& Hypervisors::disksOn(const HostName& host) { return find(host).drivers.disks; }

std::unique_ptr<LiveDisk> Hypervisors::of(const ServerId& server, const VolumeId& volume) {
    const auto row = ServerTable::find(store_.reader(), server);
    return row ? on({row->host}).liveDisk(server, DeviceTable::serialOf(store_.reader(), server, volume)) : nullptr;
}

std::vector<HostName> Hypervisors::names() {
    std::vector<HostName> all;
    for (auto& each : hosts_) all.push_back(nameOf(each));
    return all;
}

/// Asks the host how it is, and keeps its row and what it said.
Hypervisors::Facts Hypervisors::look(Host& host) {
    const auto name = nameOf(host);
    const auto report = host.drivers.hypervisor.report();
    const GiB disk{host.drivers.disks.capacity().count >> 30};
    const auto rowOf = [&](store::Reader& db) {
        return db.query("SELECT number, hypervisor_id, service_id FROM compute_hosts WHERE name = ?", name)
            .maybe<Facts>([&](const store::Row& row) {
                return Facts{
                    name, row.integer(0), row.text(1), row.text(2), report, disk, std::chrono::steady_clock::now()};
            });
    };
    auto facts = rowOf(store_.reader());
    if (!facts)
        facts = store_.write([&](store::Transaction& tx) {
            if (const auto known = rowOf(tx)) return *known;
            tx.execute("INSERT INTO compute_hosts (name, number, hypervisor_id, service_id, boot, created) "
                       "VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM compute_hosts), ?, ?, ?, ?)",
                       name, ambient_.uuid(), ambient_.uuid(), report.boot, ambient_.now());
            return *rowOf(tx);
        });
    const std::lock_guard guard(lock_);
    host.facts = facts;
    return *facts;
}

Hypervisors::Facts Hypervisors::facts(const HostName& name) {
    auto& host = find(name);
    {
        const std::lock_guard guard(lock_);
        if (host.facts) return *host.facts;
    }
    return look(host);
}

std::chrono::seconds Hypervisors::Facts::uptime() const {
    return report.up + std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - reported);
}

std::string Hypervisors::hostnameOf(const HostName& name) {
    for (auto& each : hosts_)
        if (nameOf(each) == name) return facts(name).report.hostname;
    return name.text;
}

bool Hypervisors::restarted(const HostName& name) {
    const auto boot = look(find(name)).report.boot;
    return !boot.empty() &&
           store_.reader().query("SELECT 1 FROM compute_hosts WHERE name = ? AND boot <> ?", name, boot).any();
}

void Hypervisors::rememberStart(const HostName& name) {
    const auto boot = facts(name).report.boot;
    store_.write(
        [&](store::Transaction& tx) { tx.execute("UPDATE compute_hosts SET boot = ? WHERE name = ?", boot, name); });
}

}
