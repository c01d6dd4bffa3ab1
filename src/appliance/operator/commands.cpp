#include "appliance/operator/commands.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <ostream>
#include <sstream>
#include <thread>
#include <utility>

#include <stratolet/error.hpp>

#include "appliance/appliance.hpp"
#include "appliance/doctor.hpp"
#include "appliance/operator/local_cloud.hpp"
#include "appliance/operator/operator_site.hpp"
#include "appliance/operator/table.hpp"
#include "appliance/shell_word.hpp"
#include "appliance/state_folder.hpp"
#include "platform/http/http.hpp"
#include "platform/log/log.hpp"
#include "platform/os/temporary_folder.hpp"
#include "platform/text/text.hpp"

namespace stratolet {
namespace {

void heading(std::ostream& out, std::string_view text) { out << '\n' << text << '\n'; }

std::string ofAll(const Json& object, std::string_view used, std::string_view all, std::string_view unit = "") {
    std::string text = cell(object, used) + " of " + cell(object, all);
    return unit.empty() ? text : text + " " + std::string(unit);
}

void printHosts(std::ostream& out, const std::vector<Json>& hosts, const std::string& indent) {
    Table table({"HOST", "STATE", "STATUS", "PROCESSORS", "MEMORY", "DISK", "GUESTS", "REASON"});
    for (const auto& each : hosts) {
        const auto service = each.object("service");
        table.add({cell(service, "host"), cell(each, "state"), cell(each, "status"), ofAll(each, "vcpus_used", "vcpus"),
                   ofAll(each, "memory_mb_used", "memory_mb", "MiB"), ofAll(each, "local_gb_used", "local_gb", "GiB"),
                   cell(each, "running_vms"), cell(service, "disabled_reason")});
    }
    table.print(out, indent);
}

/// A number without what stands behind its point; a word ("infinite") as it is.
std::string rounded(const Json& object, std::string_view name) {
    const auto text = cell(object, name);
    return text.substr(0, text.find('.'));
}

void printPools(std::ostream& out, const std::vector<Json>& pools) {
    Table table({"POOL", "CAPACITY (GiB)", "FREE (GiB)", "VOLUMES"});
    for (const auto& each : pools) {
        const auto facts = each.object("capabilities");
        table.add({cell(each, "name"), rounded(facts, "total_capacity_gb"), rounded(facts, "free_capacity_gb"),
                   cell(facts, "total_volumes")});
    }
    table.print(out, "  ");
}

void printFaults(std::ostream& out, const std::vector<Json>& faults) {
    if (faults.empty()) {
        out << "  none\n";
        return;
    }
    Table table({"WHEN", "WHAT", "ID", "NAME", "WHY"});
    for (const auto& each : faults)
        table.add({cell(each, "time"), cell(each, "kind"), cell(each, "id"), cell(each, "name"), cell(each, "what")});
    table.print(out, "  ");
}

std::string stepOf(const Json& job) {
    std::string text = cell(job, "step");
    const auto progress = job.integer("progress"), total = job.integer("total");
    if (progress > 0) text += " (" + sizeText(progress) + " of " + (total > 0 ? sizeText(total) : "?") + ")";
    return text;
}

void printJobs(std::ostream& out, const std::vector<Json>& jobs) {
    if (jobs.empty()) {
        out << "no job is unfinished\n";
        return;
    }
    Table table({"JOB", "KIND", "SUBJECT", "LANE", "STATE", "STEP", "ATTEMPT", "SINCE", "ERROR"});
    for (const auto& each : jobs)
        table.add({cell(each, "id"), cell(each, "kind"), cell(each, "subject"), cell(each, "lane"), cell(each, "state"),
                   stepOf(each), cell(each, "attempt"), cell(each, "created"), cell(each, "error")});
    table.print(out);
}

void printSteps(std::ostream& out, const Json& of, const std::string& indent) {
    Table table({"STEP", "BEGAN", "TOOK", "ERROR"});
    for (const auto& each : of.array("steps").items())
        table.add({cell(each, "step"), cell(each, "began"), timeBetween(cell(each, "began"), cell(each, "ended")),
                   cell(each, "error")});
    if (!table.empty()) table.print(out, indent);
}

/// Pairs of a word and what it says, one a line.
void printPairs(std::ostream& out, const Json& object, const std::string& indent) {
    Table table({"", ""});
    for (const auto& name : object.names())
        if (const auto text = cell(object, name); !text.empty() && !object.at(name).isArray()) table.add({name, text});
    std::ostringstream lines;
    table.print(lines, indent);
    out << lines.str().substr(lines.str().find('\n') + 1); // without a head
}

void printJob(std::ostream& out, const Json& job) {
    printPairs(out, job, "");
    printSteps(out, job, "  ");
}

std::int64_t numberOf(const std::string& id) {
    const auto number = wholeNumberIn(id);
    if (!number)
        throw Error(Failure::Invalid, "a job has a number, \"", id, "\" is none; \"stratolet jobs list\" has them");
    return *number;
}

Json jobsOf(const Asked& asked) {
    if (LocalCloud::runsIn(asked.stateDir)) return LocalCloud(asked.stateDir).gets("/operator/v1/jobs");
    store::Store store(storeIn(asked.stateDir, asked.settings.config));
    return written([&](JsonWriter& out) { writeJobs(out, jobs::jobsIn(store.reader())); });
}

Json jobOf(const Asked& asked, std::int64_t id) {
    if (LocalCloud::runsIn(asked.stateDir))
        return LocalCloud(asked.stateDir).gets("/operator/v1/jobs/" + std::to_string(id));
    store::Store store(storeIn(asked.stateDir, asked.settings.config));
    const auto job = jobs::jobIn(store.reader(), id);
    if (!job) throw Error(Failure::Invalid, "there is no unfinished job ", id, "; a job that has ended leaves no row");
    return written([&](JsonWriter& out) { writeJob(out, *job); });
}

}

bool printed(const Asked& asked, const Json& answer) {
    if (asked.json) asked.out << answer.dump() << '\n';
    return asked.json;
}

Json written(const std::function<void(JsonWriter&)>& write) {
    std::string text;
    JsonWriter out(text);
    write(out);
    return Json::parse(text);
}

int showStatus(const Asked& asked) {
    const auto status = LocalCloud(asked.stateDir).gets("/operator/v1/status");
    if (printed(asked, status)) return 0;
    auto& out = asked.out;
    out << "stratolet " << cell(status, "version") << (cell(status, "kind") == "sandbox" ? " (sandbox)" : "") << " at "
        << cell(status, "endpoint") << ", state in " << cell(status, "state_dir") << '\n';
    heading(out, "Services");
    Table services({"PART", "STATE", "COMPLAINT"});
    for (const auto& each : status.array("services").items())
        services.add({cell(each, "name"), cell(each, "state"), cell(each, "complaint")});
    services.print(out, "  ");
    heading(out, "Hosts");
    printHosts(out, status.array("hosts").items(), "  ");
    heading(out, "Storage");
    printPools(out, status.array("pools").items());
    heading(out, "Guests");
    const auto servers = status.object("servers");
    if (servers.size() == 0) out << "  none\n";
    printPairs(out, servers, "  ");
    heading(out, "Jobs");
    Table jobs({"LANE", "STATE", "COUNT", "FAILED BEFORE"});
    for (const auto& each : status.array("jobs").items())
        jobs.add({cell(each, "lane"), cell(each, "state"), cell(each, "count"), cell(each, "failed_before")});
    jobs.empty() ? void(out << "  none\n") : jobs.print(out, "  ");
    heading(out, "Last faults");
    printFaults(out, status.array("faults").items());
    return 0;
}

int listJobs(const Asked& asked) {
    const auto answer = jobsOf(asked);
    if (!printed(asked, answer)) printJobs(asked.out, answer.array("jobs").items());
    return 0;
}

int showJob(const Asked& asked, const std::string& id) {
    const auto answer = jobOf(asked, numberOf(id));
    if (!printed(asked, answer)) printJob(asked.out, answer);
    return 0;
}

int retryJob(const Asked& asked, const std::string& id) {
    const auto path = "/operator/v1/jobs/" + std::to_string(numberOf(id)) + "/retry";
    const auto answer = LocalCloud(asked.stateDir).asks("POST", path);
    if (!printed(asked, answer)) asked.out << "job " << id << " makes its next attempt now\n";
    return 0;
}

int cancelJob(const Asked& asked, const std::string& id) {
    const auto path = "/operator/v1/jobs/" + std::to_string(numberOf(id)) + "/cancel";
    const auto answer = LocalCloud(asked.stateDir).asks("POST", path);
    if (printed(asked, answer)) return 0;
    std::vector<std::string> undone;
    for (const auto& each : answer.array("undoes").items()) undone.push_back(each.text());
    asked.out << "job " << id << " (" << cell(answer, "kind") << " of " << cell(answer, "subject")
              << ") has been asked to stop; ";
    undone.empty() ? asked.out << "it had not begun" : asked.out << "it undoes: " << joined(undone);
    asked.out << '\n';
    return 0;
}

namespace {

void printRequests(std::ostream& out, const std::vector<Json>& requests) {
    for (const auto& each : requests) {
        out << "  " << cell(each, "began") << "  " << cell(each, "what") << "  " << cell(each, "request");
        if (const auto took = timeBetween(cell(each, "began"), cell(each, "ended")); !took.empty())
            out << "  took " << took;
        if (const auto result = cell(each, "result"); !result.empty()) out << "  " << result;
        out << '\n';
        for (const auto* name : {"message", "details"})
            if (const auto text = cell(each, name); !text.empty()) out << "      " << text << '\n';
        if (each.has("steps")) printSteps(out, each, "      ");
    }
}

void printTable(std::ostream& out, const Json& of, std::string_view member, std::string_view title, Table table,
                std::initializer_list<std::string_view> names) {
    for (const auto& each : of.array(member).items()) {
        std::vector<std::string> row;
        for (const auto name : names) row.push_back(cell(each, name));
        table.add(std::move(row));
    }
    if (table.empty()) return;
    heading(out, title);
    table.print(out, "  ");
}

void printStory(std::ostream& out, const Json& story) {
    out << cell(story, "kind") << ' ' << cell(story, "id") << '\n';
    printPairs(out, story.object("row"), "  ");
    printTable(out, story, "related", "Related", Table({"KIND", "ID", "STATE"}), {"kind", "id", "state"});
    if (const auto requests = story.array("requests").items(); !requests.empty()) {
        heading(out, "Requests");
        printRequests(out, requests);
    }
    if (const auto jobs = story.array("jobs").items(); !jobs.empty()) {
        heading(out, "Unfinished jobs");
        for (const auto& each : jobs) {
            out << "  job " << cell(each, "id") << "  " << cell(each, "kind") << "  " << cell(each, "state")
                << "  step " << stepOf(each) << "  attempt " << cell(each, "attempt") << "  " << cell(each, "error")
                << '\n';
            printSteps(out, each, "      ");
        }
    }
    printTable(out, story, "facts", "Facts of the last day, newest first", Table({"WHEN", "FACT"}),
               {"announced", "fact"});
    if (const auto faults = story.array("faults").items(); !faults.empty()) {
        heading(out, "Faults");
        for (const auto& each : faults) out << "  " << each.text() << '\n';
    }
    printTable(out, story, "host_objects", "On the host", Table({"KIND", "NAME", "STATE"}), {"kind", "name", "state"});
}

}

int tellWhy(const Asked& asked, const std::string& resource) {
    const auto answer = LocalCloud(asked.stateDir).gets("/operator/v1/why?resource=" + http::percentEncoded(resource));
    if (printed(asked, answer)) return 0;
    bool first = true;
    for (const auto& each : answer.array("resources").items()) {
        if (!std::exchange(first, false)) asked.out << '\n';
        printStory(asked.out, each);
    }
    return 0;
}

int listEvents(const Asked& asked, std::optional<std::int64_t> since, const std::string& type, bool follow) {
    LocalCloud cloud(asked.stateDir);
    cloud.becomesAdministrator();
    const auto of = "&type=" + http::percentEncoded(type);
    if (!since) {
        constexpr std::int64_t many = 100;
        const auto now = cloud.gets("/v1/events");
        since = std::max(now.integer("last") - many, now.integer("kept_since"));
    }
    for (int looks = 0;;) {
        const auto answer = cloud.gets("/v1/events?since=" + std::to_string(*since) + of);
        for (const auto& each : answer.array("events").items()) {
            if (asked.json)
                asked.out << each.dump() << '\n';
            else
                asked.out << each.integer("id") << "  " << cell(each, "time") << "  " << cell(each, "type") << "  "
                          << cell(each, "resource_id") << "  " << cell(each, "status") << '\n';
        }
        asked.out.flush();
        const bool more = answer.integer("last") != *since;
        since = answer.integer("last");
        if (more) continue;
        if (!follow) return 0;
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        constexpr int looksOfOneToken = 1000; // minutes: the shortest that a token may last is longer
        if (++looks % looksOfOneToken == 0) cloud.becomesAdministrator();
    }
}

int lookForFindings(const Asked& asked) {
    if (!asked.json) return examine(asked.settings, asked.stateDir, asked.out);
    store::Store store(storeIn(asked.stateDir, asked.settings.config));
    const auto findings = store.read([&](store::Reader& db) { return findingsIn(db, asked.settings, asked.stateDir); });
    printed(asked, written([&](JsonWriter& out) {
                const auto body = out.object();
                const auto items = out.array("findings");
                for (const auto& each : findings) out.value(each);
            }));
    return findings.empty() ? 0 : 1;
}

int repairHost(const Asked& asked) {
    const auto answer = LocalCloud(asked.stateDir).asks("POST", "/operator/v1/repair");
    const auto left = answer.array("left").items();
    bool whole = left.empty();
    for (const auto& each : answer.array("parts").items()) whole = whole && cell(each, "complaint").empty();
    if (printed(asked, answer)) return whole ? 0 : 1;
    for (const auto& each : answer.array("parts").items())
        asked.out << "looked at " << cell(each, "part") << " in " << cell(each, "milliseconds") << " ms"
                  << (cell(each, "complaint").empty() ? "" : ": " + cell(each, "complaint")) << '\n';
    for (const auto& each : answer.array("mended").items()) asked.out << "mended: " << each.text() << '\n';
    for (const auto& each : left) asked.out << "left: " << each.text() << '\n';
    if (whole) asked.out << "all is well\n";
    return whole ? 0 : 1;
}

int listRoutes(const Asked& asked) {
    const auto answer = [&] {
        if (LocalCloud::runsIn(asked.stateDir)) return LocalCloud(asked.stateDir).gets("/operator/v1/routes");
        const TemporaryFolder folder("stratolet-routes");
        Settings settings;
        settings.sandbox = true;
        settings.stateDir = folder.path();
        settings.config.set("DEFAULT", "policy_dir", "", "routes");
        Log log({.level = Log::Level(99)});
        RealAmbient ambient;
        Appliance appliance(std::move(settings), ambient, log);
        return written([&](JsonWriter& out) { writeRouteTable(out, appliance.server().sites()); });
    }();
    if (printed(asked, answer)) return 0;
    Table table({"SERVICE", "METHOD", "PATH", "RULE"});
    for (const auto& each : answer.array("routes").items())
        table.add({cell(each, "service"), cell(each, "method"), cell(each, "path"),
                   cell(each, "rule").empty() ? "(open: " + cell(each, "open") + ")" : cell(each, "rule")});
    table.print(asked.out);
    return 0;
}

int listHosts(const Asked& asked) {
    const auto answer = LocalCloud(asked.stateDir).gets("/operator/v1/hosts");
    if (printed(asked, answer)) return 0;
    printHosts(asked.out, answer.array("hosts").items(), "");
    const auto ratios = answer.object("allocation_ratios");
    asked.out << "promised of each: processors " << cell(ratios, "cpu") << " times, memory " << cell(ratios, "ram")
              << " times, disk " << cell(ratios, "disk") << " times ([compute] cpu_allocation_ratio and its like)\n";
    return 0;
}

int setHost(const Asked& asked, const std::string& name, const std::optional<std::string>& disabledReason,
            bool enable) {
    if (enable == disabledReason.has_value())
        throw Error(Failure::Invalid, "stratolet host set: say either --disable REASON or --enable");
    std::string body = enable ? R"({"status":"enabled"})"
                              : R"({"status":"disabled","disabled_reason":)" + jsonText(*disabledReason) + "}";
    const auto answer =
        LocalCloud(asked.stateDir).asks("PUT", "/operator/v1/hosts/" + http::percentEncoded(name), std::move(body));
    if (!printed(asked, answer)) printHosts(asked.out, answer.array("hosts").items(), "");
    return 0;
}

namespace {

/// A line of an openrc file that says who asks, and for what.
bool isAboutSomebody(const std::string& line) {
    for (const std::string_view each :
         {"OS_USERNAME=", "OS_PASSWORD=", "OS_PROJECT_NAME=", "OS_USER_DOMAIN_NAME=", "OS_PROJECT_DOMAIN_NAME="})
        if (line.starts_with("export " + std::string(each))) return true;
    return false;
}

}

int printOpenrc(const Asked& asked, const std::string& user, const std::string& project) {
    const auto place = LocalCloud(asked.stateDir)
                           .gets("/operator/v1/openrc?user=" + http::percentEncoded(user) +
                                 "&project=" + http::percentEncoded(project));
    if (printed(asked, place)) return 0;
    std::ifstream file(asked.stateDir / "admin-openrc");
    if (!file) throw Error(Failure::NotFound, (asked.stateDir / "admin-openrc").string(), " cannot be read");
    const auto is = [&](std::string_view name, std::string_view value) { return cell(place, name) == value; };
    if (is("user", "admin") && is("user_domain_id", "default") && is("project", "admin")) {
        asked.out << file.rdbuf();
        return 0;
    }
    // Where the cloud is, and how it is believed, is the same for all; who asks is not.
    for (std::string line; std::getline(file, line);)
        if (!isAboutSomebody(line)) asked.out << line << '\n';
    const auto add = [&](std::string_view name, std::string_view member) {
        asked.out << "export " << name << '=' << shellWord(cell(place, member)) << '\n';
    };
    add("OS_USERNAME", "user");
    add("OS_USER_DOMAIN_ID", "user_domain_id");
    add("OS_PROJECT_NAME", "project");
    add("OS_PROJECT_DOMAIN_ID", "project_domain_id");
    // Nobody keeps it: whoever reads this into their shell is asked.
    asked.out << "printf 'Password of %s: ' " << shellWord(cell(place, "user"))
              << " >&2; stty -echo 2>/dev/null; read -r OS_PASSWORD; stty echo 2>/dev/null; echo >&2; export "
                 "OS_PASSWORD\n";
    return 0;
}

int setPassword(const Asked& asked, const std::string& user, const std::string& password) {
    const auto answer = LocalCloud(asked.stateDir)
                            .asks("PUT", "/operator/v1/users/" + http::percentEncoded(user) + "/password",
                                  R"({"password":)" + jsonText(password) + "}");
    if (printed(asked, answer)) return 0;
    asked.out << "user " << cell(answer, "user") << " (" << cell(answer, "id")
              << ") has that password now, and no token "
              << "from before counts any more\n";
    if (answer.boolean("files_rewritten", false))
        asked.out << "admin-openrc and clouds.yaml in " << asked.stateDir.string() << " have it, too\n";
    return 0;
}

}
