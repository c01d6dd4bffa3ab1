#include "compute/driver/libvirt_counters.hpp"

#include <map>
#include <string>

#include "compute/driver/libvirt_calls.hpp"

namespace stratolet::compute::libvirt {
namespace {

void freeRecords(virDomainStatsRecordPtr* records) { virDomainStatsRecordListFree(records); }

/// One guest's statistics by their names ("block.0.rd.bytes"); what isn't there reads as nothing.
class Statistics {
public:
    explicit Statistics(virDomainPtr domain) {
        virDomainPtr only[] = {domain, nullptr};
        virDomainStatsRecordPtr* found = nullptr;
        constexpr unsigned kinds =
            VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_BLOCK | VIR_DOMAIN_STATS_INTERFACE | VIR_DOMAIN_STATS_BALLOON;
        const int count = virDomainListGetStats(only, kinds, &found, 0);
        const Handle<virDomainStatsRecordPtr, freeRecords> owner(found);
        if (count < 1) fail("read what was counted of a guest");
        for (int at = 0; at < found[0]->nparams; ++at) {
            const virTypedParameter& each = found[0]->params[at];
            switch (each.type) {
            case VIR_TYPED_PARAM_INT: numbers_[each.field] = each.value.i; break;
            case VIR_TYPED_PARAM_UINT: numbers_[each.field] = each.value.ui; break;
            case VIR_TYPED_PARAM_LLONG: numbers_[each.field] = each.value.l; break;
            case VIR_TYPED_PARAM_ULLONG: numbers_[each.field] = static_cast<std::int64_t>(each.value.ul); break;
            case VIR_TYPED_PARAM_STRING: texts_[each.field] = each.value.s; break;
            default: break;
            }
        }
    }

    std::optional<std::int64_t> maybe(const std::string& name) const {
        const auto found = numbers_.find(name);
        return found == numbers_.end() ? std::nullopt : std::optional(found->second);
    }
    std::int64_t number(const std::string& name) const { return maybe(name).value_or(0); }
    std::string text(const std::string& name) const {
        const auto found = texts_.find(name);
        return found == texts_.end() ? "" : found->second;
    }

private:
    std::map<std::string, std::int64_t> numbers_;
    std::map<std::string, std::string> texts_;
};

GuestCounters::Traffic trafficIn(const Statistics& all, const std::string& before) {
    return {.bytes = all.number(before + ".bytes"),
            .packets = all.number(before + ".pkts"),
            .errors = all.number(before + ".errs"),
            .dropped = all.number(before + ".drop")};
}

}

GuestCounters countersOf(virDomainPtr domain) {
    const Statistics all(domain);
    GuestCounters counters;
    for (std::int64_t id = 0; id < all.number("vcpu.current"); ++id)
        counters.cpus.push_back({.id = static_cast<int>(id),
                                 .time = std::chrono::nanoseconds(all.number("vcpu." + std::to_string(id) + ".time"))});
    for (std::int64_t at = 0; at < all.number("block.count"); ++at) {
        const std::string disk = "block." + std::to_string(at);
        counters.disks.push_back({.device = all.text(disk + ".name"),
                                  .readBytes = all.number(disk + ".rd.bytes"),
                                  .readRequests = all.number(disk + ".rd.reqs"),
                                  .writtenBytes = all.number(disk + ".wr.bytes"),
                                  .writeRequests = all.number(disk + ".wr.reqs"),
                                  .errors = all.maybe(disk + ".errors")});
    }
    for (std::int64_t at = 0; at < all.number("net.count"); ++at) {
        const std::string nic = "net." + std::to_string(at);
        counters.nics.push_back({.device = all.text(nic + ".name"),
                                 .mac = "",
                                 .received = trafficIn(all, nic + ".rx"),
                                 .sent = trafficIn(all, nic + ".tx")});
    }
    counters.memoryMax = MiB{all.number("balloon.maximum") / 1024};
    counters.memoryUsed = MiB{all.number("balloon.current") / 1024};
    return counters;
}

}
