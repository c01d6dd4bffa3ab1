#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <stratolet/driver/hypervisor.hpp>
#include <stratolet/ids.hpp>

#include "compute/flavor/flavor.hpp"
#include "platform/policy/policy.hpp"
#include "platform/store/store.hpp"

// A server: a value and its states. What is done to it, and where it is kept, is in the files beside this one.

namespace stratolet::compute {

///  Building ──► Active ◄──► Stopped
///      │          │            │
///      ▼          ▼            ▼
///    Error ◄──────┴────────────┘          any of them ──► Deleted
enum class VmState { Building, Active, Stopped, Error, Deleted };

/// What is being done to a server. Whoever sets one enqueues, in the same transaction, the job that ends it.
enum class TaskState { None, Scheduling, PoweringOn, PoweringOff, Rebooting, RebootingHard, Deleting };

std::string_view nameOf(VmState state);
std::string_view nameOf(TaskState state); ///< empty for None
VmState vmStateOf(std::string_view name);
TaskState taskStateOf(std::string_view name);

constexpr bool mayFollow(VmState from, VmState to) {
    using enum VmState;
    if (from == to) return from != Deleted;
    switch (from) {
    case Building: return to == Active || to == Error || to == Deleted;
    case Active: return to == Stopped || to == Error || to == Deleted;
    case Stopped: return to == Active || to == Error || to == Deleted;
    case Error: return to == Active || to == Stopped || to == Deleted;
    case Deleted: return false;
    }
    std::abort();
}

/// A server as it is kept.
struct Server {
    std::int64_t number = 0;
    ServerId id;
    ProjectId project;
    UserId user;
    std::string name;
    std::string hostname;
    std::optional<std::string> description;
    std::string host;
    VmState vm = VmState::Building;
    TaskState task = TaskState::None;
    PowerState power = PowerState::NoState;
    ImageId image; ///< empty where it boots from a volume
    std::string base;
    Flavor flavor; ///< as it was when the server was made
    std::optional<std::string> keyName;
    std::string keyType;
    std::string publicKey;
    std::optional<std::string> userData; ///< base64
    std::string accessIpv4, accessIpv6;
    std::string zone;                      ///< that it is in; empty where it is nowhere
    std::optional<std::string> pinnedZone; ///< that it was asked to be in, and stays in
    std::string hints = "{}";              ///< of the scheduler, a JSON object
    std::string diskConfig = "MANUAL";
    std::string reservation;
    std::int64_t launchIndex = 0;
    std::string lockedBy; ///< "owner", "admin", or empty
    std::optional<std::string> lockedReason;
    std::optional<std::string> fault, faultDetails;
    std::optional<Time> faultTime;
    Time created, updated;
    std::optional<Time> launched, terminated, deleted;
};

/// "ACTIVE", "BUILD", …
std::string_view statusOf(const Server& server);
bool isStatus(std::string_view word);           ///< one of the API's status words, upper case
std::string instanceName(const Server& server); ///< "instance-0000002a"
std::string hostIdOf(const Server& server);     ///< says whether two servers share a host, not which
std::string hostnameFrom(std::string_view name, const ServerId& id); ///< what of a name can be a host name

/// What a rule is asked about.
Target targetOf(const Server& server);

}
