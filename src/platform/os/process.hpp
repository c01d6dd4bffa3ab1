#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "platform/os/fd.hpp"

namespace stratolet::process {

/// Bounds for a program that reads what a stranger sent.
struct Limits {
    std::int64_t memoryBytesMax = 0; ///< address space; 0 is unbounded
    std::int64_t cpuSecondsMax = 0;  ///< 0 is unbounded
    std::int64_t fileBytesMax = 0;   ///< largest file it may write; 0 is unbounded
};

/// A program to be run to its end.
struct Command {
    std::vector<std::string> argv; ///< argv[0] is looked up in the usual folders, whatever our PATH; never a shell
    std::chrono::milliseconds timeout = std::chrono::seconds(60); ///< then TERM to its process group, 2 s later KILL
    std::function<bool()> cancelled =
        {}; ///< asked several times a second; once it says yes the program is ended as by a timeout
    std::string input = {};
    Limits limits = {};
    std::string netns = {}; ///< a named network namespace to run in; empty is ours
    bool confined = false;  ///< see Confined below
    std::vector<int> reads = {},
                     writes = {}; ///< descriptors that stay open in a confined program, which finds them at pathOf()
};

// Confined is a program that reads what a stranger sent. It is alone in a network namespace with nothing but a loopback
// interface that is down, and sees of the host's files /usr and /proc only, which it cannot change. Where we are root,
// it is a user of its own that no account has; the files in `writes` are its own while it runs. It opens the files in
// `reads` once more, so the file's mode has to let others read it (the folder around it need not). Where the kernel
// gives us no namespaces (an ordinary user on some systems, root in a container without CAP_SYS_ADMIN), it runs without
// them; any other step that fails is Error(Broken).

/// The path at which a confined program finds a descriptor that it was given.
inline std::string pathOf(const Fd& lent) { return "/proc/self/fd/" + std::to_string(lent.get()); }

/// How it ended.
struct Outcome {
    std::vector<std::string> argv;
    int exitCode = 0; ///< 128 + signal where a signal ended it
    bool timedOut = false;
    bool cancelled = false; ///< ended because it was no longer wanted
    std::string out;        ///< at most 4 MiB are kept
    std::string err;        ///< at most 64 KiB are kept

    bool succeeded() const { return exitCode == 0 && !timedOut && !cancelled; }
    /// Else Error(Broken) with argv, exit code and the end of stderr; Error(Busy) where it was cancelled.
    const Outcome& expectSuccess() const;
};

/// Runs a program to its end in a process group of its own, with an empty environment but PATH, LC_ALL=C and HOME=/.
Outcome run(const Command& command);

/// A long-lived child that dies with us only if told to. The pid is remembered by its owner.
struct Daemon {
    std::vector<std::string> argv;
    std::string netns = {};
    std::string logFile = {}; ///< stdout and stderr; empty is /dev/null
};
int spawn(const Daemon& daemon); ///< its pid; in a session of its own

/// True while `pid` runs a program whose command line has `mark` among its arguments (a pid alone may have been taken
/// over by another).
bool runs(int pid, const std::string& mark);

/// TERM, wait up to `patience` until it has closed everything, KILL, reap if it is ours. One that is ending already is
/// only waited for; what runs() does not know is left alone.
void end(int pid, const std::string& mark, std::chrono::milliseconds patience);

}
