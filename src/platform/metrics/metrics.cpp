#include "platform/metrics/metrics.hpp"

#include <cmath>
#include <map>
#include <mutex>

namespace stratolet {
namespace {

struct Family {
    std::string help;
    std::map<std::string, std::unique_ptr<Metrics::Counter>> counters; // by labels
    std::function<double()> read;                                      // a gauge, else counters
};

std::string numberText(double number) {
    if (number == std::floor(number) && std::abs(number) < 1e15)
        return std::to_string(static_cast<std::int64_t>(number));
    return std::to_string(number);
}

}

struct Metrics::Impl {
    mutable std::mutex mutex;
    std::map<std::string, Family, std::less<>> families;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Metrics::Counter& Metrics::counter(std::string_view name, std::string_view help, std::string_view labels) {
    const std::lock_guard guard(impl_->mutex);
    auto& family = impl_->families[std::string(name)];
    family.help = help;
    auto& counter = family.counters[std::string(labels)];
    if (!counter) counter = std::make_unique<Counter>(0);
    return *counter;
}

void Metrics::gauge(std::string_view name, std::string_view help, std::function<double()> read) {
    const std::lock_guard guard(impl_->mutex);
    auto& family = impl_->families[std::string(name)];
    family.help = help;
    family.read = std::move(read);
}

std::string Metrics::text() const {
    const std::lock_guard guard(impl_->mutex);
    std::string out;
    for (const auto& [name, family] : impl_->families) {
        out.append("# HELP ").append(name).append(1, ' ').append(family.help).append("\n# TYPE ").append(name);
        out += family.read ? " gauge\n" : " counter\n";
        if (family.read) out.append(name).append(1, ' ').append(numberText(family.read())).append(1, '\n');
        for (const auto& [labels, counter] : family.counters) {
            out += name;
            if (!labels.empty()) out.append(1, '{').append(labels).append(1, '}');
            out.append(1, ' ').append(std::to_string(counter->load(std::memory_order_relaxed))).append(1, '\n');
        }
    }
    return out;
}

}
