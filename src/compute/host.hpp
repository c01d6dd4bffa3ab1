#pragma once

#include <stratolet/driver/hypervisor.hpp>

#include <mutex>
#include <optional>
#include <string>

#include "platform/ambient/ambient.hpp"
#include "platform/http/http.hpp"
#include "platform/store/store.hpp"

namespace stratolet::compute {

inline constexpr std::string_view defaultZone = "nova";

/// The machine that runs the servers: a row, so that there may be more of them one day.
class Host {
public:
    Host(store::Store& store, Hypervisor& hypervisor, Ambient& ambient) : store_(store), hypervisor_(hypervisor), ambient_(ambient) {}

    struct Facts {
        std::string name;
        std::int64_t number = 1;
        std::string hypervisorId, serviceId;
        Time created;
        HypervisorCapacity capacity;
    };

    /// Looked up when first asked for.
    Facts facts();

    /// The machine has been started anew since rememberStart().
    bool restarted();
    void rememberStart();

    store::Store& store() { return store_; }
    Ambient& ambient() { return ambient_; }

private:
    store::Store& store_;
    Hypervisor& hypervisor_;
    Ambient& ambient_;
    std::mutex lock_;
    std::optional<Facts> facts_;
};

void addHostRoutes(http::Routes& routes, Host& host);

}
