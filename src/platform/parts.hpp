#pragma once

namespace stratolet {

class Ambient;
class Config;
class Log;
class Metrics;
class Policies;
class Reconciler;
struct ThisCloud;
namespace store {
class Store;
}
namespace jobs {
class Jobs;
}
namespace bus {
class Bus;
}

/// What every service is given: the mechanisms, built by hand in the appliance, living longer than any service.
struct Parts {
    store::Store& store;
    jobs::Jobs& jobs;
    bus::Bus& bus;
    Reconciler& reconciler;
    Policies& policies;
    Config& config;
    Ambient& ambient;
    Log& log;
    Metrics& metrics;
    const ThisCloud& cloud;
};

}
