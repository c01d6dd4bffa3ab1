#include <algorithm>
#include <chrono>
#include <map>
#include <string>

#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/diagnostics/diagnostics.hpp"
#include "compute/host/hosts.hpp"
#include "compute/server/server_reading.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

using http::Response;

/// All that an answer has, from the hypervisor and from rows.
struct Diagnostics {
    Server server;
    GuestCounters counters;
    std::optional<Host> host;
    std::map<std::string, std::string> macs; ///< by device
    std::chrono::seconds up{0};
};

Diagnostics diagnosticsOf(Call& call, Core& core) {
    Diagnostics all;
    auto& db = core.reader();
    all.server = allowedServer(db, call.caller, ServerId{call.param("id")});
    for (const auto& port : core.network.portsOf(db, all.server.id)) all.macs[port.tap] = port.mac;
    const HostName host{all.server.host};
    const auto counters = all.server.launched ? core.hypervisors.on(host).counters(all.server.id) : std::nullopt;
    if (!counters)
        throw Error(Failure::Conflict, "Instance ", all.server.id, " in power state ",
                    static_cast<int>(all.server.power),
                    ". Cannot get_diagnostics while the instance is in this state.");
    all.counters = *counters;
    all.host = core.hosts.find(db, host);
    all.up = std::chrono::duration_cast<std::chrono::seconds>(core.now() - *all.server.launched);
    return all;
}

/// Names as the hypervisor has them, until 2.47.
void writeFlat(JsonWriter& out, const GuestCounters& counters) {
    const auto scope = out.object();
    for (const auto& cpu : counters.cpus) out.field("cpu" + std::to_string(cpu.id) + "_time", cpu.time.count());
    for (const auto& disk : counters.disks) {
        out.field(disk.device + "_read_req", disk.readRequests);
        out.field(disk.device + "_read", disk.readBytes);
        out.field(disk.device + "_write_req", disk.writeRequests);
        out.field(disk.device + "_write", disk.writtenBytes);
        out.field(disk.device + "_errors", disk.errors.value_or(-1));
    }
    for (const auto& nic : counters.nics)
        for (const auto& [way, its] : {std::pair("_rx", &nic.received), std::pair("_tx", &nic.sent)}) {
            out.field(nic.device + way, its->bytes);
            out.field(nic.device + way + "_packets", its->packets);
            out.field(nic.device + way + "_errors", its->errors);
            out.field(nic.device + way + "_drop", its->dropped);
        }
    out.field("memory", counters.memoryMax.count * 1024);
}

void write(JsonWriter& out, const GuestCounters::Traffic& traffic, const std::string& way) {
    out.field(way + "_octets", traffic.bytes);
    out.field(way + "_packets", traffic.packets);
    out.field(way + "_errors", traffic.errors);
    out.field(way + "_drop", traffic.dropped);
    out.field(way + "_rate", nullptr);
}

/// The same words whatever the hypervisor, since 2.48.
void writeShaped(JsonWriter& out, const Diagnostics& all) {
    const auto& counters = all.counters;
    const auto scope = out.object();
    out.field("state", "running");
    out.field("driver", "libvirt"); // the API has no other word for what drives ours
    out.field("hypervisor", lowered(all.host ? all.host->type : ""));
    out.field("hypervisor_os", "linux");
    out.field("uptime", all.up.count());
    out.field("config_drive", false);
    out.field("num_cpus", static_cast<std::int64_t>(counters.cpus.size()));
    out.field("num_disks", static_cast<std::int64_t>(counters.disks.size()));
    out.field("num_nics", static_cast<std::int64_t>(counters.nics.size()));
    {
        const auto memory = out.object("memory_details");
        out.field("maximum", counters.memoryMax.count);
        out.field("used", counters.memoryUsed.count);
    }
    {
        const auto list = out.array("cpu_details");
        for (const auto& cpu : counters.cpus) {
            const auto each = out.object();
            out.field("id", cpu.id);
            out.field("time", cpu.time.count());
            out.field("utilisation", nullptr);
        }
    }
    {
        const auto list = out.array("disk_details");
        for (const auto& disk : counters.disks) {
            const auto each = out.object();
            out.field("read_bytes", disk.readBytes);
            out.field("read_requests", disk.readRequests);
            out.field("write_bytes", disk.writtenBytes);
            out.field("write_requests", disk.writeRequests);
            out.field("errors_count", disk.errors);
        }
    }
    const auto list = out.array("nic_details");
    for (const auto& nic : counters.nics) {
        const auto each = out.object();
        const auto known = all.macs.find(nic.device);
        out.field("mac_address", nic.mac.empty() && known != all.macs.end() ? known->second : nic.mac);
        write(out, nic.received, "rx");
        write(out, nic.sent, "tx");
    }
}

}

void addDiagnosticsRoutes(http::Routes& routes, Core& core) {
    addRoute(
        routes, http::Method::Get, "/servers/{id}/diagnostics", "os_compute_api:os-server-diagnostics",
        [&](Call& call) {
            const auto all = diagnosticsOf(call, core);
            return http::jsonResponse(
                200, [&](JsonWriter& out) { call.since(48) ? writeShaped(out, all) : writeFlat(out, all.counters); });
        },
        {}, http::Runs::Worker);
}

}
