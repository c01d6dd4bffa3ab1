#include "compute/scheduler/query.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include <stratolet/error.hpp>

namespace stratolet::compute {
namespace {

using Value = std::variant<std::monostate, bool, double, std::string>;

Value variableOf(const Host& host, std::string_view name) {
    const auto number = [](std::int64_t of) { return static_cast<double>(of); };
    if (name == "free_ram_mb") return number(host.memory.count - host.load.ram.count);
    if (name == "free_disk_mb") return number((host.disk.count - host.load.disk.count) * 1024);
    if (name == "total_usable_ram_mb") return number(host.memory.count);
    if (name == "total_usable_disk_gb") return number(host.disk.count);
    if (name == "vcpus_total") return number(host.vcpus);
    if (name == "vcpus_used") return number(host.load.vcpus);
    if (name == "num_instances") return number(host.load.servers);
    if (name == "num_io_ops") return number(host.load.tasks);
    if (name == "hypervisor_hostname" || name == "nodename") return host.hostname;
    if (name == "hypervisor_type") return host.type;
    if (name == "hypervisor_version") return number(host.version);
    if (name == "host" || name == "service.host") return host.name.text;
    return {};
}

Value valueOf(const Host& host, const Json& json);

bool compared(const std::string& operation, const std::vector<Value>& values) {
    if (values.size() < 2) return false;
    const auto all = [&](const auto& holds) {
        return std::all_of(values.begin() + 1, values.end(), [&](const Value& each) {
            return each.index() == values.front().index() && holds(values.front(), each);
        });
    };
    if (operation == "=") return all(std::equal_to<>());
    if (operation == "<") return all(std::less<>());
    if (operation == ">") return all(std::greater<>());
    if (operation == "<=") return all(std::less_equal<>());
    if (operation == ">=") return all(std::greater_equal<>());
    return std::find(values.begin() + 1, values.end(), values.front()) != values.end(); // in
}

bool isTrue(const Value& value) {
    const auto* truth = std::get_if<bool>(&value);
    return truth != nullptr && *truth;
}

Value valueOfList(const Host& host, const Json& list) {
    const auto items = list.items();
    if (items.empty() || !items.front().isText()) list.refuse("A query begins with an operation.");
    const auto operation = items.front().text();
    std::vector<Value> values;
    for (auto each = items.begin() + 1; each != items.end(); ++each) {
        if (operation == "in" && each->isArray())
            for (const auto& one : each->items()) values.push_back(valueOf(host, one));
        else
            values.push_back(valueOf(host, *each));
    }
    if (operation == "not") return !values.empty() && std::none_of(values.begin(), values.end(), isTrue);
    if (operation == "or") return std::any_of(values.begin(), values.end(), isTrue);
    if (operation == "and") return std::all_of(values.begin(), values.end(), isTrue);
    constexpr std::string_view known[] = {"=", "<", ">", "<=", ">=", "in"};
    if (std::find(std::begin(known), std::end(known), operation) == std::end(known))
        items.front().refuse("There is no such operation.");
    return compared(operation, values);
}

Value valueOf(const Host& host, const Json& json) {
    if (json.isArray()) return valueOfList(host, json);
    if (json.isBoolean()) return json.boolean();
    if (json.isNumber()) return json.number();
    if (!json.isText()) json.refuse("It is no value.");
    const auto text = json.text();
    return text.starts_with("$") ? variableOf(host, std::string_view(text).substr(1)) : Value(text);
}

}

bool meetsQuery(const Host& host, const std::string& query) {
    const auto json = Json::parse(query);
    return json.isArray() && isTrue(valueOfList(host, json));
}

void requireQuery(const std::string& query) {
    const auto json = Json::parse(query);
    if (!json.isArray()) json.refuse("A query is a list.");
    static_cast<void>(valueOfList(Host{}, json));
}

}
