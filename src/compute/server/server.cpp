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
                                                        {VmState::Paused, "paused"},
                                                        {VmState::Suspended, "suspended"},
                                                        {VmState::Rescued, "rescued"},
                                                        {VmState::Resized, "resized"},
                                                        {VmState::SoftDeleted, "soft-delete"},
                                                        {VmState::Shelved, "shelved"},
                                                        {VmState::ShelvedOffloaded, "shelved_offloaded"},
                                                        {VmState::Error, "error"},
                                                        {VmState::Deleted, "deleted"}});
constexpr auto taskNames = std::to_array<Names<TaskState>>({{TaskState::None, ""},
                                                            {TaskState::Scheduling, "scheduling"},
                                                            {TaskState::PoweringOn, "powering-on"},
                                                            {TaskState::PoweringOff, "powering-off"},
                                                            {TaskState::Rebooting, "rebooting"},
                                                            {TaskState::RebootingHard, "rebooting_hard"},
                                                            {TaskState::Pausing, "pausing"},
                                                            {TaskState::Unpausing, "unpausing"},
                                                            {TaskState::Suspending, "suspending"},
                                                            {TaskState::Resuming, "resuming"},
                                                            {TaskState::Rescuing, "rescuing"},
                                                            {TaskState::Unrescuing, "unrescuing"},
                                                            {TaskState::Rebuilding, "rebuilding"},
                                                            {TaskState::ResizePrep, "resize_prep"},
                                                            {TaskState::ResizeMigrating, "resize_migrating"},
                                                            {TaskState::ResizeFinish, "resize_finish"},
                                                            {TaskState::ResizeConfirming, "resize_confirming"},
                                                            {TaskState::ResizeReverting, "resize_reverting"},
                                                            {TaskState::Migrating, "migrating"},
                                                            {TaskState::Shelving, "shelving"},
                                                            {TaskState::ShelvingOffloading, "shelving_offloading"},
                                                            {TaskState::Unshelving, "unshelving"},
                                                            {TaskState::ImageSnapshot, "image_snapshot"},
                                                            {TaskState::ImageUploading, "image_uploading"},
                                                            {TaskState::ImageBackup, "image_backup"},
                                                            {TaskState::SoftDeleting, "soft-deleting"},
                                                            {TaskState::Restoring, "restoring"},
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

const std::vector<StatusRule>& statusRules() {
    using enum TaskState;
    static const std::vector<TaskState> resize{ResizePrep, ResizeMigrating, ResizeFinish};
    static const std::vector<StatusRule> rules{
        {"BUILD", VmState::Building},
        {"REBOOT", VmState::Active, {Rebooting}},
        {"HARD_REBOOT", VmState::Active, {RebootingHard}},
        {"REBUILD", VmState::Active, {Rebuilding}},
        {"MIGRATING", VmState::Active, {Migrating}},
        {"RESIZE", VmState::Active, resize},
        {"ACTIVE", VmState::Active},
        {"RESIZE", VmState::Stopped, resize},
        {"REBUILD", VmState::Stopped, {Rebuilding}},
        {"SHUTOFF", VmState::Stopped},
        {"MIGRATING", VmState::Paused, {Migrating}},
        {"PAUSED", VmState::Paused},
        {"SUSPENDED", VmState::Suspended},
        {"RESCUE", VmState::Rescued},
        {"REVERT_RESIZE", VmState::Resized, {ResizeReverting}},
        {"VERIFY_RESIZE", VmState::Resized},
        {"SOFT_DELETED", VmState::SoftDeleted},
        {"SHELVED", VmState::Shelved},
        {"SHELVED_OFFLOADED", VmState::ShelvedOffloaded},
        {"REBUILD", VmState::Error, {Rebuilding}},
        {"ERROR", VmState::Error},
        {"DELETED", VmState::Deleted},
    };
    return rules;
}

std::string_view statusOf(const Server& server) {
    for (const auto& rule : statusRules())
        if (rule.vm == server.vm &&
            (rule.tasks.empty() || std::find(rule.tasks.begin(), rule.tasks.end(), server.task) != rule.tasks.end()))
            return rule.status;
    throw Error(Failure::Broken, "a server's state ", nameOf(server.vm), " makes no status");
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
