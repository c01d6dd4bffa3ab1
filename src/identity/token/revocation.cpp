#include "identity/token/revocation.hpp"

#include "identity/caller.hpp"
#include "identity/wire.hpp"

namespace stratolet::identity {
namespace {

using namespace http;

constexpr auto keptFor = std::chrono::hours(24 * 31); // longer than the longest lifetime that can be configured

Response list(Request& request, Core& core) {
    callerOf(request).enforce();
    std::optional<Time> since;
    if (const auto text = request.query.find("since")) {
        since = parseIsoTime(*text);
        if (!since)
            throw Error(Failure::Invalid,
                        "Invalid input for query parameter since: it must be a time such as 2030-01-31T12:00:00Z.");
    }
    const auto found = revocation_table::since(core.parts.store.reader(), since);
    return listResponse(request, "events", std::nullopt, [&](JsonWriter& out) {
        for (const auto& each : found) {
            const auto event = out.object();
            const auto maybe = [&](std::string_view name, const std::optional<std::string>& value) {
                if (value) out.field(name, *value);
            };
            maybe("audit_id", each.audit);
            maybe("user_id", each.user);
            maybe("project_id", each.project);
            maybe("domain_id", each.domain);
            maybe("role_id", each.role);
            maybe("OS-TRUST:trust_id", each.trust);
            out.field("issued_before", isoMicrosZ(each.issuedBefore));
            out.field("revoked_at", isoMicrosZ(each.revoked));
        }
    });
}

}

namespace revocation_table {

void record(store::Transaction& tx, Revocation revocation, Time now) {
    tx.execute("DELETE FROM revocation_events WHERE revoked < ?", Time(now - keptFor));
    tx.execute("INSERT INTO revocation_events (audit_id, user_id, project_id, domain_id, role_id, trust_id, "
               "issued_before, revoked) VALUES "
               "(?, ?, ?, ?, ?, ?, ?, ?)",
               revocation.audit, revocation.user, revocation.project, revocation.domain, revocation.role,
               revocation.trust, now, now);
}

std::vector<Revocation> since(store::Reader& db, std::optional<Time> time) {
    return db
        .query("SELECT audit_id, user_id, project_id, domain_id, role_id, trust_id, issued_before, revoked FROM "
               "revocation_events WHERE "
               "revoked >= ? ORDER BY id",
               time.value_or(Time()))
        .all<Revocation>([](const store::Row& row) {
            return Revocation{row.maybeText(0), row.maybeText(1), row.maybeText(2), row.maybeText(3),
                              row.maybeText(4), row.maybeText(5), row.time(6),      row.time(7)};
        });
}

}

void addRevocationRoutes(Routes& routes, Core& core) {
    routes.push_back({Method::Get, "/v3/OS-REVOKE/events", policy("identity:list_revoke_events"),
                      [&core](Request& request) { return list(request, core); }});
}

}
