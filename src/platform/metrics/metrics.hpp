#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace stratolet {

/// Counts for Prometheus (text format 0.0.4). Counters are made at start-up and bumped without a lock.
class Metrics {
public:
    using Counter = std::atomic<std::uint64_t>;

    Metrics();
    ~Metrics();

    /// The counter of this name and these labels (`method="GET",status="200"`), made when first asked for. Lives as
    /// long as this.
    Counter& counter(std::string_view name, std::string_view help, std::string_view labels = "");

    /// A value read when somebody looks.
    void gauge(std::string_view name, std::string_view help, std::function<double()> read);

    std::string text() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
