#include "compute/server/server_verb.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/server/server_reading.hpp"
#include "compute/server/server_table.hpp"
#include "platform/jobs/jobs.hpp"

namespace stratolet::compute {

void requireState(const Server& server, const identity::Caller& caller, std::string_view doing,
                  std::initializer_list<VmState> states, While doingNothingElse) {
    const auto refuse = [&](std::string_view what, std::string_view value) {
        throw Error(Failure::Conflict, "Cannot '", doing, "' instance ", server.id, " while it is in ", what, " ",
                    value);
    };
    if (!server.lockedBy.empty() && !caller.isAdmin())
        throw Error(Failure::Conflict, "Instance ", server.id, " is locked");
    if (std::find(states.begin(), states.end(), server.vm) == states.end()) refuse("vm_state", nameOf(server.vm));
    if (doingNothingElse == While::Idle && server.task != TaskState::None) refuse("task_state", nameOf(server.task));
}

void enqueueVerb(Core& core, store::Transaction& tx, const Server& server, const Asker& asker, std::string_view job,
                 std::string_view action, std::string_view event, const std::string& more) {
    const auto number = beginAction(tx, server, asker, action, event, core.now());
    core.parts.jobs.enqueue(tx, "compute.server." + std::string(job), server.id.text, payloadOf(number, more),
                            server.project.text);
}

Server beginVerb(Core& core, store::Transaction& tx, const identity::Caller& caller, const ServerId& id,
                 const Verb& verb, const std::string& more) {
    Server server = allowedServer(tx, caller, id, verb.rule);
    requireState(server, caller, verb.doing, verb.states, verb.when);
    if (verb.launchedOnly && !server.launched)
        throw Error(Failure::Conflict, "Cannot '", verb.doing, "' instance ", id, " while it is in launched_at None");
    ServerTable::move(tx, server, server.vm, verb.task, server.power, core.now());
    enqueueVerb(core, tx, server, askerOf(caller), verb.job, verb.action, verb.event, more);
    return server;
}

Server beginVerb(Core& core, const identity::Caller& caller, const ServerId& id, const Verb& verb) {
    return core.parts.store.write([&](store::Transaction& tx) { return beginVerb(core, tx, caller, id, verb); });
}

}
