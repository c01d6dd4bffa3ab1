#include "appliance/operator/operator_site.hpp"

#include <stratolet/error.hpp>

namespace stratolet {

using namespace http;

namespace {

const std::pair<std::string, std::string> version{"OpenStack-API-Version", "compute 2.87"};

Json hostsBy(const AsAdministrator& administrator) {
    return administrator.gets("/compute/v2.1/os-hypervisors/detail", {version}).array("hypervisors");
}

Response list(const OperatorParts& parts) {
    const AsAdministrator administrator(parts);
    const auto hosts = hostsBy(administrator);
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.rawField("hosts", hosts.dump());
        const auto ratios = out.object("allocation_ratios");
        for (const auto* each : {"cpu", "ram", "disk"})
            out.field(each, parts.settings.config.text("compute", std::string(each) + "_allocation_ratio"));
    });
}

Response change(const Request& request, const OperatorParts& parts) {
    const auto wanted = request.json();
    wanted.onlyKnows({"status", "disabled_reason"});
    const auto& name = request.param("name");
    const AsAdministrator administrator(parts);
    for (const auto& each : hostsBy(administrator).items()) {
        const auto service = each.object("service");
        if (service.text("host") != name) continue;
        administrator.asks(Method::Put, "/compute/v2.1/os-services/" + service.text("id"), wanted.dump(), {version});
        return list(parts);
    }
    throw Error(Failure::NotFound, "there is no host \"", name, "\"; \"stratolet host list\" names them");
}

}

void addHostRoutes(Routes& routes, const OperatorParts& parts) {
    routes.push_back({Method::Get, "/v1/hosts", byTheSocket(), [parts](Request&) { return list(parts); }});
    routes.push_back(
        {Method::Put, "/v1/hosts/{name}", byTheSocket(), [parts](Request& request) { return change(request, parts); }});
}

}
