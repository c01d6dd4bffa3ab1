#include "appliance/settings.hpp"

#include <stratolet/error.hpp>

#include "appliance/events/audit.hpp"
#include "appliance/events/webhooks.hpp"
#include "block/block.hpp"
#include "compute/compute.hpp"
#include "identity/identity.hpp"
#include "image/image.hpp"
#include "network/network.hpp"
#include "platform/text/text.hpp"

namespace stratolet {
namespace {

ConfigType listenAddress() {
    return {"ADDRESS:PORT", [](const std::string& text) -> std::string {
                try {
                    parseListenAddress(text);
                    return {};
                } catch (const Error& problem) {
                    return problem.what();
                }
            }};
}

}

std::vector<ConfigOption> allConfigOptions() {
    std::vector<ConfigOption> options = {
        {"DEFAULT", "listen", "127.0.0.1:8780", listOf(listenAddress())},
        {"DEFAULT", "endpoint", "", orNothing(httpAddress())},
        {"DEFAULT", "state_dir", "/var/lib/stratolet", folderName()},
        {"DEFAULT", "policy_dir", "/etc/stratolet/policy.d", orNothing(existingFolder())},
        {"policy", "enforce_scope", "true", trueOrFalse()},
        {"store", "checkpoints", "self", oneOf({"self", "shipper"})},
        {"DEFAULT", "region", "RegionOne", plainName()},
        {"DEFAULT", "classic_ports", "false", trueOrFalse()},
        {"DEFAULT", "certificate", "", orNothing(readableFile())},
        {"DEFAULT", "key", "", orNothing(readableFile())},
        {"DEFAULT", "plain_http", "false", trueOrFalse()},
        {"DEFAULT", "admin_group", "stratolet", orNothing(plainName())},
        {"DEFAULT", "io_threads", "0", wholeNumber(0, 64)},
        {"DEFAULT", "worker_threads", "64", wholeNumber(1, 1024)},
        {"DEFAULT", "job_threads", "8", wholeNumber(1, 64)},
        {"DEFAULT", "connections_max", "4096", wholeNumber(1, 1000000)},
        {"DEFAULT", "connections_per_peer", "1024", wholeNumber(1, 1000000)},
        {"DEFAULT", "log_format", "text", oneOf({"text", "json"})},
        {"DEFAULT", "log_level", "info", oneOf({"debug", "info", "warning", "error"})},
    };
    const auto append = [&](std::vector<ConfigOption> more) {
        options.insert(options.end(), more.begin(), more.end());
    };
    append(eventOptions());
    append(auditOptions());
    append(identity::configOptions());
    append(image::configOptions());
    append(block::configOptions());
    append(network::configOptions());
    append(compute::configOptions());
    return options;
}

std::string publicEndpoint(const Config& config) {
    std::string endpoint = config.text("DEFAULT", "endpoint");
    while (endpoint.ends_with('/')) endpoint.pop_back();
    return endpoint;
}

ListenAddress parseListenAddress(const std::string& text) {
    const auto colon = text.rfind(':');
    const auto port =
        colon == std::string::npos ? std::nullopt : wholeNumberIn(std::string_view(text).substr(colon + 1));
    if (!port || *port < 0 || *port > 65535 || colon == 0)
        throw Error(Failure::Invalid, "\"", text,
                    "\" is no address to listen on; write ADDRESS:PORT, such as 127.0.0.1:8780");
    std::string address = text.substr(0, colon);
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    return {address, static_cast<std::uint16_t>(*port)};
}

std::vector<ListenAddress> addressesIn(const Settings& settings) {
    auto addresses = settings.listen;
    if (addresses.empty())
        for (const auto& each : settings.config.list("DEFAULT", "listen"))
            addresses.push_back(parseListenAddress(each));
    return addresses;
}

}
