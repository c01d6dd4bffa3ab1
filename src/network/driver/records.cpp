#include "network/driver/records.hpp"

#include "network/driver/linux_names.hpp"

namespace stratolet::network {

namespace {

class RecordsNetworkDriver : public NetworkDriver {
public:
    void apply(const NetworkPlan&) override {}
    std::string tapOf(const PortId& port) const override { return tapNameOf(port); }
    std::vector<MetadataListener> takeMetadataListeners() override { return {}; }
};

}

std::unique_ptr<NetworkDriver> recordsNetworkDriver() { return std::make_unique<RecordsNetworkDriver>(); }

}
