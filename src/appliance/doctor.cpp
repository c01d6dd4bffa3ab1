#include "appliance/doctor.hpp"

#include <ostream>

#include <stratolet/error.hpp>

#include "appliance/appliance.hpp"
#include "appliance/state_folder.hpp"
#include "network/l3/external.hpp"
#include "network/network_plan.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/log/log.hpp"
#include "platform/store/store.hpp"

namespace stratolet {
namespace {

/// A question whose every answer is a finding: the first column names what it is about.
struct Question {
    std::string_view finding;
    std::string_view sql;
};

constexpr Question questions[] = {
    {"server has a task that no job works on",
     "SELECT id || ' (' || task_state || ')' FROM compute_servers WHERE deleted IS NULL AND "
     "task_state IS NOT NULL AND id NOT IN (SELECT subject FROM jobs)"},
    {"server is being built by no job", "SELECT id FROM compute_servers WHERE deleted IS NULL AND vm_state = "
                                        "'building' AND id NOT IN (SELECT subject FROM jobs)"},
    {"volume is in a transitional state that no job works on",
     "SELECT id || ' (' || status || ')' FROM volumes WHERE status IN ('creating', 'downloading', 'extending', "
     "'deleting', 'uploading', 'retyping', 'reverting', 'managing', 'unmanaging', 'backing-up', 'restoring-backup') "
     "AND id NOT IN (SELECT json_extract(payload, '$.volume') FROM jobs WHERE payload <> '') "
     "AND id NOT IN (SELECT subject FROM jobs)"},
    {"snapshot is in a transitional state that no job works on",
     "SELECT id || ' (' || status || ')' FROM volume_snapshots WHERE status IN ('creating', 'deleting', 'managing', "
     "'unmanaging', 'backing-up', 'restoring') "
     "AND id NOT IN (SELECT json_extract(payload, '$.snapshot') FROM jobs WHERE payload <> '') "
     "AND volume_id NOT IN (SELECT subject FROM jobs)"},
    {"attachment belongs to a server that is not there",
     "SELECT id FROM volume_attachments WHERE by_compute = 1 AND server_id NOT IN (SELECT id FROM compute_servers "
     "WHERE deleted IS NULL)"},
    {"volume is attached, but has no attachment",
     "SELECT id FROM volumes WHERE status = 'in-use' AND id NOT IN (SELECT volume_id FROM volume_attachments)"},
    {"compute knows an attachment that block does not",
     "SELECT attachment FROM compute_devices WHERE attachment <> '' AND attachment NOT IN (SELECT id FROM "
     "volume_attachments)"},
    {"port belongs to a server that is not there", "SELECT id FROM ports WHERE server <> '' AND server NOT IN (SELECT "
                                                   "id FROM compute_servers WHERE deleted IS NULL)"},
    {"not wired as planned", "SELECT kind || ' ' || subject || ': ' || what FROM network_problems"},
    // What the store knows nothing of is kept: it may be older than the host (a backup that was put back).
    {"the store knows nothing of this guest, it is kept; \"virsh dumpxml\" shows what it is, \"virsh undefine\" "
     "removes it",
     "SELECT 'stratolet-' || id || ' on ' || place FROM strays WHERE kind = 'guest'"},
    {"the store knows nothing of the server of this disk in \"instances\", it is kept, and no base copy goes meanwhile",
     "SELECT id || ' on ' || place FROM strays WHERE kind = 'guest''s disk'"},
    {"the store knows nothing of this volume, it is kept; an image can be made of its data, and of that a volume; else "
     "remove it there",
     "SELECT 'volume-' || id || ' in back end ' || place FROM strays WHERE kind = 'volume'"},
    {"the store knows nothing of the data of this image, it is kept; an image can be made of it again; else remove it "
     "there",
     "SELECT id || ' in store ' || place FROM strays WHERE kind = 'image'"},
    {"the store knows nothing of what was sent for this image, it is kept; send it again, and remove it from "
     "\"staging\"",
     "SELECT id FROM strays WHERE kind = 'staged image'"},
    {"two domains have names that compare as one: rename all but one of them",
     "SELECT group_concat(name || ' (' || id || ')', ', ') FROM projects WHERE is_domain = 1 GROUP BY name_key HAVING "
     "count(*) > 1"},
    {"two projects of a domain have names that compare as one: rename all but one of them",
     "SELECT group_concat(name || ' (' || id || ')', ', ') FROM projects WHERE is_domain = 0 GROUP BY domain_id, "
     "name_key HAVING count(*) "
     "> 1"},
    {"two users of a domain have names that compare as one: rename all but one of them",
     "SELECT group_concat(name || ' (' || id || ')', ', ') FROM users GROUP BY domain_id, name_key HAVING count(*) > "
     "1"},
    {"two groups of a domain have names that compare as one: rename all but one of them",
     "SELECT group_concat(name || ' (' || id || ')', ', ') FROM groups GROUP BY domain_id, name_key HAVING count(*) > "
     "1"},
    {"two roles have names that compare as one, and policy takes them for one: rename all but one of them",
     "SELECT group_concat(name || ' (' || id || ')', ', ') FROM roles GROUP BY domain_id, name_key HAVING count(*) > "
     "1"},
    {"job does not get done", "SELECT id || ' (' || kind || ' of ' || subject || ', attempt ' || attempt || ': ' || "
                              "error || ')' FROM jobs WHERE attempt > 3 AND "
                              "error <> ''"},
    {"job has been at work for more than a day",
     "SELECT id || ' (' || kind || ' of ' || subject || ')' FROM jobs WHERE begun < (unixepoch() - 86400) * 1000000"},
};

}

std::vector<std::string> findingsIn(store::Reader& db, const Settings& settings,
                                    const std::filesystem::path& stateDir) {
    std::vector<std::string> findings;
    for (const auto& question : questions)
        for (const auto& about : db.query(question.sql).texts())
            findings.push_back(std::string(question.finding) + ": " + about);
    for (const auto& broken : db.query("PRAGMA integrity_check").texts())
        if (broken != "ok") findings.push_back("the file is damaged: " + broken);
    if (std::filesystem::exists(stateDir / "network" / "dhcp")) { // made by the driver that works on the host
        Log log({.level = Log::Level(99)});
        const auto cloud = cloudIn(db);
        const auto driver = networkDriverFor(settings, stateDir, cloud.id, log);
        for (const auto& each : driver->findings(network::networkPlan(
                 db, {.host = cloud.host, .dnsDomain = settings.config.text("network", "dns_domain")})))
            findings.push_back("the host's network is not as planned: " + each.what);
        for (auto& each : network::externalCollisions(db, *driver)) findings.push_back(std::move(each));
    }
    return findings;
}

int examine(const Settings& settings, const std::filesystem::path& stateDir, std::ostream& out) {
    store::Store store(storeIn(stateDir, settings.config));
    // Of one moment, so that what a running cloud does meanwhile is no finding.
    const auto findings = store.read([&](store::Reader& db) { return findingsIn(db, settings, stateDir); });
    for (const auto& each : findings) out << each << '\n';
    if (findings.empty()) out << "all is well\n";
    return findings.empty() ? 0 : 1;
}

}
