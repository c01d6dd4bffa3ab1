#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace stratolet {

/// `name="value"`, with what the text format wants escaped in a value; `before` are labels that it follows.
std::string metricLabel(std::string_view name, std::string_view value, std::string_view before = "");

/// Counts for Prometheus (text format 0.0.4). Counters are made at start-up, or when first needed, and bumped without
/// a lock. Any thread.
class Metrics {
public:
    using Counter = std::atomic<std::uint64_t>;

    /// How long something took, counted by upper bounds that reach from half a millisecond to ten seconds.
    class Histogram {
    public:
        static constexpr std::array<double, 14> bounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                       0.1,    0.25,  0.5,    1,     2.5,  5,     10}; ///< seconds

        void observe(std::chrono::nanoseconds took);

    private:
        friend class Metrics;
        std::array<Counter, bounds.size() + 1> counts_{}; // the last: longer than any bound
        Counter nanoseconds_{0};
    };

    /// One line of a family: its labels, as metricLabel() makes them, and its value.
    struct Sample {
        std::string labels;
        double value = 0;
    };
    using Samples = std::vector<Sample>;

    /// Who gets to see a family. What names things or people of somebody is for operators.
    enum class For { Anybody, Operators };

    Metrics();
    ~Metrics();

    /// The counter of this name and these labels (`method="GET",status="200"`), made when first asked for. Lives as
    /// long as this.
    Counter& counter(std::string_view name, std::string_view help, std::string_view labels = "");

    /// The same for how long things took. `name` ends in "_seconds".
    Histogram& histogram(std::string_view name, std::string_view help, std::string_view labels = "");

    /// A value read when somebody looks.
    void gauge(std::string_view name, std::string_view help, std::function<double()> read);

    /// Several, by labels. What `read` throws leaves the family out of that look.
    void gauges(std::string_view name, std::string_view help, std::function<Samples()> read, For whom = For::Anybody);

    struct Named {
        std::string name, help;
    };
    /// Families that one reading tells of, once a look: the samples of each, in their order.
    void gauges(const std::vector<Named>& families, std::function<std::vector<Samples>()> read,
                For whom = For::Anybody);

    /// All that `whom` may see.
    std::string text(For whom = For::Anybody) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Things of the host that were not as they should be, and have been made so: "guest", "network", …
Metrics::Counter& mendedOf(Metrics& metrics, std::string_view what);

}
