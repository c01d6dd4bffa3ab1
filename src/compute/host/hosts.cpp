#include "compute/host/hosts.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <stratolet/error.hpp>

#include "compute/host/host_table.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

double numberOf(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

/// A decimal number above 0.
ConfigType multiple() {
    return {"a number above 0, like 1.5", [](const std::string& option) {
                char* end = nullptr;
                const double number = std::strtod(option.c_str(), &end);
                const bool whole = !option.empty() && *end == '\0' && std::isfinite(number);
                return whole && number > 0 && number <= 1e6 ? std::string()
                                                            : std::string("it must be a number above 0");
            }};
}

[[noreturn]] void absent(std::string_view what, const std::string& id) {
    throw Error(Failure::NotFound, what, " ", id, " could not be found.");
}

template <class Matches> std::optional<Host> findIn(std::vector<Host> hosts, Matches matches) {
    const auto found = std::find_if(hosts.begin(), hosts.end(), matches);
    if (found == hosts.end()) return std::nullopt;
    return std::move(*found);
}

}

std::vector<ConfigOption> promiseOptions() {
    return {{"compute", "cpu_allocation_ratio", "4.0", multiple()},
            {"compute", "ram_allocation_ratio", "1.0", multiple()},
            {"compute", "disk_allocation_ratio", "1.0", multiple()},
            {"compute", "reserved_memory", "512", wholeNumber(0, 1 << 30)}};
}

Hosts::Hosts(store::Store& store, const Config& config, Hypervisors& hypervisors)
    : store_(store),
      hypervisors_(hypervisors),
      promises_{.vcpus = numberOf(config.text("compute", "cpu_allocation_ratio")),
                .ram = numberOf(config.text("compute", "ram_allocation_ratio")),
                .disk = numberOf(config.text("compute", "disk_allocation_ratio")),
                .reservedRam = MiB{config.integer("compute", "reserved_memory")}} {}

Host& Hosts::complete(Host& host) const {
    host.promises = promises_;
    host.promises.reservedRam.count = std::min(promises_.reservedRam.count, host.memory.count);
    host.answers = hypervisors_.answers(host.name);
    return host;
}

std::vector<Host> Hosts::all(store::Reader& db) const {
    auto hosts = host_table::all(db);
    for (auto& each : hosts) complete(each);
    return hosts;
}

std::optional<Host> Hosts::find(store::Reader& db, const HostName& name) const {
    auto host = host_table::find(db, name);
    if (host) complete(*host);
    return host;
}

Host Hosts::hypervisor(store::Reader& db, const std::string& id, bool byUuid) const {
    if (byUuid && !isUuid(id)) throw Error(Failure::Invalid, "Invalid uuid ", id);
    auto host = findIn(
        all(db), [&](const Host& each) { return id == (byUuid ? each.hypervisorId : std::to_string(each.number)); });
    if (!host) absent("Compute host", id);
    return *std::move(host);
}

Host Hosts::service(store::Reader& db, const std::string& id, bool byUuid) const {
    if (byUuid ? !isUuid(id) : !wholeNumberIn(id))
        throw Error(Failure::Invalid, byUuid ? "Invalid uuid " : "Invalid service id ", id);
    auto host = findIn(all(db),
                       [&](const Host& each) { return id == (byUuid ? each.serviceId : std::to_string(each.number)); });
    if (!host) absent("Service", id);
    return *std::move(host);
}

Host Hosts::change(const HostName& name, const ServiceChange& wanted) {
    return store_.write([&](store::Transaction& tx) {
        auto host = find(tx, name);
        if (!host) absent("Compute host", name.text);
        if (wanted.disabled) {
            host->disabled = *wanted.disabled;
            host->disabledReason = *wanted.disabled ? wanted.reason : std::nullopt;
        }
        if (wanted.forcedDown) host->forcedDown = *wanted.forcedDown;
        host_table::setService(tx, *host);
        return *std::move(host);
    });
}

void Hosts::remove(const HostName& name) {
    store_.write([&](store::Transaction& tx) {
        const auto host = find(tx, name);
        if (!host) absent("Compute host", name.text);
        if (host->load.servers > 0)
            throw Error(Failure::Conflict, "Unable to delete compute service that is hosting instances. Migrate or "
                                           "delete the instances first.");
        host_table::remove(tx, name);
    });
    hypervisors_.forget(name);
}

}
