#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stratolet/driver/hypervisor.hpp>
#include <stratolet/ids.hpp>

#include "compute/flavor/flavor.hpp"
#include "platform/policy/policy.hpp"
#include "platform/store/store.hpp"

// A server: a value and its states. What is done to it, and where it is kept, is in the files beside this one.

namespace stratolet::compute {

/// What a server is when nothing is being done to it. A guest runs in Active, Paused, Rescued and Resized; it is off in
/// Stopped, Suspended (its memory is on disk), SoftDeleted and Shelved; there is none in ShelvedOffloaded.
enum class VmState {
    Building,
    Active,
    Stopped,
    Paused,
    Suspended,
    Rescued,
    Resized,
    SoftDeleted,
    Shelved,
    ShelvedOffloaded,
    Error,
    Deleted
};

/// What is being done to a server. Whoever sets one enqueues, in the same transaction, the job that ends it.
enum class TaskState {
    None,
    Scheduling,
    PoweringOn,
    PoweringOff,
    Rebooting,
    RebootingHard,
    Pausing,
    Unpausing,
    Suspending,
    Resuming,
    Rescuing,
    Unrescuing,
    Rebuilding,
    ResizePrep,
    ResizeMigrating,
    ResizeFinish,
    ResizeConfirming,
    ResizeReverting,
    Migrating,
    Shelving,
    ShelvingOffloading,
    Unshelving,
    ImageSnapshot,
    ImageUploading,
    ImageBackup,
    SoftDeleting,
    Restoring,
    Deleting
};

std::string_view nameOf(VmState state);
std::string_view nameOf(TaskState state); ///< empty for None
VmState vmStateOf(std::string_view name);
TaskState taskStateOf(std::string_view name);

/// Whether a server may be `to` where it was `from`. Nothing comes back from Deleted, nothing else becomes Building,
/// and from there it goes to Active or Error.
constexpr bool mayFollow(VmState from, VmState to) {
    using enum VmState;
    if (from == to) return from != Deleted;
    if (from == Building) return to == Active || to == Error || to == Deleted;
    return from != Deleted && to != Building;
}

/// A guest is there, and works or waits.
constexpr bool hasGuestOn(VmState vm) {
    return vm == VmState::Active || vm == VmState::Paused || vm == VmState::Rescued || vm == VmState::Resized;
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
    std::map<std::string, std::string> imageProperties; ///< of its image when it was made, or rebuilt
    Flavor flavor;                                      ///< as it was when the server was made
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
    bool configDrive = false;
    ImageId rescueImage;    ///< that it was rescued with last
    std::string rescueBase; ///< that its rescue disk stands on, while it is rescued
    ImageId shelvedImage;   ///< that it comes back from
    std::string lockedBy;   ///< "owner", "admin", or empty
    std::optional<std::string> lockedReason;
    std::optional<std::string> fault, faultDetails;
    std::optional<Time> faultTime;
    Time created, updated;
    std::optional<Time> launched, terminated, deleted;
    std::optional<Time> softDeleted; ///< since when it waits to be reclaimed
};

/// "ACTIVE", "BUILD", …: what the two states make (nova: api/openstack/common.py).
std::string_view statusOf(const Server& server);

/// One line of what makes a status: a state, and the tasks that give it another name.
struct StatusRule {
    std::string_view status;
    VmState vm;
    std::vector<TaskState> tasks = {}; ///< none: whenever no other line of the same state holds
};
/// Lines with tasks stand before the one without, of each state.
const std::vector<StatusRule>& statusRules();

bool isStatus(std::string_view word);           ///< one of the API's status words, upper case
std::string instanceName(const Server& server); ///< "instance-0000002a"
std::string hostIdOf(const Server& server);     ///< says whether two servers share a host, not which
std::string hostnameFrom(std::string_view name, const ServerId& id); ///< what of a name can be a host name

/// What a rule is asked about.
Target targetOf(const Server& server);

}
