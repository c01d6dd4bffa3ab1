#include "network/logging/security_log.hpp"

#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/security/security_group.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

constexpr std::string_view groupType = "security_group"; ///< the one type of what can be logged

/// What of the packets that security groups judge is written down.
struct SecurityLog {
    SecurityLogId id;
    Standard standard;
    bool enabled = true;
    std::string type;
    std::string event = "ALL"; ///< "ACCEPT", "DROP", "ALL"
    std::string group;         ///< whose packets; empty: of whichever group
    std::string port;          ///< whose packets; empty: of all ports that are in the group, or in the project
};

void readEvent(SecurityLog& log, const Json& value, const Reading&) {
    log.event = value.isText() ? value.text() : value.dump();
    if (log.event != "ACCEPT" && log.event != "DROP" && log.event != "ALL")
        refuseInput("event", "'" + log.event + "' is not in ['ACCEPT', 'DROP', 'ALL'].");
}

const Table<SecurityLog>
    logTable("security_logs", 'y',
             withStandard<SecurityLog>({attribute<&SecurityLog::enabled>("enabled", Post | Put | Show | Find),
                                        attribute<&SecurityLog::type>("resource_type", Post | Show | Find).in("type"),
                                        attribute<&SecurityLog::event>("event", Post | Show | Filter).readBy(readEvent),
                                        maybe<&SecurityLog::group>("resource_id", Post | Show | Find).in("resource"),
                                        maybe<&SecurityLog::port>("target_id", Post | Show | Find).in("target")},
                                       HasName));

Error logNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Log resource ", id, " could not be found.").as("LogResourceNotFound");
}

/// The group and the port are such as the caller may see, and one is in the other (Neutron: logapi's validators).
void checkResources(store::Reader& db, const identity::Caller& caller, const SecurityLog& log) {
    if (!log.group.empty()) {
        const auto group = securityGroupTable.find(db, {log.group});
        if (!group || !mayOn(caller, "get_security_group", ownedAndShared(group->standard.project, group->sharing)))
            throw Error(Failure::NotFound, "Resource ", log.group, " could not be found.").as("ResourceNotFound");
    }
    if (log.port.empty()) return;
    const auto port = portTable.find(db, {log.port});
    if (!port || !mayOn(caller, "get_port", targetOf(*port, networkOf(db, port->network))))
        throw Error(Failure::NotFound, "Target resource ", log.port, " could not be found.")
            .as("TargetResourceNotFound");
    const auto isIn = [&] {
        return db.query("SELECT 1 FROM port_security_groups WHERE port = ? AND security_group = ?", log.port, log.group)
            .any();
    };
    if (!log.group.empty() && !isIn())
        throw Error(Failure::Invalid, "Invalid resource constraint between resource (", groupType, " ", log.group,
                    ") and target resource (port ", log.port, ").")
            .as("InvalidResourceConstraint");
}

SecurityLog createLog(Core& core, store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    SecurityLog log;
    log.standard = freshStandard(core, caller, body);
    log.id.text = core.uuid();
    if (!body.has("resource_type")) throw notSpecified("resource_type");
    body.readInto(log, logTable);
    if (log.type != groupType)
        throw Error(Failure::Invalid, "Invalid log resource_type: ", log.type, ".").as("InvalidLogResourceType");
    checkResources(tx, caller, log);
    logTable.insert(tx, log);
    core.changed(tx, log.id.text);
    return log;
}

SecurityLog updateLog(Core& core, store::Transaction& tx, SecurityLog log, const Body& body) {
    const bool before = log.enabled;
    body.readInto(log, logTable);
    changeStandard(core, log.standard, body);
    logTable.update(tx, log);
    if (log.enabled != before) core.changed(tx, log.id.text);
    return log;
}

}

std::vector<PlannedLog> plannedLogs(store::Reader& db, const Port& port) {
    std::vector<PlannedLog> logs;
    if (!port.portSecurity) return logs; // nothing judges its packets
    auto rows = db.query("SELECT y.id, y.event, y.resource FROM security_logs y WHERE y.target = ?1 AND y.enabled "
                         "UNION ALL SELECT y.id, y.event, y.resource FROM port_security_groups g JOIN security_logs y "
                         "ON y.resource = g.security_group WHERE g.port = ?1 AND y.target IS NULL AND y.enabled UNION "
                         "ALL SELECT y.id, y.event, NULL FROM security_logs y WHERE y.project = ?2 AND y.target IS "
                         "NULL AND y.resource IS NULL AND y.enabled ORDER BY 1",
                         port.id, port.standard.project);
    while (rows.next()) {
        const auto row = rows.row();
        const auto event = row.text(1);
        PlannedLog log{row.id<SecurityLogId>(0), event != "DROP", event != "ACCEPT", {}};
        if (!row.isNull(2)) log.group = row.id<SecurityGroupId>(2);
        logs.push_back(std::move(log));
    }
    return logs;
}

Texts portsLogged(store::Reader& db, const std::string& id) {
    const auto log = logTable.find(db, {id});
    if (!log) return {};
    if (!log->port.empty()) return {log->port};
    return log->group.empty()
               ? db.query("SELECT id FROM ports WHERE project = ?", log->standard.project).texts()
               : db.query("SELECT port FROM port_security_groups WHERE security_group = ?", log->group).texts();
}

void addSecurityLogRoutes(http::Routes& routes, Core& core) {
    using Tx = store::Transaction;
    using identity::Caller;
    addNoun<SecurityLog>(routes, core,
                         {.noun = "log",
                          .table = logTable,
                          .missing = logNotFound,
                          .create = [&core](Tx& tx, const Caller& caller,
                                            const Body& body) { return createLog(core, tx, caller, body); },
                          .update = [&core](Tx& tx, const Caller&, const SecurityLog& log,
                                            const Body& body) { return updateLog(core, tx, log, body); },
                          .remove =
                              [&core](Tx& tx, const Caller&, const SecurityLog& log) {
                                  logTable.remove(tx, log.id);
                                  core.changed(tx, log.id.text);
                              },
                          .tagged = false,
                          .path = "/v2.0/log/logs"});
    routes.push_back({http::Method::Get, "/v2.0/log/loggable-resources", http::policy("get_loggable_resource"),
                      [](http::Request& request) {
                          const auto& caller = identity::callerOf(request);
                          demandOn(caller, "get_loggable_resource", ownedBy(caller.project.text));
                          return http::jsonResponse(200, [](JsonWriter& out) {
                              const auto body = out.object();
                              const auto list = out.array("loggable_resources");
                              const auto one = out.object();
                              out.field("type", groupType);
                          });
                      }});
}

}
