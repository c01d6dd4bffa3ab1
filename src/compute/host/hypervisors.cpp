#include "compute/host/hypervisors.hpp"

#include <cassert>
#include <exception>
#include <tuple>

#include <stratolet/error.hpp>

#include "compute/device/device.hpp"
#include "compute/host/host_table.hpp"
#include "compute/server/server_table.hpp"
#include "platform/json/json.hpp"

namespace stratolet::compute {
namespace {

/// As Nova's API shows the processors of a hypervisor.
std::string cpuInfoOf(const HostCpu& cpu) {
    std::string text;
    JsonWriter out(text);
    {
        const auto whole = out.object();
        out.field("arch", cpu.architecture);
        out.field("model", cpu.model);
        out.field("vendor", cpu.vendor);
        {
            const auto topology = out.object("topology");
            out.field("cells", cpu.cells);
            out.field("sockets", cpu.sockets);
            out.field("cores", cpu.cores);
            out.field("threads", cpu.threads);
        }
        const auto features = out.array("features");
        for (const auto& each : cpu.features) out.value(each);
    }
    return text;
}

bool sameFacts(const Host& left, const Host& right) {
    const auto facts = [](const Host& host) {
        return std::tie(host.hostname, host.uri, host.address, host.type, host.version, host.virtType,
                        host.architecture, host.cpuInfo, host.cells, host.vcpus, host.memory.count, host.disk.count);
    };
    return facts(left) == facts(right);
}

}

Hypervisors::Hypervisors(store::Store& store, Ambient& ambient, const std::vector<HostDrivers>& drivers,
                         std::chrono::seconds patience)
    : store_(store),
      ambient_(ambient),
      patience_(patience) {
    assert(!drivers.empty());
    for (const auto& each : drivers) hosts_.push_back({each});
}

/// One without a name in the configuration is the only one: the only row is its, whatever its machine calls itself by
/// now.
HostName Hypervisors::nameOf(Driven& host) {
    {
        const std::lock_guard guard(lock_);
        if (host.drivers.name) return host.drivers.name;
    }
    const auto rows = host_table::names(store_.reader());
    HostName name{rows.size() == 1 ? rows.front() : host.drivers.hypervisor.report().hostname};
    const std::lock_guard guard(lock_);
    return host.drivers.name = std::move(name);
}

Hypervisors::Driven* Hypervisors::known(const HostName& name) {
    for (auto& each : hosts_)
        if (nameOf(each) == name) return &each;
    return nullptr;
}

Hypervisors::Driven& Hypervisors::find(const HostName& name) {
    if (auto* host = known(name)) return *host;
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

Host Hypervisors::rowOf(const HostName& name, const std::string& boot) {
    if (auto row = host_table::find(store_.reader(), name)) return *std::move(row);
    return store_.write([&](store::Transaction& tx) {
        if (!host_table::find(tx, name)) {
            Host host{.name = name};
            host.hypervisorId = ambient_.uuid();
            host.serviceId = ambient_.uuid();
            host_table::insert(tx, host, boot, ambient_.now());
        }
        return *host_table::find(tx, name);
    });
}

void Hypervisors::keep(const HostName& name, const HostReport& report, GiB disk) {
    constexpr std::chrono::seconds often{10}; // Nova's report_interval: how fresh "updated_at" of a service is
    const Host before = rowOf(name, report.boot);
    Host host = before;
    const Time now = ambient_.now();
    host.hostname = report.hostname;
    host.uri = report.uri;
    host.address = report.address;
    host.type = report.type;
    host.version = report.version;
    host.virtType = report.virtType;
    host.architecture = report.cpu.architecture;
    host.cpuInfo = cpuInfoOf(report.cpu);
    host.cells = report.cpu.cells;
    host.vcpus = report.vcpus;
    host.memory = report.memory;
    host.disk = disk;
    host.started = now - report.up;
    host.seen = now;
    if (sameFacts(before, host) && before.seen && now - *before.seen < often && now >= *before.seen) return;
    store_.write([&](store::Transaction& tx) { host_table::found(tx, host); });
}

void Hypervisors::look(const HostName& name) {
    auto& host = find(name);
    try {
        const auto report = host.drivers.hypervisor.report();
        keep(name, report, GiB{host.drivers.disks.capacity().count >> 30});
        const std::lock_guard guard(lock_);
        host.heard = Clock::now();
        host.boot = report.boot;
    } catch (...) {
        forget(name);
        throw;
    }
}

void Hypervisors::lookAtAll() {
    std::exception_ptr problem;
    for (auto& each : hosts_) try {
            look(nameOf(each));
        } catch (const std::exception&) {
            problem = std::current_exception();
        }
    if (problem) std::rethrow_exception(problem);
}

bool Hypervisors::answers(const HostName& name) {
    const auto now = Clock::now();
    const std::lock_guard guard(lock_);
    for (const auto& each : hosts_)
        if (each.drivers.name == name) return each.heard && now - *each.heard <= patience_;
    return false;
}

void Hypervisors::forget(const HostName& name) {
    const std::lock_guard guard(lock_);
    for (auto& each : hosts_)
        if (each.drivers.name == name) each.heard.reset();
}

bool Hypervisors::restarted(const HostName& name) {
    look(name);
    auto& host = find(name);
    std::string boot;
    {
        const std::lock_guard guard(lock_);
        boot = host.boot;
    }
    return !boot.empty() && host_table::bootOf(store_.reader(), name) != boot;
}

void Hypervisors::rememberStart(const HostName& name) {
    auto& host = find(name);
    std::string boot;
    {
        const std::lock_guard guard(lock_);
        boot = host.boot;
    }
    store_.write([&](store::Transaction& tx) { host_table::setBoot(tx, name, boot); });
}

}
