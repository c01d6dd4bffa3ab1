#pragma once

#include <signal.h>

#include <string>
#include <utility>
#include <vector>

namespace stratolet {

/// Runs a program of the caller's own to its end, with our environment and these variables; its input and outputs are
/// ours. What we are told by SIGTERM, SIGINT and SIGHUP it is told. `signals` are blocked in every thread, SIGCHLD is
/// among them. Returns its exit code, 128 + signal where a signal ended it, 127 where it can't be begun (said on
/// stderr).
int runCommand(const std::vector<std::string>& command,
               const std::vector<std::pair<std::string, std::string>>& variables, const sigset_t& signals);

}
