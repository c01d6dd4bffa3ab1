#include "compute/server/server.hpp"

#include <algorithm>
#include <array>

#include <stratolet/error.hpp>

#include "compute/encoding.hpp"

namespace stratolet::compute {
namespace {

template <class State> using Names = std::pair<State, std::string_view>;

constexpr auto vmNames = std::to_array<Names<VmState>>({{VmState::Building, "building"},
                                                        {VmState::Active, "active"},
                                                        {VmState::Stopped, "stopped"},
                                                        {VmState::Error, "error"},
                                                        {VmState::Deleted, "deleted"}});
constexpr auto taskNames = std::to_array<Names<TaskState>>({{TaskState::None, ""},
                                                            {TaskState::Scheduling, "scheduling"},
                                                            {TaskState::PoweringOn, "powering-on"},
                                                            {TaskState::PoweringOff, "powering-off"},
                                                            {TaskState::Rebooting, "rebooting"},
                                                            {TaskState::RebootingHard, "rebooting_hard"},
                                                            {TaskState::Deleting, "deleting"}});

template <class Table, class State> std::string_view nameIn(const Table& table, State state) {
    return std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.first == state; })->second;
}

template <class Table> auto stateIn(const Table& table, std::string_view name) {
    const auto found =
        std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.second == name; });
    if (found == table.end())
        throw Error(Failure::Broken, "a server's row has the state '", name, "', which isn't one");
    return found->first;
}

constexpr auto statusWords =
    std::to_array<std::string_view>({"ACTIVE",    "BUILD",        "DELETED",       "ERROR",   "HARD_REBOOT",
                                     "MIGRATING", "PASSWORD",     "PAUSED",        "REBOOT",  "REBUILD",
                                     "RESCUE",    "RESIZE",       "REVERT_RESIZE", "SHELVED", "SHELVED_OFFLOADED",
                                     "SHUTOFF",   "SOFT_DELETED", "SUSPENDED",     "UNKNOWN", "VERIFY_RESIZE"});

}

std::string_view nameOf(VmState state) { return nameIn(vmNames, state); }
std::string_view nameOf(TaskState state) { return nameIn(taskNames, state); }
VmState vmStateOf(std::string_view name) { return stateIn(vmNames, name); }
TaskState taskStateOf(std::string_view name) { return stateIn(taskNames, name); }

std::string_view statusOf(const Server& server) {
    switch (server.vm) {
    case VmState::Building: return "BUILD";
    case VmState::Active:
        return server.task == TaskState::Rebooting       ? "REBOOT"
               : server.task == TaskState::RebootingHard ? "HARD_REBOOT"
                                                         : "ACTIVE";
    case VmState::Stopped: return "SHUTOFF";
    case VmState::Error: return "ERROR";
    case VmState::Deleted: return "DELETED";
    }
    std::abort();
}

bool isStatus(std::string_view word) {
    return std::find(statusWords.begin(), statusWords.end(), word) != statusWords.end();
}

std::string instanceName(const Server& server) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "instance-%08llx", static_cast<unsigned long long>(server.number));
    return text.data();
}

std::string hostIdOf(const Server& server) {
    return server.host.empty() ? "" : sha224Hex(server.project.text + server.host);
}

std::string hostnameFrom(std::string_view name, const ServerId& id) {
    std::string host;
    for (const char letter : name) {
        const auto byte = static_cast<unsigned char>(letter);
        if (byte < 0x80 && std::isalnum(byte))
            host += static_cast<char>(std::tolower(byte));
        else if (letter == ' ' || letter == '_' || letter == '-' || letter == '.')
            host += '-';
    }
    const auto from = host.find_first_not_of('-');
    host = from == std::string::npos ? "" : host.substr(from, 63);
    while (!host.empty() && host.back() == '-') host.pop_back();
    return host.empty() ? "server-" + id.text : host;
}

Target targetOf(const Server& server) { return {{"project_id", server.project.text}, {"user_id", server.user.text}}; }

}
