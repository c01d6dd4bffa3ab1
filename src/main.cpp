#include <boost/program_options.hpp>

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <thread>

#include <stratolet/error.hpp>

#include "appliance/appliance.hpp"
#include "appliance/identity_tools.hpp"
#include "appliance/load_metadefs.hpp"
#include "appliance/manual.hpp"
#include "appliance/notify.hpp"
#include "appliance/operator/backup.hpp"
#include "appliance/operator/commands.hpp"
#include "appliance/operator/image_fetch.hpp"
#include "appliance/sandbox/run_command.hpp"
#include "appliance/uninstall.hpp"
#include "appliance/upgrade.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/log/log.hpp"
#include "platform/os/process.hpp"
#include "platform/os/temporary_folder.hpp"
#include "platform/resources.hpp"

namespace stratolet {
namespace {

namespace options = boost::program_options;
using namespace std::chrono_literals;

constexpr auto patienceAtExit = 9s; // jobs are safe at any moment: what is not parked by then goes on at the next start

/// What the command line says wrong; exit code 2, nothing started.
struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A command of the program. All that is known of it stands here: how it is called, what it takes, and what it does.
struct Command {
    std::string words;    ///< "fernet rotate"
    std::string operands; ///< what it takes beside options: "FILE…"; empty: nothing
    std::string summary;
    options::options_description options;
    int (*run)(const options::variables_map& given);
};

constexpr const char* operand = "operand"; // what a command takes beside options, in a variables_map

options::variables_map parsed(const Command& command, const std::vector<std::string>& words) {
    options::options_description known;
    known.add(command.options);
    options::positional_options_description operands;
    if (!command.operands.empty()) {
        known.add_options()(operand, options::value<std::vector<std::string>>());
        operands.add(operand, -1);
    }
    options::variables_map values;
    try {
        options::store(options::command_line_parser(words).options(known).positional(operands).run(), values);
        options::notify(values);
    } catch (const options::error& problem) {
        throw UsageError("stratolet " + command.words + ": " + problem.what() + "; see stratolet " + command.words +
                         " --help");
    }
    return values;
}

std::string firstLineOf(const std::string& file) {
    std::ifstream in(file);
    std::string line;
    if (!std::getline(in, line) || line.empty())
        throw UsageError(file + ": cannot be read, or its first line is empty");
    // The API would take no such password at a login.
    constexpr std::size_t passwordBytesMax = 4096;
    if (line.size() > passwordBytesMax || line.find('\0') != std::string::npos)
        throw UsageError(file + ": a password has at most 4096 bytes, and no NUL");
    return line;
}

/// Asked for at the terminal, which shows nothing of it (termios(3)).
std::string typedPassword(const std::string& user) {
    std::cerr << "New password of " << user << ": " << std::flush;
    termios shown{};
    ::tcgetattr(STDIN_FILENO, &shown);
    termios silent = shown;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    std::string line;
    std::getline(std::cin, line);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    std::cerr << '\n';
    if (line.empty()) throw UsageError("stratolet password: no password was given, nothing is changed");
    return line;
}

/// Blocks the signals that the main thread waits for, in every thread made from now on.
sigset_t blockSignals() {
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t set;
    ::sigemptyset(&set);
    for (const int each : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::sigaddset(&set, each);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    return set;
}

/// Until SIGTERM or SIGINT, or `secondsMax` have passed (0: no limit). SIGHUP reads policy and certificates again.
void waitForTheEnd(Appliance& appliance, const sigset_t& set, int secondsMax, Log& log) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(secondsMax);
    const timespec pause{1, 0};
    bool wasAlive = true;
    while (secondsMax == 0 || std::chrono::steady_clock::now() < until) {
        const int signal = ::sigtimedwait(&set, nullptr, &pause);
        if (signal == SIGTERM || signal == SIGINT) return;
        if (signal == SIGHUP) {
            try {
                appliance.reload();
                log.info("policy and certificates read again");
            } catch (const Error& problem) {
                log.error("could not reload, the old certificate stays", {{"reason", problem.what()}});
            }
        }
        const bool alive = appliance.alive();
        if (alive) notifySystemd("WATCHDOG=1");
        if (!alive && wasAlive)
            log.error("the store or the I/O threads don't answer; the watchdog is not told that all is well");
        wasAlive = alive;
    }
}

/// A step that takes long must not keep the process: it runs again at the next start. `atExit` is done first.
void leaveInTime(std::function<void()> atExit, int exitCode) {
    std::thread([atExit = std::move(atExit), exitCode] {
        std::this_thread::sleep_for(patienceAtExit);
        if (atExit) atExit();
        ::_exit(exitCode);
    }).detach();
}

/// Connections, images and disks take a descriptor each; the usual soft limit is for programs that ask select(2)
/// (getrlimit(2)).
void allowManyFiles() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

std::optional<jobs::CrashPoint> crashPointFromEnvironment() {
    // For the crash tests: KIND:STEP:before or KIND:STEP:after, where the process kills itself.
    const char* text = std::getenv("STRATOLET_CRASH_AT");
    if (!text) return std::nullopt;
    const std::string point = text;
    const auto last = point.rfind(':'), first = point.rfind(':', last - 1);
    if (last == std::string::npos || first == std::string::npos)
        throw UsageError("STRATOLET_CRASH_AT is KIND:STEP:before or KIND:STEP:after");
    return jobs::CrashPoint{point.substr(0, first), point.substr(first + 1, last - first - 1),
                            point.substr(last + 1) == "after"};
}

/// The configuration that counts; nothing where there is none.
std::optional<std::filesystem::path> configFileOf(const options::variables_map& given) {
    const std::filesystem::path standard = "/etc/stratolet/stratolet.conf";
    if (given.count("config")) return given["config"].as<std::string>();
    return ::access(standard.c_str(), R_OK) == 0 ? std::optional(standard) : std::nullopt;
}

void loadConfig(Settings& settings, const options::variables_map& given) {
    const auto file = configFileOf(given);
    if (file && (given.count("config") || !settings.sandbox)) settings.config.load(*file);
}

Log::Options logOptions(const Config& config) {
    Log::Options log;
    log.json = config.text("DEFAULT", "log_format") == "json";
    const auto& level = config.text("DEFAULT", "log_level");
    log.level = level == "debug"     ? Log::Level::Debug
                : level == "warning" ? Log::Level::Warning
                : level == "error"   ? Log::Level::Error
                                     : Log::Level::Info;
    return log;
}

/// What a cloud is run for.
struct Purpose {
    int secondsMax = 0; ///< 0: until it is told to end
    bool printOpenrc = false;
    std::vector<std::string> command = {}; ///< it runs for as long as this does, and its exit code is ours
    std::function<void()> atExit = {};
};

int run(Settings settings, const Purpose& purpose = {}) {
    allowManyFiles();
    settings.crash = crashPointFromEnvironment();
    const sigset_t signals = blockSignals();
    Log log(logOptions(settings.config));
    RealAmbient ambient;
    Appliance appliance(std::move(settings), ambient, log);
    appliance.start();
    int exitCode = 0;
    if (purpose.command.empty()) {
        std::cout << "ready " << appliance.endpoint() << "/" << std::endl;
        if (purpose.printOpenrc) std::cout << appliance.openrc() << std::flush;
        notifySystemd("READY=1");
        waitForTheEnd(appliance, signals, purpose.secondsMax, log);
        notifySystemd("STOPPING=1");
    } else {
        exitCode = runCommand(purpose.command, appliance.variables(), signals);
    }
    leaveInTime(purpose.atExit, exitCode);
    appliance.stop();
    return exitCode;
}

options::typed_value<std::string>* text(const char* name) { return options::value<std::string>()->value_name(name); }

options::options_description helpOption() {
    options::options_description known;
    known.add_options()("help", "show this");
    return known;
}

/// What every command has that is about a cloud: which one.
options::options_description placeOptions() {
    auto known = helpOption();
    known.add_options()("config", text("FILE"), "configuration file (stratolet.conf)")("state-dir", text("DIR"),
                                                                                       "where everything is kept");
    return known;
}

/// What a command has that runs a cloud.
options::options_description cloudOptions() {
    auto known = placeOptions();
    known.add_options()("listen", options::value<std::vector<std::string>>()->value_name("ADDR:PORT"),
                        "address to listen on; more than once for several; port 0 takes a free one")(
        "classic-ports", options::bool_switch(), "also serve at 5000, 9292, 8776, 9696, 8774 and 8778")(
        "admin-password-file", text("FILE"), "its first line is the administrator's password in a new cloud");
    return known;
}

Settings settingsFrom(const options::variables_map& given, bool sandbox) {
    Settings settings;
    settings.sandbox = sandbox;
    loadConfig(settings, given);
    if (given.count("state-dir")) settings.stateDir = given["state-dir"].as<std::string>();
    if (given.count("listen"))
        for (const auto& each : given["listen"].as<std::vector<std::string>>())
            settings.listen.push_back(parseListenAddress(each));
    if (given["classic-ports"].as<bool>()) settings.config.set("DEFAULT", "classic_ports", "true", "--classic-ports");
    if (given.count("admin-password-file"))
        settings.adminPassword = firstLineOf(given["admin-password-file"].as<std::string>());
    return settings;
}

int serve(const options::variables_map& given) { return run(settingsFrom(given, false)); }

options::options_description sandboxOptions() {
    auto known = cloudOptions();
    known.add_options()("seconds", options::value<int>()->default_value(0, "never")->value_name("N"),
                        "end after this time");
    return known;
}

int sandbox(const options::variables_map& given) {
    auto settings = settingsFrom(given, true);
    std::optional<TemporaryFolder> temporary;
    if (settings.stateDir.empty() && !settings.config.given("DEFAULT", "state_dir")) {
        temporary.emplace("stratolet-sandbox");
        settings.stateDir = temporary->path();
        settings.durable = false;
    }
    if (!given.count("config")) {
        settings.config.set("identity", "password_hash_rounds", "4", "sandbox"); // nobody's secrets live here
        settings.config.set("DEFAULT", "policy_dir", "", "sandbox");
        settings.config.set("DEFAULT", "plain_http", "true", "sandbox");
        settings.config.set("DEFAULT", "log_level", "warning", "sandbox");
        settings.config.set("compute", "reclaim_instance_interval", "0", "sandbox"); // what a test deletes is gone
        settings.config.set("audit", "enabled", "false", "sandbox");
    }
    if (settings.listen.empty() && !given.count("config")) settings.listen.push_back({"127.0.0.1", 0});
    std::function<void()> atExit;
    if (temporary) atExit = [folder = temporary->path()] { removeSoon(folder); };
    Purpose purpose{.secondsMax = given["seconds"].as<int>(), .printOpenrc = true, .atExit = std::move(atExit)};
    if (given.count(operand)) purpose.command = given[operand].as<std::vector<std::string>>();
    return run(std::move(settings), purpose);
}

Settings settingsOf(const options::variables_map& given) {
    Settings settings;
    loadConfig(settings, given);
    return settings;
}

std::filesystem::path stateDirFrom(const options::variables_map& given, const Settings& settings) {
    return given.count("state-dir") ? given["state-dir"].as<std::string>()
                                    : settings.config.text("DEFAULT", "state_dir");
}

std::filesystem::path stateDirFrom(const options::variables_map& given) {
    return stateDirFrom(given, settingsOf(given));
}

/// What a command has that shows something of a cloud.
options::options_description shownOptions() {
    auto known = placeOptions();
    known.add_options()("json", options::bool_switch(), "print what the cloud says as JSON, for programs");
    return known;
}

/// Runs an operator's command as it was called.
template <class Its> int asked(const options::variables_map& given, Its command) {
    const auto settings = settingsOf(given);
    return command(Asked{settings, stateDirFrom(given, settings), given["json"].as<bool>(), std::cout});
}

/// The one operand of a command that can't be without it; `what` it is, for who forgot it.
std::string operandOf(const options::variables_map& given, const std::string& command, const std::string& what) {
    if (!given.count(operand)) throw UsageError("stratolet " + command + ": say " + what);
    const auto all = given[operand].as<std::vector<std::string>>();
    if (all.size() != 1) throw UsageError("stratolet " + command + ": takes one operand, " + what);
    return all.front();
}

std::string textOr(const options::variables_map& given, const char* name, const std::string& otherwise) {
    return given.count(name) ? given[name].as<std::string>() : otherwise;
}

int status(const options::variables_map& given) { return asked(given, showStatus); }

options::options_description jobsOptions() {
    auto known = shownOptions();
    known.add_options()("steps", options::bool_switch(), "every kind of job and its steps");
    return known;
}

int jobs(const options::variables_map& given) {
    if (!given["steps"].as<bool>()) return asked(given, listJobs);
    const TemporaryFolder folder("stratolet-jobs");
    Settings settings;
    settings.sandbox = true;
    settings.stateDir = folder.path();
    settings.config.set("DEFAULT", "policy_dir", "", "jobs");
    Log log({});
    RealAmbient ambient;
    Appliance appliance(std::move(settings), ambient, log);
    for (const auto& [kind, step] : appliance.jobs().stepsOfAll()) std::cout << kind << ' ' << step << '\n';
    return 0;
}

int jobsList(const options::variables_map& given) { return asked(given, listJobs); }

template <class Its> int ofJob(const options::variables_map& given, const char* command, Its its) {
    const auto id = operandOf(given, command, "the job's number");
    return asked(given, [&](const Asked& how) { return its(how, id); });
}

int jobsShow(const options::variables_map& given) { return ofJob(given, "jobs show", showJob); }
int jobsRetry(const options::variables_map& given) { return ofJob(given, "jobs retry", retryJob); }
int jobsCancel(const options::variables_map& given) { return ofJob(given, "jobs cancel", cancelJob); }

int why(const options::variables_map& given) {
    const auto resource = operandOf(given, "why", "a resource, by its id or its name");
    return asked(given, [&](const Asked& how) { return tellWhy(how, resource); });
}

options::options_description eventsOptions() {
    auto known = shownOptions();
    known.add_options()("since", options::value<std::int64_t>()->value_name("ID"),
                        "after this event; the last hundred unless told")(
        "type", text("TYPE"), "of types that begin so, such as compute.server.")(
        "follow", options::bool_switch(), "go on with what happens, until interrupted");
    return known;
}

int events(const options::variables_map& given) {
    std::optional<std::int64_t> since;
    if (given.count("since")) since = given["since"].as<std::int64_t>();
    return asked(given, [&](const Asked& how) {
        return listEvents(how, since, textOr(given, "type", ""), given["follow"].as<bool>());
    });
}

options::options_description doctorOptions() {
    auto known = shownOptions();
    known.add_options()("repair", options::bool_switch(),
                        "let the cloud compare and mend its host now, and say what was mended and what is left");
    return known;
}

int doctor(const options::variables_map& given) {
    return asked(given, given["repair"].as<bool>() ? repairHost : lookForFindings);
}

int routes(const options::variables_map& given) { return asked(given, listRoutes); }
int hostList(const options::variables_map& given) { return asked(given, listHosts); }

options::options_description hostSetOptions() {
    auto known = shownOptions();
    known.add_options()("disable", text("REASON"), "it gets no new servers from now on; those that it has go on")(
        "enable", options::bool_switch(), "it gets new servers again");
    return known;
}

int hostSet(const options::variables_map& given) {
    const auto name = operandOf(given, "host set", "the host, by its name");
    std::optional<std::string> reason;
    if (given.count("disable")) reason = given["disable"].as<std::string>();
    return asked(given, [&](const Asked& how) { return setHost(how, name, reason, given["enable"].as<bool>()); });
}

options::options_description openrcOptions() {
    auto known = shownOptions();
    known.add_options()("user", text("ID|NAME"), "whose; admin unless told (a name is one of the default domain)")(
        "project", text("ID|NAME"), "for this project; admin unless told");
    return known;
}

int openrc(const options::variables_map& given) {
    return asked(given, [&](const Asked& how) {
        return printOpenrc(how, textOr(given, "user", "admin"), textOr(given, "project", "admin"));
    });
}

options::options_description passwordOptions() {
    auto known = shownOptions();
    known.add_options()("file", text("FILE"), "its first line is the password; else it is read from standard input");
    return known;
}

int password(const options::variables_map& given) {
    const auto user = given.count(operand) ? operandOf(given, "password", "one user") : std::string("admin");
    const auto wanted = given.count("file")      ? firstLineOf(given["file"].as<std::string>())
                        : ::isatty(STDIN_FILENO) ? typedPassword(user)
                                                 : firstLineOf("/dev/stdin");
    return asked(given, [&](const Asked& how) { return setPassword(how, user, wanted); });
}

options::options_description backupOptions() {
    auto known = shownOptions();
    known.add_options()("disks", options::bool_switch(),
                        "also the data of images, volumes, backups and servers, but for what running guests write to");
    return known;
}

int backup(const options::variables_map& given) {
    const auto file = operandOf(given, "backup", "the file to write");
    return asked(given,
                 [&](const Asked& how) { return backUp(how, file, given["disks"].as<bool>(), configFileOf(given)); });
}

int restoreBackup(const options::variables_map& given) {
    const auto file = operandOf(given, "restore", "the file that stratolet backup wrote");
    return asked(given, [&](const Asked& how) { return restore(how, file); });
}

options::options_description imageFetchOptions() {
    auto known = shownOptions();
    known.add_options()("list", options::bool_switch(), "list the images that are known")(
        "table", text("FILE"), "a table of images instead of the one that the program has");
    return known;
}

int imageFetch(const options::variables_map& given) {
    std::optional<std::filesystem::path> table;
    if (given.count("table")) table = given["table"].as<std::string>();
    return asked(given, [&](const Asked& how) {
        return given["list"].as<bool>()
                   ? listImages(how, table)
                   : fetchImage(how, operandOf(given, "image fetch", "which image (--list names them)"), table);
    });
}

options::options_description demoOptions() {
    auto known = shownOptions();
    known.add_options()("image", text("ID|NAME"), "to boot; else the first that there is, in a sandbox an empty one")(
        "keep", options::bool_switch(), "leave what was made");
    return known;
}

int demo(const options::variables_map& given) {
    return asked(given, [&](const Asked& how) {
        return demonstrate(how, textOr(given, "image", ""), given["keep"].as<bool>());
    });
}

options::options_description rollbackOptions() {
    auto known = placeOptions();
    known.add_options()("keep", options::bool_switch(),
                        "keep this version, to be gone back to (what packages do before an upgrade)")(
        "store", options::bool_switch(), "put the store back, too, where both versions read the same form of it");
    return known;
}

/// Where systemd runs this host, it is asked; elsewhere who started the cloud stops it.
void tellService(const char* verb) {
    if (::access("/run/systemd/system", F_OK) == 0)
        process::run({.argv = {"systemctl", verb, "stratolet.service"}, .timeout = 120s}).expectSuccess();
}

int rollback(const options::variables_map& given) {
    const auto settings = settingsOf(given);
    const auto stateDir = stateDirFrom(given, settings);
    const InstalledProgram program{std::filesystem::read_symlink("/proc/self/exe"), STRATOLET_VERSION,
                                   [] { tellService("stop"); }, [] { tellService("start"); }};
    if (given["keep"].as<bool>())
        keepVersion(settings, stateDir, program, std::cout);
    else
        rollBack(settings, stateDir, program, given["store"].as<bool>(), std::cout);
    return 0;
}

options::options_description uninstallOptions() {
    auto known = placeOptions();
    known.add_options()("data", options::bool_switch(),
                        "the state directory as well: the store, images, volumes and disks of servers");
    return known;
}

int uninstallCloud(const options::variables_map& given) {
    const auto settings = settingsOf(given);
    uninstall(settings, stateDirFrom(given, settings), given["data"].as<bool>(), std::cout);
    return 0;
}

int loadMetadefs(const options::variables_map& given) {
    if (!given.count(operand)) throw UsageError("stratolet metadefs load: say the files");
    const auto settings = settingsOf(given);
    return loadMetadefFiles(stateDirFrom(given, settings), settings.config,
                            given[operand].as<std::vector<std::string>>(), std::cout);
}

options::options_description rotateOptions() {
    auto known = placeOptions();
    known.add_options()("credentials", options::bool_switch(),
                        "the keys of stored credentials instead of those of tokens");
    return known;
}

int rotate(const options::variables_map& given) {
    Settings settings;
    loadConfig(settings, given);
    rotateKeys(stateDirFrom(given), settings.config, given["credentials"].as<bool>());
    return 0;
}

options::options_description policyOptions() {
    auto known = placeOptions();
    known.add_options()("user", text("ID|NAME"), "who asks (a name is one of the default domain)")(
        "project", text("ID|NAME"), "with a token of this project")("domain", text("ID|NAME"),
                                                                    "with a token of this domain")(
        "system", options::bool_switch(), "with a token of the system")("rule", text("RULE"),
                                                                        "what is asked, such as identity:list_users")(
        "service", text("SERVICE"), "whose policy has the rule, where the rule's name does not begin with it")(
        "target", options::value<std::vector<std::string>>()->multitoken()->value_name("KEY=VALUE…"),
        "attributes of what it is done to");
    return known;
}

int checkPolicy(const options::variables_map& given) {
    if (!given.count("user") || !given.count("rule"))
        throw UsageError("stratolet policy check: --user and --rule are needed");
    Settings settings;
    loadConfig(settings, given);
    PolicyQuestion question;
    question.user = given["user"].as<std::string>();
    question.rule = given["rule"].as<std::string>();
    if (given.count("service")) question.service = given["service"].as<std::string>();
    if (given.count("project")) question.project = given["project"].as<std::string>();
    if (given.count("domain")) question.domain = given["domain"].as<std::string>();
    question.system = given["system"].as<bool>();
    if (given.count("target"))
        for (const auto& each : given["target"].as<std::vector<std::string>>()) {
            const auto equals = each.find('=');
            if (equals == std::string::npos || equals == 0)
                throw UsageError("stratolet policy check: --target takes KEY=VALUE, not " + each);
            question.target[each.substr(0, equals)] = each.substr(equals + 1);
        }
    return explainPolicy(stateDirFrom(given), settings.config, question, std::cout);
}

int checkConfig(const options::variables_map& given) {
    Settings settings;
    loadConfig(settings, given);
    addressesIn(settings);
    std::cout << "the configuration is well\n";
    return 0;
}

int manual(const options::variables_map& given);

const std::vector<Command>& commands() {
    static const std::vector<Command> all{
        {"serve", "", "run the cloud of this host", cloudOptions(), serve},
        {"sandbox", "[-- COMMAND...]",
         "run a throw-away cloud: simulated guests, nothing on the host is touched; a command finds it in its "
         "environment, and it ends with that",
         sandboxOptions(), sandbox},
        {"status", "", "show services, hosts, capacity, guests, jobs and the last faults on one screen", shownOptions(),
         status},
        {"jobs", "", "list unfinished jobs, or with --steps every kind of job and its steps", jobsOptions(), jobs},
        {"jobs list", "", "list unfinished jobs, also of a cloud that does not run", shownOptions(), jobsList},
        {"jobs show", "ID", "show a job with its steps and their times", shownOptions(), jobsShow},
        {"jobs retry", "ID", "let a job that waits for its next attempt make it now", shownOptions(), jobsRetry},
        {"jobs cancel", "ID", "ask a job to stop: it undoes what it did, and what it was about fails", shownOptions(),
         jobsCancel},
        {"why", "RESOURCE",
         "tell the whole story of a resource: state, requests, jobs and steps with times, facts, "
         "faults, what of it is on the host",
         shownOptions(), why},
        {"events", "", "tell what has become of things, with --follow as it happens", eventsOptions(), events},
        {"doctor", "", "look for what should not be, with --repair mend it: exit 0 where all is well", doctorOptions(),
         doctor},
        {"openrc", "", "print the variables that clients need, for a shell", openrcOptions(), openrc},
        {"password", "[USER]", "give a user (admin unless told) a new password", passwordOptions(), password},
        {"routes", "", "list all routes of the API with their policy rules", shownOptions(), routes},
        {"host list", "", "list the hosts that run servers, with what they have and what is used", shownOptions(),
         hostList},
        {"host set", "NAME", "let a host get new servers, or none", hostSetOptions(), hostSet},
        {"backup", "FILE", "write all of a cloud into one new file, while it runs: store, keys, configuration",
         backupOptions(), backup},
        {"restore", "FILE", "make a state directory of such a file, where there is none yet", shownOptions(),
         restoreBackup},
        {"image fetch", "NAME", "download a cloud image that is known, verify it, and make an image of it",
         imageFetchOptions(), imageFetch},
        {"demo", "", "boot a guest and take it away again, and tell each step with its time", demoOptions(), demo},
        {"config check", "", "say whether the configuration would be taken", placeOptions(), checkConfig},
        {"metadefs load", "FILE...", "add metadata definitions from JSON files", placeOptions(), loadMetadefs},
        {"fernet rotate", "", "let the next key seal tokens from now on, while the cloud runs", rotateOptions(),
         rotate},
        {"policy check", "", "say whether a user may do something, and why", policyOptions(), checkPolicy},
        {"rollback", "", "go back to the version before the last upgrade", rollbackOptions(), rollback},
        {"uninstall", "", "take guests, networks and rules of a cloud that is stopped off this host",
         uninstallOptions(), uninstallCloud},
        {"manual", "program|config|bash|zsh",
         "write a manual page (stratolet.8, stratolet.conf.5), or what a shell completes", helpOption(), manual},
    };
    return all;
}

std::string titleOf(const Command& command) {
    return "stratolet " + command.words + (command.operands.empty() ? "" : " " + command.operands);
}

std::string usage() {
    std::string all =
        "Usage: stratolet COMMAND [OPTION]…\n\nAn OpenStack-compatible cloud in one process.\n\nCommands:\n";
    constexpr std::size_t column = 16;
    for (const auto& each : commands()) {
        all += "  " + each.words + std::string(column - std::min(column - 1, each.words.size()), ' ');
        all += each.summary + "\n";
    }
    return all + "\n\"stratolet COMMAND --help\" lists a command's options.\n";
}

int manual(const options::variables_map& given) {
    std::vector<CommandText> texts;
    for (const auto& each : commands()) {
        CommandText text{each.words, each.operands, each.summary, {}};
        for (const auto& option : each.options.options())
            text.options.push_back({"--" + option->long_name(),
                                    option->semantic()->max_tokens() == 0 ? "" : option->format_parameter(),
                                    option->description()});
        texts.push_back(std::move(text));
    }
    const auto asked =
        given.count(operand) ? given[operand].as<std::vector<std::string>>() : std::vector<std::string>();
    const auto what = asked.size() == 1 ? asked.front() : "";
    if (what == "program")
        writeProgramPage(std::cout, texts, STRATOLET_VERSION);
    else if (what == "config")
        writeConfigPage(std::cout, embedded("config/stratolet.conf"), allConfigOptions(), STRATOLET_VERSION);
    else if (what == "bash")
        writeBashCompletion(std::cout, texts);
    else if (what == "zsh")
        writeZshCompletion(std::cout, texts);
    else
        throw UsageError("stratolet manual: say program, config, bash or zsh");
    return 0;
}

/// The command that `words` begin with; what follows is its own. One of two words goes before one of its first word
/// alone, which is also what asks for help of both.
int command(const std::vector<std::string>& words) {
    if (words.empty()) throw UsageError("stratolet: a command is missing\n" + usage());
    if (words[0] == "--version") return std::cout << "stratolet " << STRATOLET_VERSION << "\n", 0;
    if (words[0] == "--help" || words[0] == "help") return std::cout << usage(), 0;
    const bool further = words.size() > 1 && !words[1].starts_with('-');
    const Command *one = nullptr, *two = nullptr, *any = nullptr;
    std::string known; // second words that this first one has
    for (const auto& each : commands()) {
        const auto space = each.words.find(' ');
        if (words[0] != each.words.substr(0, space)) continue;
        if (!any) any = &each;
        if (space == std::string::npos) {
            one = &each;
            continue;
        }
        const auto second = each.words.substr(space + 1);
        if (further && words[1] == second) two = &each;
        known += (known.empty() ? "\"" : ", \"") + second + "\"";
    }
    const bool asksHelp = words.size() > 1 && words[1] == "--help";
    const auto* called = two ? two : one ? one : asksHelp ? any : nullptr;
    if (!two && !known.empty() && (further || !called)) throw UsageError("stratolet " + words[0] + ": say " + known);
    if (!called) throw UsageError("stratolet: there is no command \"" + words[0] + "\"; see stratolet --help");
    const auto given = parsed(*called, {words.begin() + (two ? 2 : 1), words.end()});
    if (given.count("help")) return std::cout << titleOf(*called) << ":\n" << called->options, 0;
    return called->run(given);
}

}
}

int main(int count, char** words) {
    using namespace stratolet;
    ::umask(
        077); // whatever it was: keys, disks and copies of the store are nobody else's. What others need says so itself
    try {
        return command(std::vector<std::string>(words + 1, words + count));
    } catch (const UsageError& problem) {
        std::cerr << problem.what() << '\n';
        return 2;
    } catch (const Error& problem) {
        std::cerr << "stratolet: " << problem.what() << '\n';
        return problem.failure() == Failure::Invalid ? 2 : 1;
    } catch (const std::exception& problem) {
        std::cerr << "stratolet: " << problem.what() << '\n';
        return 1;
    }
}
