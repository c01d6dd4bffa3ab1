#include "block/scheduler/scheduler.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "block/scheduler/scheduler_table.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/config/config.hpp"
#include "platform/log/log.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

double gibibytes(Bytes bytes) { return static_cast<double>(bytes.count) / (1 << 30); }

std::string truth(bool it) { return it ? "True" : "False"; }

}

Scheduler::Scheduler(Parts parts, const Backends& backends) : parts_(parts), backends_(backends) {
    for (const auto* driver : backends.all()) {
        const std::string name(driver->name()), section = "backend " + name;
        const auto can = driver->capabilities();
        Pool pool;
        pool.name = backends.placeOf(*driver);
        pool.zone = availabilityZone;
        pool.overSubscription = std::strtod(parts.config.text(section, "max_over_subscription_ratio").c_str(), nullptr);
        pool.reserved = parts.config.integer(section, "reserved_percentage");
        pool.thin = can.thin;
        pool.capabilities = {{"volume_backend_name", name},
                             {"pool_name", name},
                             {"vendor_name", "Open Source"},
                             {"storage_protocol", std::string(driver->protocol())},
                             {"thin_provisioning_support", truth(can.thin)},
                             {"thick_provisioning_support", truth(!can.thin)},
                             {"multiattach", truth(can.multiattach)},
                             {"QoS_support", "False"}};
        last_.push_back(std::move(pool));
    }
}

void Scheduler::refresh() {
    constexpr std::chrono::seconds fresh{1};
    const auto now = parts_.ambient.now();
    const auto isFresh = [&] {
        const std::lock_guard guard(lock_);
        return read_ != Time() && read_ <= now && now - read_ < fresh;
    };
    if (isFresh()) return;
    std::unique_lock asking(reading_, std::defer_lock);
    if (never()) // there is nothing else to go by
        asking.lock();
    else if (!asking.try_lock())
        return;
    if (isFresh()) return;
    for (std::size_t each = 0; each < backends_.all().size(); ++each) {
        auto* driver = backends_.all()[each];
        try {
            const auto total = gibibytes(driver->capacity()), free = gibibytes(driver->free());
            const std::lock_guard guard(lock_);
            last_[each].total = total;
            last_[each].free = free;
            last_[each].answers = true;
        } catch (const std::exception& problem) {
            parts_.log.error("the room in a back end could not be read",
                             {{"back end", std::string(driver->name())}, {"reason", problem.what()}});
            const std::lock_guard guard(lock_);
            last_[each].answers = false;
        }
    }
    const std::lock_guard guard(lock_);
    read_ = now;
}

bool Scheduler::never() const {
    const std::lock_guard guard(lock_);
    return read_ == Time();
}

std::vector<Pool> Scheduler::pools(store::Reader& db) const {
    std::vector<Pool> all;
    {
        const std::lock_guard guard(lock_);
        all = last_;
    }
    const auto promised = scheduler_table::promised(db);
    const auto disabled = scheduler_table::disabledHosts(db);
    for (auto& pool : all) {
        if (const auto found = promised.find(pool.name); found != promised.end()) {
            pool.allocated = static_cast<double>(found->second.gigabytes);
            pool.volumes = found->second.volumes;
        }
        pool.capabilities["total_capacity_gb"] = std::to_string(pool.total);
        pool.capabilities["free_capacity_gb"] = std::to_string(pool.free);
        const auto host = hostIn(pool.name);
        pool.disabled = std::find(disabled.begin(), disabled.end(), host) != disabled.end();
    }
    return all;
}

Placed Scheduler::place(store::Reader& db, const Placement& wanted) const {
    auto placed = block::place(pools(db), wanted);
    if (!placed)
        for (const auto& [pool, why] : placed.why)
            parts_.log.info("a pool can't have the volume",
                            {{"pool", pool}, {"size", std::to_string(wanted.size.count)}, {"reason", why}});
    return placed;
}

void Scheduler::apply(store::Reader& db, const ProjectId& project, const Hints& hints, Placement& wanted) const {
    const auto placesOf = [&](const std::vector<std::string>& volumes) {
        std::vector<std::string> places;
        for (const auto& each : volumes) {
            const auto volume = volume_table::find(db, VolumeId{each});
            if (volume && volume->project == project) places.push_back(hostIn(volume->host));
        }
        return places;
    };
    if (!hints.sameHost.empty()) {
        wanted.only = placesOf(hints.sameHost);
        if (wanted.only.empty()) wanted.only.emplace_back("-"); // beside what isn't there is nowhere
    }
    const auto apart = placesOf(hints.differentHost);
    wanted.notIn.insert(wanted.notIn.end(), apart.begin(), apart.end());
}

}
