#include <array>

#include "compute/api.hpp"

namespace stratolet::compute {
namespace {

using http::Method;

struct Removed {
    std::string_view path;
    std::vector<Method> methods;
};

/// What compute had once and answers 410 for since (API reference, "Obsolete APIs"), whoever asks and whatever the
/// version.
const auto removed = std::to_array<Removed>({
    {"/os-agents", {Method::Get, Method::Post}},
    {"/os-agents/{id}", {Method::Put, Method::Delete}},
    {"/os-cells", {Method::Get, Method::Post}},
    {"/os-cells/capacities", {Method::Get}},
    {"/os-cells/detail", {Method::Get}},
    {"/os-cells/info", {Method::Get}},
    {"/os-cells/sync_instances", {Method::Post}},
    {"/os-cells/{id}", {Method::Get, Method::Put, Method::Delete}},
    {"/os-cells/{id}/capacities", {Method::Get}},
    {"/os-certificates", {Method::Post}},
    {"/os-certificates/{id}", {Method::Get}},
    {"/os-cloudpipe", {Method::Get, Method::Post}},
    {"/os-cloudpipe/{id}", {Method::Put}},
    {"/os-fixed-ips/{id}", {Method::Get}},
    {"/os-fixed-ips/{id}/action", {Method::Post}},
    {"/os-floating-ip-dns", {Method::Get}},
    {"/os-floating-ip-dns/{domain}", {Method::Put, Method::Delete}},
    {"/os-floating-ip-dns/{domain}/entries/{name}", {Method::Get, Method::Put, Method::Delete}},
    {"/os-floating-ips-bulk", {Method::Get, Method::Post}},
    {"/os-floating-ips-bulk/{id}", {Method::Get, Method::Put}},
    {"/os-fping", {Method::Get}},
    {"/os-fping/{id}", {Method::Get}},
    {"/os-networks", {Method::Post}},
    {"/os-networks/add", {Method::Post}},
    {"/os-networks/{id}", {Method::Delete}},
    {"/os-networks/{id}/action", {Method::Post}},
    {"/os-security-group-default-rules", {Method::Get, Method::Post}},
    {"/os-security-group-default-rules/{id}", {Method::Get, Method::Delete}},
    {"/os-tenant-networks", {Method::Post}},
    {"/os-tenant-networks/{id}", {Method::Delete}},
    {"/servers/{id}/consoles", {Method::Get, Method::Post}},
    {"/servers/{id}/consoles/{console}", {Method::Get, Method::Delete}},
    {"/servers/{id}/os-virtual-interfaces", {Method::Get}},
});

http::Response gone(http::Request&) {
    return http::jsonResponse(410, [](JsonWriter& out) {
        const auto body = out.object();
        const auto fault = out.object("computeFault");
        out.field("code", 410);
        out.field("message", "This resource is no longer available. No forwarding address is given.");
    });
}

}

void addRemovedRoutes(http::Routes& routes) {
    for (const auto& each : removed)
        for (const auto method : each.methods)
            for (const auto* prefix : prefixes)
                routes.push_back({method, prefix + std::string(each.path), http::open("there is nothing to be let at"),
                                  http::Handler(gone), http::Runs::Here});
}

}
