#include "network/l2/dhcp_option.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "network/address.hpp"

namespace stratolet::network {

namespace {

constexpr std::size_t optionsMost = 64;

}

DhcpOptions dhcpOptionsIn(const Body& body, DhcpOptions options) {
    constexpr std::string_view attribute = "extra_dhcp_opts";
    const auto list = body.find(attribute);
    if (!list || list->isNull()) return options;
    if (!list->isArray()) refuseInput(attribute, "'" + list->dump() + "' is not a list.");
    for (const auto& each : list->items()) {
        if (!each.isObject() || !each.has("opt_name") || !each.at("opt_name").isText() || !each.has("opt_value"))
            refuseInput(attribute, "'" + each.dump() + "' has no opt_name and opt_value.");
        for (const auto& name : each.names())
            if (name != "opt_name" && name != "opt_value" && name != "ip_version")
                refuseInput(attribute, "'" + name + "' is unknown.");
        DhcpOption option{each.text("opt_name"), "", 4};
        if (!isDhcpOptionName(option.name)) refuseInput(attribute, "'" + option.name + "' is no name of an option.");
        if (each.has("ip_version")) {
            const auto version = wholeOf(each.at("ip_version"));
            if (!version || (*version != 4 && *version != 6))
                refuseInput(attribute, "'" + each.at("ip_version").dump() + "' is not in [4, 6].");
            option.version = static_cast<int>(*version);
        }
        const auto same = [&](const DhcpOption& other) {
            return other.name == option.name && other.version == option.version;
        };
        const auto value = each.at("opt_value");
        if (!value.isNull()) {
            option.value = value.isText() ? value.text() : value.dump();
            if (!isDhcpOptionValue(option.value))
                refuseInput(attribute, "'" + option.value + "' is no value of an option.");
        }
        const auto found = std::find_if(options.begin(), options.end(), same);
        if (found != options.end() && value.isNull())
            options.erase(found);
        else if (found != options.end())
            *found = option;
        else if (!value.isNull())
            options.push_back(option);
    }
    if (options.size() > optionsMost)
        refuseInput(attribute, "there are more than " + std::to_string(optionsMost) + ".");
    return options;
}

}

namespace stratolet::resource {

using network::DhcpOption;
using network::DhcpOptions;

DhcpOptions Codec<DhcpOptions>::load(const store::Row& row, int column) {
    DhcpOptions options;
    const auto text = row.text(column);
    if (text == "[]") return options;
    for (const auto& each : Json::parse(text).items())
        options.push_back(
            {each.text("opt_name"), each.text("opt_value"), static_cast<int>(each.integer("ip_version"))});
    return options;
}

store::Value Codec<DhcpOptions>::bind(const DhcpOptions& options) {
    std::string text;
    JsonWriter out(text);
    show(out, options);
    return text;
}

void Codec<DhcpOptions>::show(JsonWriter& out, const DhcpOptions& options) {
    const auto list = out.array();
    for (const auto& each : options) {
        const auto option = out.object();
        out.field("opt_name", each.name);
        out.field("opt_value", each.value);
        out.field("ip_version", each.version);
    }
}

}
