#include "platform/os/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <thread>

#include <stratolet/error.hpp>

#include "platform/os/confinement.hpp"
#include "platform/os/netns.hpp"

namespace stratolet::process {
namespace {

using Clock = std::chrono::steady_clock;
constexpr unsigned closeOnExec = 1U << 2; // CLOSE_RANGE_CLOEXEC (close_range(2), Linux 5.11)
constexpr int notConfined = 126;
// Ids that nothing gives to anybody (systemd's UIDS-GIDS): with the process' own number on top, no two live programs
// share one.
constexpr unsigned firstConfinedId = 1'900'000'000;
constexpr std::size_t outBytesMax = 4 << 20;
constexpr std::size_t errBytesMax = 64 << 10;

struct Pipe {
    Fd read, write;
};

Pipe makePipe() {
    std::array<int, 2> ends;
    check(::pipe2(ends.data(), O_CLOEXEC), "make a pipe");
    return {Fd(ends[0]), Fd(ends[1])};
}

constexpr std::array<std::string_view, 6> programFolders = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                                            "/usr/bin",        "/sbin",          "/bin"};

/// A plain name is looked up in those folders alone: our own PATH is whatever the one who started us had.
std::string programOf(const std::string& name) {
    if (name.find('/') != std::string::npos) return name;
    for (const auto& folder : programFolders)
        if (auto path = std::string(folder) + "/" + name; ::access(path.c_str(), X_OK) == 0) return path;
    return name; // execve() says what is missing
}

/// What a child gets, made before fork() so that the child itself allocates nothing.
struct Prepared {
    std::string program;
    std::vector<char*> argv;
    std::vector<char*> environment;
    Fd netns;
    std::optional<ConfinedView> view;
};

Prepared prepare(const std::vector<std::string>& argv, const std::string& netnsName) {
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C",
                home[] = "HOME=/";
    Prepared made;
    made.program = programOf(argv.at(0));
    for (const auto& each : argv)
        made.argv.push_back(const_cast<char*>(each.c_str())); // execve wants it so and changes nothing
    made.argv.push_back(nullptr);
    made.environment = {path, locale, home, nullptr};
    if (!netnsName.empty()) made.netns = netns::open(netnsName);
    return made;
}

void limit(__rlimit_resource resource, std::int64_t most) {
    if (most <= 0) return;
    const rlimit both{static_cast<rlim_t>(most), static_cast<rlim_t>(most)};
    if (::setrlimit(resource, &both) != 0) ::_exit(126);
}

/// In the child: no network, hardly any files, and rights that nobody has a use for. The C library's wrappers would
/// look for other threads, so the ids are changed by the calls themselves.
bool confine(const Command& command, const ConfinedView& view) {
    const bool root = ::geteuid() == 0;
    const int alone = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC;
    if (::unshare(root ? alone : alone | CLONE_NEWUSER) == 0) {
        if (!view.enter() && root) return false;
    } else if (errno != EPERM) {
        return false;
    }
    if (root) {
        const auto id = firstConfinedId + static_cast<unsigned>(::getpid());
        for (const int each : command.writes)
            if (::fchown(each, id, id) != 0) return false;
        if (::syscall(SYS_setgroups, 0, nullptr) != 0 || ::syscall(SYS_setresgid, id, id, id) != 0 ||
            ::syscall(SYS_setresuid, id, id, id) != 0)
            return false;
    }
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/// In the child, between fork and exec: only calls that are safe there.
[[noreturn]] void become(const Prepared& prepared, const Command& command, int in, int out, int err, int report) {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int each : {SIGPIPE, SIGTERM, SIGINT, SIGHUP}) ::signal(each, SIG_DFL);
    if (::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0) ::_exit(126);
    if (prepared.netns && ::setns(prepared.netns.get(), CLONE_NEWNET) != 0) ::_exit(126);
    if (prepared.view && !confine(command, *prepared.view)) ::_exit(notConfined);
    limit(RLIMIT_AS, command.limits.memoryBytesMax);
    limit(RLIMIT_CPU, command.limits.cpuSecondsMax);
    limit(RLIMIT_FSIZE, command.limits.fileBytesMax);
    ::syscall(SYS_close_range, 3U, ~0U, closeOnExec);
    for (const auto* lent : {&command.reads, &command.writes})
        for (const int each : *lent) ::fcntl(each, F_SETFD, 0);
    ::execve(prepared.program.c_str(), prepared.argv.data(), prepared.environment.data());
    const int problem = errno;
    if (report >= 0 && ::write(report, &problem, sizeof problem) < 0) ::_exit(126);
    ::_exit(127);
}

/// Takes what there is; false at the end of the stream.
bool drain(const Fd& from, std::string& into, std::size_t most) {
    std::array<char, 16384> buffer;
    const auto got = ::read(from.get(), buffer.data(), buffer.size());
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    const auto room = most - std::min(most, into.size());
    into.append(buffer.data(), std::min(room, static_cast<std::size_t>(got)));
    return true;
}

void requireReadable(int file) {
    struct stat about {};
    check(::fstat(file, &about), "look at a file");
    if ((about.st_mode & S_IROTH) == 0)
        throw Error(Failure::Broken, "the mode of a file keeps the confined program out that is to read it");
}

int exitCodeOf(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

/// Waits for the child without a moment in which its number could belong to another.
std::optional<int> reap(pid_t child, Clock::time_point until, const std::function<bool()>& cancelled = {}) {
    for (;;) {
        int status = 0;
        const auto done = ::waitpid(child, &status, WNOHANG);
        if (done == child) return exitCodeOf(status);
        if (done < 0 && errno != EINTR) return 127;
        if (Clock::now() >= until || (cancelled && cancelled())) return std::nullopt;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

std::string commandLineOf(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    for (auto& each : text)
        if (each == '\0') each = ' ';
    return text;
}

}

const Outcome& Outcome::expectSuccess() const {
    if (succeeded()) return *this;
    std::string command;
    for (const auto& each : argv) command += (command.empty() ? "" : " ") + each;
    const auto end = err.size() > 500 ? err.substr(err.size() - 500) : err;
    if (cancelled) throw Error(Failure::Busy, "\"", command, "\" was stopped");
    if (timedOut) throw Error(Failure::Broken, "\"", command, "\" did not end in time");
    throw Error(Failure::Broken, "\"", command, "\" ended with ", exitCode, ": ", end);
}

Outcome run(const Command& command) {
    if (command.confined && ::geteuid() == 0)
        for (const int each : command.reads) requireReadable(each);
    Prepared prepared = prepare(command.argv, command.netns);
    if (command.confined) prepared.view.emplace();
    Pipe in = makePipe(), out = makePipe(), err = makePipe();
    const pid_t child = static_cast<pid_t>(check(::fork(), "start " + command.argv.at(0)));
    if (child == 0) {
        ::setpgid(0, 0);
        become(prepared, command, in.read.get(), out.write.get(), err.write.get(), -1);
    }
    ::setpgid(child, child); // whichever of us two is first
    in.read = Fd();
    out.write = Fd();
    err.write = Fd();
    for (const int each : {in.write.get(), out.read.get(), err.read.get()}) ::fcntl(each, F_SETFL, O_NONBLOCK);

    Outcome outcome;
    outcome.argv = command.argv;
    const auto until = Clock::now() + command.timeout;
    std::size_t written = 0;
    if (command.input.empty()) in.write = Fd();
    while (out.read || err.read) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
        if (left <= 0) {
            outcome.timedOut = true;
            break;
        }
        std::array<pollfd, 3> watched{
            {{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}, {in.write.get(), POLLOUT, 0}}};
        if (command.cancelled && command.cancelled()) {
            outcome.cancelled = true;
            break;
        }
        constexpr std::int64_t lookMsMax = 200;
        const auto wait = command.cancelled ? std::min<std::int64_t>(left, lookMsMax) : left;
        if (::poll(watched.data(), watched.size(), static_cast<int>(wait)) < 0 && errno != EINTR) break;
        if (watched[0].revents && !drain(out.read, outcome.out, outBytesMax)) out.read = Fd();
        if (watched[1].revents && !drain(err.read, outcome.err, errBytesMax)) err.read = Fd();
        if (watched[2].revents) {
            const auto sent = ::write(in.write.get(), command.input.data() + written, command.input.size() - written);
            if (sent > 0) written += static_cast<std::size_t>(sent);
            if (written == command.input.size() || (sent < 0 && errno != EAGAIN && errno != EINTR)) in.write = Fd();
        }
    }
    auto code = outcome.timedOut || outcome.cancelled ? std::nullopt : reap(child, until, command.cancelled);
    if (!code) {
        outcome.cancelled = outcome.cancelled || (command.cancelled && command.cancelled());
        outcome.timedOut = !outcome.cancelled;
        ::kill(-child, SIGTERM);
        code = reap(child, Clock::now() + std::chrono::seconds(2));
    }
    if (!code) {
        ::kill(-child, SIGKILL);
        code = reap(child, Clock::now() + std::chrono::seconds(10));
    }
    outcome.exitCode = code.value_or(128 + SIGKILL);
    if (outcome.timedOut && outcome.exitCode == 0) outcome.exitCode = 124;
    if (command.confined) {
        for (const int each : command.writes) check(::fchown(each, ::geteuid(), ::getegid()), "take back a file");
        if (outcome.exitCode == notConfined) throw Error(Failure::Broken, command.argv.at(0), " could not be confined");
    }
    return outcome;
}

int spawn(const Daemon& daemon) {
    const Prepared prepared = prepare(daemon.argv, daemon.netns);
    const Fd null(static_cast<int>(check(::open("/dev/null", O_RDWR | O_CLOEXEC), "open /dev/null")));
    Fd log;
    if (!daemon.logFile.empty())
        log = Fd(static_cast<int>(check(::open(daemon.logFile.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640),
                                        "open " + daemon.logFile)));
    const int out = log ? log.get() : null.get();
    Pipe started = makePipe();
    const pid_t child = static_cast<pid_t>(check(::fork(), "start " + daemon.argv.at(0)));
    if (child == 0) {
        ::setsid();
        become(prepared, {}, null.get(), out, out, started.write.get());
    }
    // The other end closes when the program has taken the child's place: from then on runs() knows it.
    started.write = Fd();
    int problem = 0;
    if (::read(started.read.get(), &problem, sizeof problem) > 0) {
        ::waitpid(child, nullptr, 0);
        errno = problem;
        check(-1, "start " + daemon.argv.at(0));
    }
    return child;
}

bool runs(int pid, const std::string& mark) {
    if (pid <= 1 || ::kill(pid, 0) != 0) return false;
    int status = 0;
    if (::waitpid(pid, &status, WNOHANG) == pid) return false; // it was ours, and has ended
    return commandLineOf(pid).find(mark) != std::string::npos;
}

void end(int pid, const std::string& mark, std::chrono::milliseconds patience) {
    if (pid <= 1) return;
    // A descriptor names this very process, whatever becomes of its number. (glibc 2.36 declares its wrappers for C
    // alone.)
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    const auto send = [&](int signal) { ::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0); };
    if (!process) return;
    const bool dying = commandLineOf(pid).empty(); // its memory goes before its sockets do
    if (!dying && !runs(pid, mark)) return;
    // Readable when everything is closed, so that a successor can take its addresses.
    const auto ended = [&](std::chrono::milliseconds within) {
        const auto until = Clock::now() + within;
        for (;;) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
            pollfd watched{process.get(), POLLIN, 0};
            const int got = ::poll(&watched, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
            if (got > 0 || (got == 0 && left <= 0)) return got > 0;
        }
    };
    if (!dying) send(SIGTERM);
    if (!ended(patience) && !dying) {
        send(SIGKILL);
        ended(std::chrono::seconds(2));
    }
    ::waitpid(pid, nullptr, WNOHANG); // it may be a child of ours
}

}
