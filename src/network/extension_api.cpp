#include <algorithm>
#include <iterator>

#include <stratolet/error.hpp>

#include "network/common_api.hpp"

namespace stratolet::network {

namespace {

using namespace http;

struct Extension {
    std::string_view alias, name, description, updated;
};

// Only what works: clients switch their features on by these.
constexpr Extension extensions[] = {
    {"address-scope", "Address scope", "Routers keep what is of different scopes apart", "2015-07-26T10:00:00-00:00"},
    {"address-group", "Address group", "Blocks of addresses under one name", "2020-07-15T10:00:00-00:00"},
    {"agent", "agent", "Who does what on which host", "2013-02-03T10:00:00-00:00"},
    {"agent-resources-synced", "Agent's Resource View Synced to Placement",
     "An agent tells whether placement knows its resources", "2018-12-19T00:00:00-00:00"},
    {"allowed-address-pairs", "Allowed Address Pairs", "Further MAC and IP addresses that a port may speak under",
     "2013-07-23T10:00:00-00:00"},
    {"auto-allocated-topology", "Auto Allocated Topology Services", "A network that leads outside, for the asking",
     "2016-01-01T00:00:00-00:00"},
    {"availability_zone", "Availability Zone", "The availability zones that there are", "2015-01-01T10:00:00-00:00"},
    {"availability_zone_filter", "Availability Zone Filter Extension", "Availability zones found by their attributes",
     "2018-06-22T10:00:00-00:00"},
    {"binding", "Port Binding", "Where and how a port is plugged in", "2014-02-03T10:00:00-00:00"},
    {"binding-extended", "Port Bindings Extended", "A port is bound to another host before it moves there",
     "2017-07-17T10:00:00-00:00"},
    {"data-plane-status", "Port data plane status extension", "What is seen of a port from outside",
     "2017-01-24T10:00:00-00:00"},
    {"default-subnetpools", "Default Subnetpools", "Subnets are cut from the default pool for the asking",
     "2016-02-18T18:00:00-00:00"},
    {"dns-domain-ports", "dns_domain for ports", "A port has a DNS domain of its own", "2017-04-24T10:00:00-00:00"},
    {"dns-integration", "DNS Integration", "Ports have names, which the network's DNS knows",
     "2015-08-15T18:00:00-00:00"},
    {"dhcp_agent_scheduler", "DHCP Agent Scheduler", "Networks are given to DHCP agents", "2013-02-07T10:00:00-00:00"},
    {"empty-string-filtering", "Empty String Filtering Extension", "An empty value of a filter finds what is empty",
     "2018-05-01T10:00:00-00:00"},
    {"ext-gw-mode", "Neutron L3 Configurable external gateway mode", "Source NAT of a router gateway can be switched",
     "2013-03-28T10:00:00-00:00"},
    {"expose-port-forwarding-in-fip", "Expose Floating IP port forwardings",
     "A floating IP tells which of its ports are forwarded", "2018-06-28T16:00:00-00:00"},
    {"expose-l3-conntrack-helper", "Expose CT target rules for conntrack helper",
     "A router tells which conntrack helpers it has", "2019-04-04T10:00:00-00:00"},
    {"external-net", "Neutron external network", "Networks that lead outside", "2013-01-14T10:00:00-00:00"},
    {"extraroute", "Neutron Extra Route", "Static routes of a router", "2013-02-01T10:00:00-00:00"},
    {"extraroute-atomic", "Atomically add/remove extra routes",
     "Static routes of a router, added and removed one by one", "2019-07-10T00:00:00+00:00"},
    {"extra_dhcp_opt", "Neutron Extra DHCP options", "What DHCP tells one port alone", "2013-03-17T12:00:00-00:00"},
    {"filter-validation", "Filter parameters validation", "A filter that does not exist is refused",
     "2018-07-04T10:00:00-00:00"},
    {"fip-port-details", "Floating IP Port Details Extension", "A floating IP tells about the port it leads to",
     "2018-04-09T10:00:00-00:00"},
    {"flavors", "Neutron Service Flavors", "Kinds of services, and who provides them", "2015-09-17T10:00:00-00:00"},
    {"floating-ip-port-forwarding", "Floating IP Port Forwarding", "Ports of a floating IP that lead to ports inside",
     "2018-01-19T10:00:00-00:00"},
    {"floating-ip-port-forwarding-description", "Floating IP Port Forwarding new attribute description",
     "A port forwarding can be described", "2019-11-01T10:00:00-00:00"},
    {"floating-ip-port-forwarding-detail", "Floating IP port forwarding detail",
     "A floating IP tells where its forwarded ports lead", "2022-05-06T10:00:00-00:00"},
    {"floating-ip-port-forwarding-port-ranges", "Floating IP Port Forwarding support port ranges",
     "Ranges of ports are forwarded together", "2020-07-01T10:00:00-00:00"},
    {"floatingip-pools", "Floating IP Pools Extension", "The subnets that floating IPs come from",
     "2018-03-21T10:00:00-00:00"},
    {"ip_allocation", "IP Allocation", "When a port gets its addresses", "2016-06-10T23:00:00-00:00"},
    {"ip-substring-filtering", "IP address substring filtering", "Ports found by a part of an address",
     "2017-11-28T09:00:00-00:00"},
    {"l2_adjacency", "L2 Adjacency", "Whether all of a network is one link", "2016-04-12T16:00:00-00:00"},
    {"multi-provider", "Multi Provider Network", "Networks of several segments", "2013-06-27T10:00:00-00:00"},
    {"l3-conntrack-helper", "L3 Conntrack helper", "Protocols with connections of their own, known to a router",
     "2019-04-04T10:00:00-00:00"},
    {"l3-port-ip-change-not-allowed", "Prevent L3 router ports IP address change extension",
     "The addresses of a router's interface stay", "2018-10-09T10:00:00-00:00"},
    {"l3_agent_scheduler", "L3 Agent Scheduler", "Routers are given to L3 agents", "2013-02-07T10:00:00-00:00"},
    {"logging", "Logging API Extension", "What security groups let through and keep out is written down",
     "2017-01-01T10:00:00-00:00"},
    {"metering", "Neutron Metering", "Labels that count the traffic of routers", "2013-06-12T10:00:00-00:00"},
    {"metering_source_and_destination_fields", "Neutron Metering with source and destination filtering",
     "Traffic counted by where it comes from and goes to", "2020-08-21T08:12:00-00:00"},
    {"net-mtu", "Network MTU", "A network tells its MTU", "2015-03-25T10:00:00-00:00"},
    {"net-mtu-writable", "Network MTU (writable)", "The MTU of a network can be set", "2017-07-12T00:00:00-00:00"},
    {"network-ip-availability", "Network IP Availability", "How many addresses networks have, and how many are in use",
     "2015-09-24T00:00:00-00:00"},
    {"network-segment-range", "Neutron Network Segment Range", "Numbers that networks of tenants are given",
     "2018-11-29T00:00:00-00:00"},
    {"network_availability_zone", "Network Availability Zone", "A network tells its availability zones",
     "2015-01-01T10:00:00-00:00"},
    {"pagination", "Pagination support", "Lists in pages", "2016-06-12T00:00:00-00:00"},
    {"port-mac-address-regenerate", "Neutron Port MAC address regenerate", "A port gets another MAC address for a null",
     "2018-05-03T10:00:00-00:00"},
    {"port-numa-affinity-policy", "Port NUMA affinity policy", "Where a port's server should be scheduled",
     "2020-07-08T10:00:00-00:00"},
    {"port-security", "Port Security", "The guard against false addresses can be switched off",
     "2012-07-23T10:00:00-00:00"},
    {"port-security-groups-filtering", "Port filtering on security groups", "Ports found by their security groups",
     "2018-01-09T09:00:00-00:00"},
    {"project-id", "project_id field enabled", "project_id beside tenant_id", "2016-09-09T09:09:09-09:09"},
    {"provider", "Provider Network", "What a network is made of, for administrators", "2012-09-07T10:00:00-00:00"},
    {"qos", "Quality of Service", "Policies that limit and mark what ports, networks and floating IPs send",
     "2015-06-08T10:00:00-00:00"},
    {"qos-bw-limit-direction", "Direction for QoS bandwidth limit rule", "Bandwidth limits for either direction",
     "2017-04-10T10:00:00-00:00"},
    {"qos-bw-minimum-ingress", "Ingress direction for QoS minimum bandwidth rule",
     "Minimum bandwidths for either direction", "2018-07-09T10:00:00-00:00"},
    {"qos-default", "QoS default policy", "A policy that new networks of a project have", "2017-04-06T10:00:00-00:00"},
    {"qos-fip", "Floating IP QoS", "Floating IPs have policies", "2017-07-20T00:00:00-00:00"},
    {"qos-fip-network-policy", "QoS floating IP network policy ID", "A floating IP tells the policy of its network",
     "2021-11-15T10:00:00-00:00"},
    {"qos-gateway-ip", "Router gateway IP QoS", "Gateways of routers have policies", "2018-02-24T00:00:00-00:00"},
    {"qos-port-network-policy", "QoS port network policy ID", "A port tells the policy of its network",
     "2019-11-01T10:00:00-00:00"},
    {"qos-pps", "QoS Rule Type Packet per Second Extension", "Limits of packets in a second",
     "2021-05-12T10:00:00-00:00"},
    {"qos-pps-minimum", "QoS minimum packet rate rule", "Minimum rates of packets", "2021-07-14T10:00:00-00:00"},
    {"qos-pps-minimum-rule-alias", "QoS minimum packet rate rule alias", "Minimum packet rates by their ids alone",
     "2021-10-22T10:00:00-00:00"},
    {"qos-rule-type-details", "Details of QoS rule types", "What values the kinds of rules take",
     "2017-06-22T10:00:00-00:00"},
    {"qos-rule-type-filter", "Allow to filter the list of QoS rule types", "Kinds of rules, all or those supported",
     "2022-02-02T10:00:00-00:00"},
    {"qos-rules-alias", "Quality of Service rules alias API", "Rules of policies by their ids alone",
     "2018-10-07T10:00:00-00:00"},
    {"quota-check-limit", "Quota engine limit check", "A limit below what is used is refused where that is asked for",
     "2021-09-08T16:00:00-00:00"},
    {"quota_details", "Quota details management support", "Quotas with what is used", "2017-02-10T10:00:00-00:00"},
    {"quotas", "Quota management support", "Limits for each project", "2012-07-29T10:00:00-00:00"},
    {"rbac-address-scope", "Add address_scope type to RBAC", "Address scopes shared with single projects",
     "2020-02-12T00:00:00-00:00"},
    {"rbac-address-group", "Add address_group type to RBAC", "Address groups shared with single projects",
     "2021-01-20T00:00:00-00:00"},
    {"rbac-policies", "RBAC Policies", "Things shared with single projects, or with all", "2015-06-17T12:15:12-00:00"},
    {"rbac-security-groups", "Add security_group type to network RBAC", "Security groups shared with single projects",
     "2019-02-14T00:00:00-00:00"},
    {"rbac-subnetpool", "Add subnetpool type to RBAC", "Subnet pools shared with single projects",
     "2020-02-05T00:00:00-00:00"},
    {"revision-if-match", "If-Match constraints based on revision_number", "A change only of the revision one has seen",
     "2016-12-11T00:00:00-00:00"},
    {"router", "Neutron L3 Router", "Routers and floating IPs", "2012-07-20T10:00:00-00:00"},
    {"router_availability_zone", "Router Availability Zone", "A router tells its availability zones",
     "2015-01-01T10:00:00-00:00"},
    {"security-group", "security-group", "Rules for what reaches a port", "2012-10-05T10:00:00-00:00"},
    {"security-groups-default-rules", "Default rules for security groups",
     "What new security groups let through is an administrator's to say", "2022-12-18T10:00:00-00:00"},
    {"security-groups-default-statefulness", "Default statefulness of security groups",
     "Whether new security groups look at connections is an administrator's to say", "2025-10-01T10:00:00-00:00"},
    {"security-groups-normalized-cidr", "Normalized CIDR field for security group rules",
     "A rule tells its prefix as a block", "2020-07-28T10:00:00-00:00"},
    {"security-groups-remote-address-group", "Remote address group id field for security group rules",
     "Rules that name the other side by an address group", "2020-08-25T10:00:00-00:00"},
    {"security-groups-shared-filtering", "Security group filtering on the shared field",
     "Security groups found by whether they are shared", "2021-10-05T09:00:00-00:00"},
    {"segment", "Segment", "What the frames of networks travel in", "2016-02-24T17:00:00-00:00"},
    {"segments-peer-subnet-host-routes", "Segments peer-subnet host routes",
     "Subnets on different segments of a network have routes to each other", "2018-06-12T10:00:00-00:00"},
    {"service-type", "Neutron Service Type Management", "Which provider does what", "2013-01-20T00:00:00-00:00"},
    {"sorting", "Sorting support", "Lists in an order of choice", "2016-06-12T00:00:00-00:00"},
    {"standard-attr-description", "standard-attr-description", "Everything can be described",
     "2016-02-10T10:00:00-00:00"},
    {"standard-attr-revisions", "Resource revision numbers", "Everything counts its changes",
     "2016-04-11T10:00:00-00:00"},
    {"standard-attr-segment", "Standard Attribute Segment Extension", "Segments count their changes",
     "2018-04-09T10:00:00-00:00"},
    {"standard-attr-tag", "Tag support for resources with standard attributes", "Everything can be tagged",
     "2017-01-01T00:00:00-00:00"},
    {"standard-attr-timestamp", "Resource timestamps", "Everything tells when it was made and changed",
     "2016-09-12T10:00:00-00:00"},
    {"stateful-security-group", "Stateful security group", "Security groups without connection tracking",
     "2019-11-26T09:00:00-00:00"},
    {"subnet-service-types", "Subnet service types", "Subnets for certain kinds of ports", "2016-03-15T18:00:00-00:00"},
    {"subnet-segmentid-writable", "Subnet SegmentID (writable)", "A subnet is put on a segment later",
     "2018-03-12T00:00:00-00:00"},
    {"subnet_onboard", "Subnet Onboard", "Subnets that were cut from no pool become a pool's",
     "2018-12-18T09:00:00-00:00"},
    {"subnetpool-prefix-ops", "Subnet Pool Prefix Operations", "Prefixes of a pool, added and removed one by one",
     "2019-02-08T10:00:00-00:00"},
    {"subnet_allocation", "Subnet Allocation", "Subnets cut from pools", "2015-03-30T10:00:00-00:00"},
    {"trunk", "Trunk Extension", "Ports that carry the tagged frames of others", "2016-01-01T10:00:00-00:00"},
    {"trunk-details", "Trunk port details", "A port tells of the trunk that it is the parent of",
     "2016-01-01T10:00:00-00:00"},
    {"uplink-status-propagation", "Uplink status propagation extension", "Ports that are to follow their uplink",
     "2018-05-31T18:00:00-00:00"},
    {"tag-creation", "Tag creation", "Several tags are added in one go", "2025-02-12T10:00:00-00:00"},
};

void write(JsonWriter& out, const Extension& extension) {
    const auto object = out.object();
    out.field("name", extension.name);
    out.field("alias", extension.alias);
    out.field("description", extension.description);
    out.field("updated", extension.updated);
    const auto links = out.array("links");
}

void writeSelf(JsonWriter& out, const std::string& href) {
    const auto links = out.array("links");
    const auto link = out.object();
    out.field("rel", "self");
    out.field("href", href);
}

Response versions(Request& request) {
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("versions");
        const auto version = out.object();
        out.field("id", "v2.0");
        out.field("status", "CURRENT");
        writeSelf(out, request.base + "/v2.0/");
    });
}

