#include <boost/program_options.hpp>

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
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
#include "appliance/doctor.hpp"
#include "appliance/identity_tools.hpp"
#include "appliance/load_metadefs.hpp"
#include "appliance/manual.hpp"
#include "appliance/notify.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/log/log.hpp"
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

/// Blocks the signals that the main thread waits for, in every thread made from now on.
sigset_t blockSignals() {
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t set;
    ::sigemptyset(&set);
    for (const int each : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, each);
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
void leaveInTime(std::function<void()> atExit) {
    std::thread([atExit = std::move(atExit)] {
        std::this_thread::sleep_for(patienceAtExit);
        if (atExit) atExit();
        ::_exit(0);
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

void loadConfig(Settings& settings, const options::variables_map& given) {
    const std::string standard = "/etc/stratolet/stratolet.conf";
    if (given.count("config"))
        settings.config.load(given["config"].as<std::string>());
    else if (!settings.sandbox && ::access(standard.c_str(), R_OK) == 0)
        settings.config.load(standard);
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

int run(Settings settings, int secondsMax, bool printOpenrc, std::function<void()> atExit = {}) {
    allowManyFiles();
    settings.crash = crashPointFromEnvironment();
    const sigset_t signals = blockSignals();
    Log log(logOptions(settings.config));
    RealAmbient ambient;
    Appliance appliance(std::move(settings), ambient, log);
    appliance.start();
    std::cout << "ready " << appliance.endpoint() << "/" << std::endl;
    if (printOpenrc) std::cout << appliance.openrc() << std::flush;
    notifySystemd("READY=1");
    waitForTheEnd(appliance, signals, secondsMax, log);
    notifySystemd("STOPPING=1");
    leaveInTime(std::move(atExit));
    appliance.stop();
    return 0;
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

int serve(const options::variables_map& given) { return run(settingsFrom(given, false), 0, false); }

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
        settings.config.set("DEFAULT", "log_level", "warning", "sandbox");
        settings.config.set("compute", "reclaim_instance_interval", "0", "sandbox"); // what a test deletes is gone
    }
    if (settings.listen.empty() && !given.count("config")) settings.listen.push_back({"127.0.0.1", 0});
    std::function<void()> atExit;
    if (temporary) atExit = [folder = temporary->path()] { removeSoon(folder); };
    return run(std::move(settings), given["seconds"].as<int>(), true, std::move(atExit));
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

options::options_description jobsOptions() {
    auto known = placeOptions();
    known.add_options()("steps", options::bool_switch(), "every kind of job and its steps");
    return known;
}

int listJobs(const options::variables_map& given) {
    if (given["steps"].as<bool>()) {
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
    const auto settings = settingsOf(given);
    return printJobs(settings, stateDirFrom(given, settings), std::cout);
}

int doctor(const options::variables_map& given) {
    const auto settings = settingsOf(given);
    return examine(settings, stateDirFrom(given, settings), std::cout);
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
        {"sandbox", "", "run a throw-away cloud: simulated guests, nothing on the host is touched", sandboxOptions(),
         sandbox},
        {"jobs", "", "list unfinished jobs, or with --steps every kind of job and its steps", jobsOptions(), listJobs},
        {"doctor", "", "look for what should not be: exit 0 where all is well", placeOptions(), doctor},
        {"config check", "", "say whether the configuration would be taken", placeOptions(), checkConfig},
        {"metadefs load", "FILE...", "add metadata definitions from JSON files", placeOptions(), loadMetadefs},
        {"fernet rotate", "", "let the next key seal tokens from now on, while the cloud runs", rotateOptions(),
         rotate},
        {"policy check", "", "say whether a user may do something, and why", policyOptions(), checkPolicy},
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

/// The command that `words` begin with; what follows is its own.
int command(const std::vector<std::string>& words) {
    if (words.empty()) throw UsageError("stratolet: a command is missing\n" + usage());
    if (words[0] == "--version") return std::cout << "stratolet " << STRATOLET_VERSION << "\n", 0;
    if (words[0] == "--help" || words[0] == "help") return std::cout << usage(), 0;
    std::string known; // commands that begin with this word and want a second one
    for (const auto& each : commands()) {
        const auto space = each.words.find(' ');
        const bool two = space != std::string::npos;
        if (words[0] != each.words.substr(0, space)) continue;
        const bool called = !two || (words.size() > 1 && words[1] == each.words.substr(space + 1));
        const bool asked = two && words.size() > 1 && words[1] == "--help";
        if (!called && !asked) {
            known += (known.empty() ? "\"" : ", \"") + each.words.substr(space + 1) + "\"";
            continue;
        }
        const auto given = parsed(each, {words.begin() + (called && two ? 2 : 1), words.end()});
        if (given.count("help")) return std::cout << titleOf(each) << ":\n" << each.options, 0;
        return each.run(given);
    }
    if (!known.empty()) throw UsageError("stratolet " + words[0] + ": say " + known);
    throw UsageError("stratolet: there is no command \"" + words[0] + "\"; see stratolet --help");
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
