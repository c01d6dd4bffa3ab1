#include "platform/metrics/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>

namespace stratolet {
namespace {

/// What some families have in common: they are read at once.
using Reading = std::function<std::vector<Metrics::Samples>()>;

struct Family {
    std::string help;
    std::map<std::string, std::unique_ptr<Metrics::Counter>> counters; // by labels
    std::map<std::string, std::unique_ptr<Metrics::Histogram>> histograms;
    std::shared_ptr<const Reading> reading; // of gauges
    std::size_t place = 0;                  // among the families of that reading
    Metrics::For whom = Metrics::For::Anybody;
};

std::string numberText(double number) {
    if (number == std::floor(number) && std::abs(number) < 1e15)
        return std::to_string(static_cast<std::int64_t>(number));
    return std::to_string(number);
}

std::string boundText(double bound) {
    auto text = std::to_string(bound);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text;
}

void addLine(std::string& out, std::string_view name, std::string_view suffix, std::string_view labels,
             std::string_view value) {
    out.append(name).append(suffix);
    if (!labels.empty()) out.append(1, '{').append(labels).append(1, '}');
    out.append(1, ' ').append(value).append(1, '\n');
}

}

std::string metricLabel(std::string_view name, std::string_view value, std::string_view before) {
    std::string out(before);
    if (!before.empty()) out += ',';
    out.append(name).append("=\"");
    for (const char each : value) {
        if (each == '\\' || each == '"') out += '\\';
        each == '\n' ? out += "\\n" : out += each;
    }
    return out + '"';
}

void Metrics::Histogram::observe(std::chrono::nanoseconds took) {
    const double seconds = std::chrono::duration<double>(took).count();
    const auto bound = std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin();
    counts_[static_cast<std::size_t>(bound)].fetch_add(1, std::memory_order_relaxed);
    nanoseconds_.fetch_add(static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0)),
                           std::memory_order_relaxed);
}

struct Metrics::Impl {
    mutable std::mutex mutex;
    std::map<std::string, Family, std::less<>> families;

    Family& family(std::string_view name, std::string_view help) { // mutex held
        auto& found = families[std::string(name)];
        found.help = help;
        return found;
    }

    static void add(std::string& out, std::string_view name, std::string_view labels, const Histogram& histogram) {
        std::uint64_t sum = 0;
        for (std::size_t each = 0; each < histogram.counts_.size(); ++each) {
            sum += histogram.counts_[each].load(std::memory_order_relaxed);
            const auto bound = each < Histogram::bounds.size() ? boundText(Histogram::bounds[each]) : "+Inf";
            addLine(out, name, "_bucket", metricLabel("le", bound, labels), std::to_string(sum));
        }
        const auto nanoseconds = static_cast<double>(histogram.nanoseconds_.load(std::memory_order_relaxed));
        addLine(out, name, "_sum", labels, std::to_string(nanoseconds / 1e9));
        addLine(out, name, "_count", labels, std::to_string(sum));
    }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Metrics::Counter& Metrics::counter(std::string_view name, std::string_view help, std::string_view labels) {
    const std::lock_guard guard(impl_->mutex);
    auto& counter = impl_->family(name, help).counters[std::string(labels)];
    if (!counter) counter = std::make_unique<Counter>(0);
    return *counter;
}

Metrics::Histogram& Metrics::histogram(std::string_view name, std::string_view help, std::string_view labels) {
    const std::lock_guard guard(impl_->mutex);
    auto& histogram = impl_->family(name, help).histograms[std::string(labels)];
    if (!histogram) histogram = std::make_unique<Histogram>();
    return *histogram;
}

void Metrics::gauge(std::string_view name, std::string_view help, std::function<double()> read) {
    gauges(name, help, [read = std::move(read)] { return Samples{{"", read()}}; });
}

void Metrics::gauges(std::string_view name, std::string_view help, std::function<Samples()> read, For whom) {
    gauges(
        std::vector<Named>{{std::string(name), std::string(help)}},
        [read = std::move(read)] { return std::vector<Samples>{read()}; }, whom);
}

void Metrics::gauges(const std::vector<Named>& families, std::function<std::vector<Samples>()> read, For whom) {
    const auto reading = std::make_shared<const Reading>(std::move(read));
    const std::lock_guard guard(impl_->mutex);
    for (std::size_t place = 0; place < families.size(); ++place) {
        auto& family = impl_->family(families[place].name, families[place].help);
        family.reading = reading;
        family.place = place;
        family.whom = whom;
    }
}

std::string Metrics::text(For whom) const {
    const std::lock_guard guard(impl_->mutex);
    std::string out;
    std::map<const Reading*, std::vector<Samples>> known; // of this look
    for (const auto& [name, family] : impl_->families) {
        if (family.whom == For::Operators && whom == For::Anybody) continue;
        const Samples none, *samples = &none;
        if (const auto* reading = family.reading.get()) {
            const auto [found, first] = known.try_emplace(reading);
            if (first) try {
                    found->second = (*reading)();
                } catch (const std::exception&) { // the store is busy, say: the others are worth having
                }
            if (family.place >= found->second.size()) continue;
            samples = &found->second[family.place];
        }
        out.append("# HELP ").append(name).append(1, ' ').append(family.help).append("\n# TYPE ").append(name);
        out += family.reading ? " gauge\n" : family.histograms.empty() ? " counter\n" : " histogram\n";
        for (const auto& [labels, value] : *samples) addLine(out, name, "", labels, numberText(value));
        for (const auto& [labels, counter] : family.counters)
            addLine(out, name, "", labels, std::to_string(counter->load(std::memory_order_relaxed)));
        for (const auto& [labels, histogram] : family.histograms) Impl::add(out, name, labels, *histogram);
    }
    return out;
}

Metrics::Counter& mendedOf(Metrics& metrics, std::string_view what) {
    return metrics.counter("stratolet_mended_total", "Things of the host that were not as they should be",
                           metricLabel("what", what));
}

}