Response resources(Request& request) {
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("resources");
        for (const auto& [name, collection] : {std::pair{"network", "networks"},
                                               {"subnet", "subnets"},
                                               {"subnetpool", "subnetpools"},
                                               {"port", "ports"}}) {
            const auto resource = out.object();
            out.field("name", name);
            out.field("collection", collection);
            writeSelf(out, request.base + "/v2.0/" + collection);
        }
    });
}

/// Who does what a service of another make could do: routers are the host's own.
Response providers(Request& request) {
    identity::callerOf(request).enforce();
    return jsonResponse(200, [](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("service_providers");
        const auto provider = out.object();
        out.field("service_type", "L3_ROUTER_NAT");
        out.field("name", "single_node");
        out.field("default", true);
    });
}

}

void addVersionRoutes(Routes& routes) {
    const auto why = "clients look here before they have a token";
    routes.push_back({Method::Get, "/", open(why), versions});
    for (const auto* path : {"/v2.0", "/v2.0/"}) routes.push_back({Method::Get, path, open(why), resources});
}

void addExtensionRoutes(Routes& routes) {
    routes.push_back({Method::Get, "/v2.0/extensions", policy("regular_user"), [](Request& request) {
                          identity::callerOf(request).enforce();
                          return jsonResponse(200, [](JsonWriter& out) {
                              const auto body = out.object();
                              const auto list = out.array("extensions");
                              for (const auto& each : extensions) write(out, each);
                          });
                      }});
    routes.push_back(
        {Method::Get, "/v2.0/extensions/{alias}", policy("regular_user"), [](Request& request) {
             identity::callerOf(request).enforce();
             const auto& alias = request.param("alias");
             const auto* found = std::find_if(std::begin(extensions), std::end(extensions),
                                              [&](const auto& each) { return each.alias == alias; });
             if (found == std::end(extensions))
                 throw Error(Failure::NotFound, "Extension with alias ", alias, " does not exist").as("HTTPNotFound");
             return jsonResponse(200, "extension", [&](JsonWriter& out) { write(out, *found); });
         }});
    routes.push_back({Method::Get, "/v2.0/service-providers", policy("get_service_provider"), providers});
}

}
