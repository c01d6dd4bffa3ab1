#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "compute/action/action.hpp"
#include "compute/core.hpp"
#include "compute/server/server.hpp"
#include "identity/caller.hpp"

// What the verbs of a server share: when it takes none, and how one with a job begins.

namespace stratolet::compute {

inline constexpr std::initializer_list<VmState> anyState = {
    VmState::Building,  VmState::Active,           VmState::Stopped, VmState::Paused,
    VmState::Suspended, VmState::Rescued,          VmState::Resized, VmState::SoftDeleted,
    VmState::Shelved,   VmState::ShelvedOffloaded, VmState::Error};
inline constexpr std::initializer_list<VmState> withGuest = {VmState::Active, VmState::Paused, VmState::Stopped};
/// In which disks come and go.
inline constexpr std::initializer_list<VmState> withDisks = {
    VmState::Active,      VmState::Paused,  VmState::Stopped,         VmState::Resized,
    VmState::SoftDeleted, VmState::Shelved, VmState::ShelvedOffloaded};

/// Whether something else may be under way.
enum class While { Idle, Busy };

/// Error(Conflict) where somebody has locked the server, or it is in another state, or something else is being done to
/// it. `doing` is the verb's name in the message.
void requireState(const Server& server, const identity::Caller& caller, std::string_view doing,
                  std::initializer_list<VmState> states, While doingNothingElse);

/// Begins an action that the caller asked for and enqueues the job that ends it: "compute.server.<job>", in the
/// caller's transaction. `more`: further members of the job's arguments, JSON.
void enqueueVerb(Core& core, store::Transaction& tx, const Server& server, const Asker& asker, std::string_view job,
                 std::string_view action, std::string_view event, const std::string& more = "");

/// A verb that begins with a change of the task state, and ends with a job.
struct Verb {
    std::string_view rule, doing, action, event, job;
    std::initializer_list<VmState> states;
    TaskState task = TaskState::None;
    While when = While::Idle;
    bool launchedOnly = true; ///< one that has never run takes it not
};
/// The server as it was.
Server beginVerb(Core& core, const identity::Caller& caller, const ServerId& id, const Verb& verb);

/// The same as a part of another change. `more`: further members of the job's arguments, JSON.
Server beginVerb(Core& core, store::Transaction& tx, const identity::Caller& caller, const ServerId& id,
                 const Verb& verb, const std::string& more = "");

}
