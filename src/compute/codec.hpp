#pragma once

#include <map>
#include <string>

#include <stratolet/driver/hypervisor.hpp>

#include "compute/server/server.hpp"
#include "resource/codec.hpp"

// How compute's own types are kept and shown.

namespace stratolet::resource {

template <> struct Codec<double> {
    static constexpr Kind kind = Kind::Other;
    static double load(const store::Row& row, int column) { return row.real(column); }
    static store::Value bind(double number) { return number; }
    static void show(JsonWriter& out, double number) { out.value(number); }
};

template <> struct Codec<compute::VmState> {
    static constexpr Kind kind = Kind::Text;
    static compute::VmState load(const store::Row& row, int column) { return compute::vmStateOf(row.text(column)); }
    static store::Value bind(compute::VmState state) { return compute::nameOf(state); }
    static void show(JsonWriter& out, compute::VmState state) { out.value(compute::nameOf(state)); }
};

/// None is null.
template <> struct Codec<compute::TaskState> {
    static constexpr Kind kind = Kind::Text;
    static constexpr bool nullable = true;
    static compute::TaskState load(const store::Row& row, int column) { return compute::taskStateOf(row.text(column)); }
    static store::Value bind(compute::TaskState state) {
        return state == compute::TaskState::None ? store::Value(nullptr) : store::Value(compute::nameOf(state));
    }
    static void show(JsonWriter& out, compute::TaskState state) {
        state == compute::TaskState::None ? out.value(nullptr) : out.value(compute::nameOf(state));
    }
};

template <> struct Codec<PowerState> {
    static constexpr Kind kind = Kind::Whole;
    static PowerState load(const store::Row& row, int column) { return static_cast<PowerState>(row.integer(column)); }
    static store::Value bind(PowerState state) { return static_cast<int>(state); }
    static void show(JsonWriter& out, PowerState state) { out.value(static_cast<int>(state)); }
};

/// Texts by name, kept whole in one column as a JSON object.
template <> struct Codec<std::map<std::string, std::string>> {
    static constexpr Kind kind = Kind::Other;
    static std::map<std::string, std::string> load(const store::Row& row, int column);
    static store::Value bind(const std::map<std::string, std::string>& texts);
    static void show(JsonWriter& out, const std::map<std::string, std::string>& texts) {
        const auto scope = out.object();
        for (const auto& [name, value] : texts) out.field(name, value);
    }
};

}
