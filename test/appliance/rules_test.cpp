#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "platform/policy/policy.hpp"
#include "platform/resources.hpp"
#include "platform/text/text.hpp"
#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

using Names = std::set<std::string, std::less<>>;

/// The program's own text, in which a rule that a handler asks stands by its name.
std::string sourceBelow(const std::filesystem::path& folder) {
    std::string all;
    for (const auto& each : std::filesystem::recursive_directory_iterator(folder)) {
        if (each.path().extension() != ".cpp" && each.path().extension() != ".hpp") continue;
        std::ifstream in(each.path());
        all.append(std::istreambuf_iterator<char>(in), {});
    }
    return all;
}

/// The rules that each rule of a policy file is made of.
std::map<std::string, Names> parts(std::string_view defaults) {
    std::map<std::string, Names> found;
    for (auto line : split(defaults, '\n')) {
        if (!line.starts_with('"')) continue;
        line.remove_prefix(1);
        auto& names = found[std::string(line.substr(0, line.find('"')))];
        const auto check = line.substr(0, line.rfind('"'));
        for (auto at = check.find("rule:"); at != std::string_view::npos; at = check.find("rule:", at + 1)) {
            const auto name = check.substr(at + 5);
            names.emplace(name.substr(0, name.find_first_of(" )\"")));
        }
    }
    return found;
}

struct Unasked {
    std::string_view service, why, beginnings; ///< of rules, with blanks between them
};

// A word goes from here when what it is about is built; the test says which.
const Unasked unasked[] = {
    {"identity", "what files of before may be made of", "admin_or_token_subject service_admin_or_token_subject"},
    {"identity", "other names of what is asked",
     "identity:list_projects_for_user identity:list_domains_for_user identity:revocation_list"},
    {"identity", "programs of OAuth 1 are registered, and no more",
     "identity:authorize_request_token identity:get_access_token identity:list_access_token "
     "identity:delete_access_token"},
    {"identity", "there are no service providers",
     "identity:create_service_provider identity:get_service_provider identity:list_service_providers "
     "identity:update_service_provider "
     "identity:delete_service_provider"},

    {"image", "what files of before may be made of", "metadef_default"},
    {"image", "there is no cache to manage", "manage_image_cache"},
    {"image", "a task changes by itself only", "modify_task"},

    {"block-storage", "what files of before may be made of", "admin_or_owner system_or_domain_or_project_admin"},
    {"block-storage", "there is no replication",
     "volume:failover_host group:enable_replication "
     "group:disable_replication group:failover_replication group:list_replication_targets"},
    {"block-storage", "nothing of a group's snapshot changes", "group:update_group_snapshot"},
    {"block-storage", "other names of what is asked",
     "volume_extension:volume_type_encryption volume:update_volume_admin_metadata"},

    {"compute", "what files of before may be made of", "admin_api admin_or_owner"},
    {"compute", "there is one kind of hypervisor, and one cell",
     "compute:servers:resize:cross_cell os_compute_api:os-baremetal-nodes:"},
    {"compute", "no image is checked against a certificate",
     "os_compute_api:servers:create:trusted_certs os_compute_api:servers:rebuild:trusted_certs"},
    {"compute", "what a server can't do yet", "network:attach_external_network"},

    {"network", "what files of before may be made of",
     "admin_or_ admin_owner_or_ context_with_global_access restrict_wildcard "
     "rule_default_sg"},
    {"network", "bodies have one name for whom a thing is shared with",
     "create_rbac_policy:target_project update_rbac_policy:target_project"},
    {"network", "agents come with their host", "create_agent update_l3-router"},
    {"network", "what numbers are given out is the configuration's to say, and routers have one provider",
     "create_network: get_network: update_network: "
     "create_segments_tags get_segments_tags "
     "update_segments_tags delete_segments_tags create_router: get_router: "
     "update_router: "
     "add_external_gateways update_external_gateways remove_external_gateways "
     "get_flavor_service_profile"},
    {"network", "a port is the host's matter", "create_port: get_port: update_port:"},
    {"network", "what isn't built",
     "create_local_ip get_local_ip update_local_ip delete_local_ip "
     "create_ndp_proxy get_ndp_proxy update_ndp_proxy delete_ndp_proxy"},
};

}

TEST_CASE("Each rule of the policy files is asked somewhere, or is on a list that says why not",
          "[appliance][policy]") {
    TestAppliance cloud;
    std::set<std::string_view> used;
    for (const auto& site : cloud.appliance().server().sites()) {
        const auto defaults = policyDefaults(site.name);
        if (defaults.empty()) continue;
        const auto folder = site.name == "block-storage" ? "block"
                            : site.name == "placement"   ? "compute/placement"
                            : site.name == "cloud"       ? "appliance"
                                                         : site.name;
        const auto source = sourceBelow(std::filesystem::path(STRATOLET_SOURCE) / folder);
        const auto isNamed = [&](std::string_view text) {
            return source.find("\"" + std::string(text) + "\"") != std::string::npos;
        };
        const auto made = parts(defaults);
        Names asked;
        for (const auto& route : site.routes) asked.insert(route.access.rule);
        for (const auto& [rule, of] : made) {
            // A rule about an attribute is asked where a body has that attribute.
            const auto words = split(rule, ':');
            const bool isAttribute = site.name == "network" && words.size() > 1 &&
                                     (asked.contains(words[0]) || isNamed(words[0])) &&
                                     (isNamed(std::string_view(rule).substr(words[0].size() + 1)) ||
                                      std::all_of(words.begin() + 1, words.end(), isNamed));
            if (isAttribute || isNamed(rule)) asked.insert(rule);
        }
        if (site.name == "identity") // a role of a domain has rules of its own
            for (const auto* verb : {"get", "create", "update", "delete"})
                asked.insert(std::string("identity:") + verb + "_domain_role");
        for (bool grows = true; grows;) {
            const auto before = asked.size();
            for (const auto& [rule, of] : made)
                if (asked.contains(rule)) asked.insert(of.begin(), of.end());
            grows = asked.size() > before;
        }
        for (const auto& [rule, of] : made) {
            if (asked.contains(rule)) continue;
            bool isListed = false;
            for (const auto& each : unasked)
                for (const auto beginning : split(each.beginnings, ' '))
                    if (each.service == site.name && rule.starts_with(beginning)) {
                        isListed = true;
                        used.insert(beginning);
                    }
            INFO(site.name << ": " << rule);
            CHECK(isListed);
        }
    }
    for (const auto& each : unasked)
        for (const auto beginning : split(each.beginnings, ' ')) {
            INFO(each.service << ": " << beginning << " is asked now, or isn't there");
            CHECK(used.contains(beginning));
        }
}
