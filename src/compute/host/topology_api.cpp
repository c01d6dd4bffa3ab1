#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/host/host.hpp"
#include "compute/server/server_reading.hpp"
#include "platform/text/text.hpp"

// GET /servers/{id}/topology: the NUMA cells that a guest was promised.

namespace stratolet::compute {
namespace {

using http::Response;

std::optional<std::int64_t> numberIn(const Flavor& flavor, const char* spec) {
    const auto found = flavor.extraSpecs.find(spec);
    return found == flavor.extraSpecs.end() ? std::nullopt : wholeNumberIn(found->second);
}

/// One of `count` cells that are alike; what doesn't divide goes to the first ones.
void writeCell(JsonWriter& out, const Flavor& flavor, std::int64_t cell, std::int64_t count, bool ofHost) {
    const auto share = [&](std::int64_t of, std::int64_t upTo) { return of * upTo / count; };
    const auto scope = out.object();
    out.field("memory_mb", share(flavor.ram.count, cell + 1) - share(flavor.ram.count, cell));
    {
        const auto processors = out.array("vcpu_set");
        for (auto each = share(flavor.vcpus, cell); each < share(flavor.vcpus, cell + 1); ++each) out.value(each);
    }
    static_cast<void>(out.array("siblings"));
    if (!ofHost) return;
    out.field("host_node", nullptr); // the host's kernel decides, and may decide anew
    static_cast<void>(out.object("cpu_pinning"));
}

Response show(Call& call, Core& core) {
    const auto server = allowedServer(core.reader(), call.caller, ServerId{call.param("id")});
    const bool ofHost = call.caller.may("compute:server:topology:host:index", targetOf(server));
    const auto cells = numberIn(server.flavor, "hw:numa_nodes");
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto nodes = out.array("nodes");
            for (std::int64_t cell = 0; cells && cell < *cells; ++cell)
                writeCell(out, server.flavor, cell, *cells, ofHost);
        }
        out.field("pagesize_kb", cells ? numberIn(server.flavor, "hw:mem_page_size") : std::nullopt);
    });
}

}

void addTopologyRoutes(http::Routes& routes, Core& core) {
    addRoute(routes, http::Method::Get, "/servers/{id}/topology", "compute:server:topology:index",
             [&](Call& call) { return show(call, core); }, {.from = 78});
}

}
