#include "appliance/sandbox/run_command.hpp"

#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iostream>

namespace stratolet {
namespace {

/// Ours, but where `variables` say otherwise.
std::vector<std::string> environmentWith(const std::vector<std::pair<std::string, std::string>>& variables) {
    std::vector<std::string> all;
    for (const auto& [name, value] : variables) all.push_back(name + "=" + value);
    for (char** each = environ; *each; ++each) {
        const std::string_view line = *each;
        bool said = false;
        for (const auto& [name, value] : variables) said = said || line.starts_with(name + "=");
        if (!said) all.emplace_back(line);
    }
    return all;
}

std::vector<char*> pointersTo(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (auto& each : texts) pointers.push_back(each.data());
    pointers.push_back(nullptr);
    return pointers;
}

}

int runCommand(const std::vector<std::string>& command,
               const std::vector<std::pair<std::string, std::string>>& variables, const sigset_t& signals) {
    auto words = command, environment = environmentWith(variables);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none); // it must not inherit what we block and ignore
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t child = -1;
    const int failed = posix_spawnp(&child, words.front().c_str(), nullptr, &attributes, pointersTo(words).data(),
                                    pointersTo(environment).data());
    posix_spawnattr_destroy(&attributes);
    if (failed != 0) {
        std::cerr << "stratolet sandbox: " << words.front() << ": " << ::strerror(failed) << '\n';
        return 127;
    }
    for (;;) {
        const int signal = ::sigwaitinfo(&signals, nullptr);
        if (signal > 0 && signal != SIGCHLD) ::kill(child, signal);
        int status = 0;
        if (::waitpid(child, &status, WNOHANG) != child) continue;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
}

}
