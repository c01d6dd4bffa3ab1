#include <chrono>

#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/usage/usage.hpp"
#include "compute/usage/usage_table.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

struct Period {
    Time begin, end;
};

/// The last whole month (UTC) before that.
Period monthBefore(Time time) {
    using namespace std::chrono;
    const year_month_day day(floor<days>(time - microseconds(1)));
    const year_month month = day.year() / day.month();
    return {sys_days((month - months(1)) / 1), sys_days(month / 1)};
}

std::string withBlank(Time time) {
    std::string text = isoTime(time, false, "");
    text[10] = ' ';
    return text;
}

/// Nothing has to run for it: what servers use is recorded as they begin and end, so every host is done with every
/// period that is over.
void write(JsonWriter& out, Core& core, const Period& period) {
    const auto counts = UsageTable::byHost(core.reader(), period.begin, period.end);
    const auto hosts = core.hypervisors.names();
    std::int64_t servers = 0;
    {
        const auto log = out.object("log");
        for (const auto& host : hosts) {
            const auto found = counts.find(host.text);
            const std::int64_t count = found == counts.end() ? 0 : found->second;
            servers += count;
            const auto scope = out.object(host.text);
            out.field("state", "DONE");
            out.field("instances", count);
            out.field("errors", 0);
            out.field("message", "Usage of " + std::to_string(count) + " instances on host " + host.text +
                                     " was recorded as they began and ended.");
        }
    }
    const auto all = static_cast<std::int64_t>(hosts.size());
    out.field("num_hosts", all);
    out.field("num_hosts_done", all);
    out.field("num_hosts_running", 0);
    out.field("num_hosts_not_run", 0);
    static_cast<void>(out.array("hosts_not_run"));
    out.field("total_instances", servers);
    out.field("total_errors", 0);
    out.field("overall_status", "ALL hosts done. 0 errors.");
    out.field("period_beginning", withBlank(period.begin));
    out.field("period_ending", withBlank(period.end));
}

Response answer(std::string_view name, Core& core, Time before) {
    return http::jsonResponse(200, name, [&](JsonWriter& out) {
        const auto scope = out.object();
        write(out, core, monthBefore(before));
    });
}

Response show(Call& call, Core& core) {
    call.caller.enforce();
    const std::string& text = call.param("id");
    const auto before = text.size() >= 19 ? parseIsoTime(text) : std::nullopt;
    if (!before) throw Error(Failure::Invalid, "Invalid timestamp for date ", text);
    return answer("instance_usage_audit_log", core, *before);
}

}

void addUsageAuditRoutes(http::Routes& routes, Core& core) {
    const std::string rule = "os_compute_api:os-instance-usage-audit-log:";
    addRoute(routes, Method::Get, "/os-instance_usage_audit_log", rule + "list", [&](Call& call) {
        call.caller.enforce();
        return answer("instance_usage_audit_logs", core, core.now());
    });
    addRoute(routes, Method::Get, "/os-instance_usage_audit_log/{id}", rule + "show",
             [&](Call& call) { return show(call, core); });
}

}
