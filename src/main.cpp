#include <boost/program_options.hpp>

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

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
#include "appliance/notify.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/log/log.hpp"
#include "platform/os/temporary_folder.hpp"

namespace stratolet {
namespace {

namespace options = boost::program_options;
using namespace std::chrono_literals;

constexpr auto patienceAtExit = 9s; // jobs are safe at any moment: what is not parked by then goes on at the next start

constexpr const char* usage = R"(Usage: stratolet COMMAND [OPTION]…

An OpenStack-compatible cloud in one process.

Commands:
  serve      run the cloud of this host
  sandbox    run a throw-away cloud: simulated guests, nothing on the host is touched
  jobs       list unfinished jobs, or with --steps every kind of job and its steps
  doctor     look for what should not be: exit 0 where all is well
  metadefs load FILE…  add metadata definitions from JSON files
  fernet     rotate: let the next key seal tokens from now on, while the cloud runs
  policy     check: say whether a user may do something, and why

"stratolet COMMAND --help" lists a command's options.
)";

/// What the command line says wrong; exit code 2, nothing started.
struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

options::variables_map parsed(const std::string& command, const options::options_description& known,
                              const std::vector<std::string>& words) {
    options::variables_map values;
    try {
        options::store(options::command_line_parser(words)
                           .options(known)
                           .positional(options::positional_options_description())
                           .run(),
                       values);
        options::notify(values);
    } catch (const options::error& problem) {
        throw UsageError("stratolet " + command + ": " + problem.what() + "; see stratolet " + command + " --help");
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

/// What every command has: which cloud it is about.
options::options_description placeOptions(const std::string& title) {
    options::options_description known(title);
    const auto text = [](const char* name) { return options::value<std::string>()->value_name(name); };
    known.add_options()("help", "show this")("config", text("FILE"), "configuration file (stratolet.conf)")(
        "state-dir", text("DIR"), "where everything is kept");
    return known;
}

/// What a command has that runs a cloud.
options::options_description cloudOptions(const std::string& title) {
    auto known = placeOptions(title);
    known.add_options()("listen", options::value<std::vector<std::string>>()->value_name("ADDR:PORT"),
                        "address to listen on; more than once for several; port 0 takes a free one")(
        "classic-ports", options::bool_switch(), "also serve at 5000, 9292, 8776, 9696, 8774 and 8778")(
        "admin-password-file", options::value<std::string>()->value_name("FILE"),
        "its first line is the administrator's password in a new cloud");
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

int serve(const std::vector<std::string>& words) {
    const auto known = cloudOptions("stratolet serve");
    const auto given = parsed("serve", known, words);
    if (given.count("help")) return std::cout << known, 0;
    return run(settingsFrom(given, false), 0, false);
}

int sandbox(const std::vector<std::string>& words) {
    auto known = cloudOptions("stratolet sandbox");
    known.add_options()("seconds", options::value<int>()->default_value(0, "never")->value_name("N"),
                        "end after this time");
    const auto given = parsed("sandbox", known, words);
    if (given.count("help")) return std::cout << known, 0;
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

int listJobs(const std::vector<std::string>& words) {
    auto known = placeOptions("stratolet jobs");
    known.add_options()("steps", options::bool_switch(), "every kind of job and its steps");
    const auto given = parsed("jobs", known, words);
    if (given.count("help")) return std::cout << known, 0;
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

int doctor(const std::vector<std::string>& words) {
    const auto known = placeOptions("stratolet doctor");
    const auto given = parsed("doctor", known, words);
    if (given.count("help")) return std::cout << known, 0;
    const auto settings = settingsOf(given);
    return examine(settings, stateDirFrom(given, settings), std::cout);
}

int metadefs(const std::vector<std::string>& words) {
    auto known = placeOptions("stratolet metadefs load FILE...");
    std::vector<std::string> files, rest;
    for (std::size_t each = 1; each < words.size(); ++each) {
        const bool option = words[each].starts_with("--");
        (option ? rest : files).push_back(words[each]);
        if (option && words[each].find('=') == std::string::npos && words[each] != "--help" && each + 1 < words.size())
            rest.push_back(words[++each]);
    }
    const auto given = parsed("metadefs", known, rest);
    if (given.count("help")) return std::cout << known, 0;
    if (words.empty() || words[0] != "load" || files.empty())
        throw UsageError("stratolet metadefs: say load and the files");
    const auto settings = settingsOf(given);
    return loadMetadefFiles(stateDirFrom(given, settings), settings.config, files, std::cout);
}

/// The word behind the command, which has only this one.
std::vector<std::string> behind(const std::string& command, const std::string& word,
                                const std::vector<std::string>& words) {
    if (words.empty() || (words[0] != word && words[0] != "--help"))
        throw UsageError("stratolet " + command + ": say \"" + word + "\"");
    return words[0] == word ? std::vector<std::string>(words.begin() + 1, words.end()) : words;
}

int fernet(const std::vector<std::string>& words) {
    auto known = placeOptions("stratolet fernet rotate");
    known.add_options()("credentials", options::bool_switch(),
                        "the keys of stored credentials instead of those of tokens");
    const auto given = parsed("fernet rotate", known, behind("fernet", "rotate", words));
    if (given.count("help")) return std::cout << known, 0;
    Settings settings;
    loadConfig(settings, given);
    rotateKeys(stateDirFrom(given), settings.config, given["credentials"].as<bool>());
    return 0;
}

int checkPolicy(const std::vector<std::string>& words) {
    auto known = placeOptions("stratolet policy check");
    const auto text = [](const char* name) { return options::value<std::string>()->value_name(name); };
    known.add_options()("user", text("ID|NAME"), "who asks (a name is one of the default domain)")(
        "project", text("ID|NAME"), "with a token of this project")("domain", text("ID|NAME"),
                                                                    "with a token of this domain")(
        "system", options::bool_switch(), "with a token of the system")("rule", text("RULE"),
                                                                        "what is asked, such as identity:list_users")(
        "service", text("SERVICE"), "whose policy has the rule, where the rule's name does not begin with it")(
        "target", options::value<std::vector<std::string>>()->multitoken()->value_name("KEY=VALUE…"),
        "attributes of what it is done to");
    const auto given = parsed("policy check", known, behind("policy", "check", words));
    if (given.count("help")) return std::cout << known, 0;
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

int command(const std::vector<std::string>& words) {
    if (words.empty()) throw UsageError(std::string("stratolet: a command is missing\n") + usage);
    const std::vector<std::string> rest(words.begin() + 1, words.end());
    if (words[0] == "--version") return std::cout << "stratolet " << STRATOLET_VERSION << "\n", 0;
    if (words[0] == "--help" || words[0] == "help") return std::cout << usage, 0;
    if (words[0] == "serve") return serve(rest);
    if (words[0] == "sandbox") return sandbox(rest);
    if (words[0] == "jobs") return listJobs(rest);
    if (words[0] == "doctor") return doctor(rest);
    if (words[0] == "metadefs") return metadefs(rest);
    if (words[0] == "fernet") return fernet(rest);
    if (words[0] == "policy") return checkPolicy(rest);
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
