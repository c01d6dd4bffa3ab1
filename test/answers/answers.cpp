// answers FILE: writes down what every route of the sandbox answers to a fixed journey, with fixed time and ids. Two
// builds whose files are the same answer the same: a change of structure is proven by it (test/answers/run). Journeys
// end before anything expires.

#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <random>

#include "support/test_appliance.hpp"

namespace stratolet::test {
namespace {

using http::Method;

/// A clock that stands still until it is moved, and the same "random" bytes each time.
class FixedAmbient : public Ambient {
public:
    Time now() override { return Time(std::chrono::microseconds(1'700'000'000'000'000)); }
    void randomize(std::span<std::byte> bytes) override {
        const std::lock_guard lock(mutex_);
        for (auto& each : bytes) each = static_cast<std::byte>(next_());
    }

private:
    std::mutex mutex_;
    std::mt19937 next_; // NOLINT(cert-msc51-cpp): the same every time is the point
};

/// A thing that the journey makes. `$word` in path and body is the id of what was made under that word before.
struct Thing {
    std::string word, collection, envelope, body;
    bool member = false; ///< made by the member, in their project; otherwise by the administrator
};

const std::vector<Thing> things{
    {"region", "/identity/v3/regions", "region", R"({"id":"north","description":"cold"})"},
    {"region2", "/identity/v3/regions", "region", R"({"id":"northwest","parent_region_id":"north","colour":"blue"})"},
    {"service", "/identity/v3/services", "service",
     R"({"name":"s","type":"object-store","description":"d","extra":1})"},
    {"endpoint", "/identity/v3/endpoints", "endpoint",
     R"({"service_id":"$service","interface":"public","url":"http://x.test/","region_id":"north"})"},
    {"domain", "/identity/v3/domains", "domain", R"({"name":"d1","description":"first"})"},
    {"project", "/identity/v3/projects", "project", R"({"name":"p1","domain_id":"$domain","tags":["a","b"],"x":"y"})"},
    {"project2", "/identity/v3/projects", "project",
     R"({"name":"p2","parent_id":"$project","domain_id":"$domain","enabled":false})"},
    {"group", "/identity/v3/groups", "group", R"({"name":"g1","description":"first"})"},
    {"group2", "/identity/v3/groups", "group", R"({"name":"G2","domain_id":"$domain"})"},
    {"user", "/identity/v3/users", "user",
     R"({"name":"u1","password":"secret12","email":"u@x.test","default_project_id":"$project"})"},
    {"user2", "/identity/v3/users", "user", R"({"name":"u2","domain_id":"$domain","enabled":false})"},
    {"role", "/identity/v3/roles", "role", R"({"name":"r1","description":"first"})"},
    {"role2", "/identity/v3/roles", "role", R"({"name":"r2","domain_id":"$domain"})"},
    {"credential", "/identity/v3/credentials", "credential", R"({"type":"cert","blob":"b","user_id":"$user"})"},
    {"policy", "/identity/v3/policies", "policy", R"({"type":"application/json","blob":"{}"})"},
    {"consumer", "/identity/v3/OS-OAUTH1/consumers", "consumer", R"({"description":"c"})"},
    {"endpoint_group", "/identity/v3/OS-EP-FILTER/endpoint_groups", "endpoint_group",
     R"({"name":"eg","filters":{"interface":"public"},"description":"d"})"},
    {"application_credential", "/identity/v3/users/$me/application_credentials", "application_credential",
     R"({"name":"ac"})", true},
    {"trust", "/identity/v3/OS-TRUST/trusts", "trust",
     R"({"trustor_user_id":"$me","trustee_user_id":"$user","project_id":"$mine","impersonation":false,"roles":[{"name":"member"}]})",
     true},
    {"outside", "/network/v2.0/networks", "network",
     R"({"name":"outside","router:external":true,"shared":true,"mtu":1400})"},
    {"outside_subnet", "/network/v2.0/subnets", "subnet",
     R"({"network_id":"$outside","ip_version":4,"cidr":"192.0.2.0/24","enable_dhcp":false,"name":"o"})"},
    {"network", "/network/v2.0/networks", "network", R"({"name":"n1","description":"first"})", true},
    {"network2", "/network/v2.0/networks", "network",
     R"({"name":"n2","port_security_enabled":false,"admin_state_up":false})", true},
    {"subnet", "/network/v2.0/subnets", "subnet",
     R"({"network_id":"$network","ip_version":4,"cidr":"10.1.0.0/24","dns_nameservers":["9.9.9.9"],)"
     R"("host_routes":[{"destination":"10.9.0.0/16","nexthop":"10.1.0.9"}],"allocation_pools":[{"start":"10.1.0.20","end":"10.1.0.90"}]})",
     true},
    {"subnet2", "/network/v2.0/subnets", "subnet",
     R"({"network_id":"$network","ip_version":6,"cidr":"2001:db8::/64","ipv6_ra_mode":"slaac","ipv6_address_mode":"slaac","name":"six"})",
     true},
    {"subnetpool", "/network/v2.0/subnetpools", "subnetpool",
     R"({"name":"pool","prefixes":["10.64.0.0/12","10.32.0.0/12"],"default_prefixlen":26,"min_prefixlen":24})", true},
    {"subnetpool2", "/network/v2.0/subnetpools", "subnetpool",
     R"({"name":"pool6","prefixes":"2001:db8:1::/48","shared":true,"default_quota":7})"},
    {"subnet3", "/network/v2.0/subnets", "subnet",
     R"({"network_id":"$network2","ip_version":4,"subnetpool_id":"$subnetpool"})", true},
    {"security_group", "/network/v2.0/security-groups", "security_group", R"({"name":"web","description":"w"})", true},
    {"security_group_rule", "/network/v2.0/security-group-rules", "security_group_rule",
     R"({"security_group_id":"$security_group","direction":"ingress","protocol":"tcp","port_range_min":80,"port_range_max":90,)"
     R"("remote_ip_prefix":"10.1.2.3/8"})",
     true},
    {"security_group_rule2", "/network/v2.0/security-group-rules", "security_group_rule",
     R"({"security_group_id":"$security_group","direction":"egress","ethertype":"IPv6","protocol":"58","description":"x",)"
     R"("remote_group_id":"$security_group"})",
     true},
    {"port", "/network/v2.0/ports", "port",
     R"({"network_id":"$network","name":"p1","security_groups":["$security_group"]})", true},
    {"port2", "/network/v2.0/ports", "port",
     R"({"network_id":"$network","fixed_ips":[{"ip_address":"10.1.0.50"}],"allowed_address_pairs":[{"ip_address":"10.1.0.0/28"}],)"
     R"("mac_address":"fa:16:3e:00:00:77","device_id":"thing","device_owner":"somebody"})",
     true},
    {"router", "/network/v2.0/routers", "router", R"({"name":"r1","external_gateway_info":{"network_id":"$outside"}})",
     true},
    {"router2", "/network/v2.0/routers", "router", R"({"name":"r2","admin_state_up":false,"description":"off"})", true},
    {"floatingip", "/network/v2.0/floatingips", "floatingip", R"({"floating_network_id":"$outside","description":"f"})",
     true},
    {"volume", "/volume/v3/{project}/volumes", "volume", R"({"size":1,"name":"v1","metadata":{"a":"b"}})", true},
    {"volume2", "/volume/v3/{project}/volumes", "volume", R"({"size":2,"name":"v2","description":"second"})", true},
    {"image", "/image/v2/images", "",
     R"({"name":"i1","disk_format":"raw","container_format":"bare","os_distro":"x","tags":["t"]})", true},
    {"image2", "/image/v2/images", "",
     R"({"name":"i2","visibility":"public","min_ram":64,"min_disk":1,"protected":true})"},
    {"namespace", "/image/v2/metadefs/namespaces", "",
     R"({"namespace":"OS::T","visibility":"public","display_name":"t"})"},
    {"flavor", "/compute/v2.1/flavors", "flavor", R"({"name":"f1","ram":64,"vcpus":1,"disk":1,"swap":0})"},
    {"flavor2", "/compute/v2.1/flavors", "flavor",
     R"({"name":"f2","ram":128,"vcpus":2,"disk":2,"OS-FLV-EXT-DATA:ephemeral":0,"os-flavor-access:is_public":false})"},
    {"keypair", "/compute/v2.1/os-keypairs", "keypair",
     R"({"name":"k1","public_key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me"})",
     true},
    {"server", "/compute/v2.1/servers", "server",
     R"({"name":"s1","imageRef":"$image","flavorRef":"$flavor","networks":[{"port":"$port"}],"metadata":{"a":"b"},"key_name":"k1"})",
     true},
    {"server2", "/compute/v2.1/servers", "server",
     R"({"name":"s2","imageRef":"$image","flavorRef":"$flavor","networks":[{"uuid":"$network"}]})", true},
};

class Journey {
public:
    explicit Journey(std::ostream& out)
        : cloud_({{"block", "quota_volumes", "-1"}}, ambient_),
          out_(out),
          admin_(cloud_.admin()),
          member_(cloud_.member("alice")),
          reader_(cloud_.colleague(member_, "rita", "reader")),
          stranger_(cloud_.member("bob")) {
        known_["me"] = member_.user;
        known_["mine"] = member_.project;
    }

    void run() {
        for (const auto& each : things) make(each);
        for (const auto& each : things) tag(each);
        for (const auto& each : things) refuseAttributes(each);
        for (const auto& site : cloud_.appliance().server().sites())
            for (const auto& route : site.routes)
                if (site.name != "status" && (route.method == Method::Get || route.method == Method::Head))
                    readAll(site, route);
        for (const auto& each : things) list(each);
        for (const auto& each : things) change(each);
        for (const auto& site : cloud_.appliance().server().sites())
            for (const auto& route : site.routes)
                if (route.method != Method::Get && route.method != Method::Head && route.method != Method::Delete)
                    refuseBodies(site, route);
        for (auto each = things.rbegin(); each != things.rend(); ++each) remove(*each);
    }

private:
    const Member& ownerOf(const Thing& thing) const { return thing.member ? member_ : admin_; }

    std::string filled(std::string text) const {
        for (auto at = text.find('$'); at != std::string::npos; at = text.find('$', at)) {
            auto end = at + 1;
            while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_'))
                ++end;
            const auto found = known_.find(text.substr(at + 1, end - at - 1));
            text.replace(at, end - at, found == known_.end() ? "nothing" : found->second);
        }
        return text;
    }

    static std::string wrapped(const Thing& thing, const std::string& body) {
        return thing.envelope.empty() ? body : "{\"" + thing.envelope + "\":" + body + "}";
    }

    std::string pathOf(const Thing& thing) const { return filled(thing.collection + "/$" + thing.word); }

    Answer ask(const Member& who, Method method, const std::string& path, const std::string& body = {},
               HeaderList headers = {}) {
        out_ << who.name << " " << http::nameOf(method) << " " << path << " " << body << "\n";
        const auto answer = who.asks(method, path, body, headers);
        if (method != Method::Get && method != Method::Head) cloud_.settle();
        out_ << "  " << answer.status;
        for (const auto& [name, value] : answer.headers)
            if (name != "X-Subject-Token" && name.find("equest-") == std::string::npos &&
                name.find("equest-ID") == std::string::npos)
                out_ << " " << name << ": " << value << ";";
        auto said = answer.body;
        for (auto at = said.find("req-"); at != std::string::npos; at = said.find("req-", at + 1))
            said.replace(at, 40, "req-");
        if (said.find("Generated-by-") != std::string::npos) said = "(with a key that was made just now)";
        out_ << "\n  " << said << "\n";
        return answer;
    }

    void make(const Thing& thing) {
        cloud_.passes(std::chrono::seconds(1));
        const auto answer =
            ask(ownerOf(thing), Method::Post, filled(thing.collection), wrapped(thing, filled(thing.body)));
        if (answer.status / 100 != 2) {
            std::cerr << thing.word << ": " << answer.body << "\n";
            return;
        }
        const auto made = thing.envelope.empty() ? answer.json() : answer.json().object(thing.envelope);
        known_[thing.word] = made.text(thing.word == "keypair"     ? "name"
                                       : thing.word == "namespace" ? "namespace"
                                                                   : "id");
        if (thing.word == "image")
            ask(member_, Method::Put, pathOf(thing) + "/file", std::string(1024, 'x'),
                {{"Content-Type", "application/octet-stream"}});
    }

    void tag(const Thing& thing) {
        if (!thing.collection.starts_with("/network/")) return;
        cloud_.passes(std::chrono::seconds(1));
        ask(ownerOf(thing), Method::Put, pathOf(thing) + "/tags/" + (thing.word.ends_with('2') ? "blue" : "red"));
        ask(ownerOf(thing), Method::Put, pathOf(thing) + "/tags", R"({"tags":["red","green"]})");
        ask(ownerOf(thing), Method::Get, pathOf(thing) + "/tags");
        ask(stranger_, Method::Delete, pathOf(thing) + "/tags");
    }

    std::vector<std::string> attributesOf(const Thing& thing) {
        const auto answer = ownerOf(thing).gets(pathOf(thing));
        if (answer.status != 200) return {};
        return (thing.envelope.empty() ? answer.json() : answer.json().object(thing.envelope)).names();
    }

    /// Each attribute of the wrong kind, in a creation and in a change.
    void refuseAttributes(const Thing& thing) {
        for (const auto& name : attributesOf(thing))
            for (const auto* value : {"{}", "[{}]", "7", "null", "\"\\u0000\"", "\"odd\"", "true"}) {
                const auto body = wrapped(thing, "{\"" + name + "\":" + value + "}");
                ask(stranger_, Method::Post, filled(thing.collection), body);
                ask(admin_, thing.collection.starts_with("/identity") ? Method::Patch : Method::Put,
                    filled(thing.collection + "/nothing"), body);
            }
    }

    void readAll(const http::Site& site, const http::Route& route) {
        std::string path = site.prefix + route.pattern, absent = path;
        for (auto open = path.find('{'); open != std::string::npos; open = path.find('{')) {
            std::string id = "nothing";
            const auto before = path.substr(0, open);
            for (const auto& each : things) // the last that is made there
                if (filled(each.collection)
                        .ends_with(before.substr(before.rfind('/', open - 2)).substr(0, before.size() - 1)) ||
                    (filled(each.collection) + "/") == before)
                    if (known_.contains(each.word)) id = known_[each.word];
            if (before.ends_with("/v3/") || before.ends_with("/v2.1/")) id = member_.project;
            path.replace(open, path.find('}', open) - open + 1, id);
        }
        for (auto open = absent.find('{'); open != std::string::npos; open = absent.find('{'))
            absent.replace(open, absent.find('}', open) - open + 1, "nothing");
        if (path.find("/auth/") != std::string::npos && path.find("OS-FEDERATION") != std::string::npos)
            return; // a login; tokens differ
        for (const auto* who : {&admin_, &member_, &reader_, &stranger_}) {
            ask(*who, route.method, path);
            if (absent != path) ask(*who, route.method, absent);
        }
        for (const auto* newest : {"compute 2.96", "volume 3.70"})
            if (path.starts_with(newest[0] == 'c' ? "/compute/" : "/volume/"))
                for (const auto* who : {&admin_, &member_})
                    ask(*who, route.method, path, {}, {{"OpenStack-API-Version", newest}});
    }

    void list(const Thing& thing) {
        const auto path = filled(thing.collection);
        const auto read = [&](const std::string& query) { ask(ownerOf(thing), Method::Get, path + "?" + query); };
        const auto shown = ownerOf(thing).gets(pathOf(thing));
        if (shown.status != 200) return;
        const auto one = thing.envelope.empty() ? shown.json() : shown.json().object(thing.envelope);
        for (const auto& name : one.names()) {
            const auto value = one.at(name);
            const auto word = http::percentEncoded(name);
            read(word + "=" + http::percentEncoded(value.isText() ? value.text() : value.dump()));
            read(word + "=odd");
            for (const auto* form : {"__contains", "__icontains", "__startswith"})
                if (path.starts_with("/identity")) read(word + form + "=1");
            read("sort_key=" + word);
            read("sort_key=" + word + "&sort_dir=desc&limit=1");
            read("sort=" + word + ":asc&limit=2");
            read("fields=" + word);
            if (known_.contains(thing.word)) read("sort_key=" + word + "&limit=1&marker=" + known_[thing.word]);
        }
        for (const auto* query : {"limit=1", "limit=1&page_reverse=True", "limit=0", "limit=-1", "limit=x",
                                  "marker=nothing", "sort_key=odd", "sort_dir=odd&sort_key=name", "odd=1", "tags=red",
                                  "tags-any=red,blue", "not-tags=red", "not-tags-any=blue", "name=n1&name=n2",
                                  "sort_key=name&sort_key=id&sort_dir=asc&sort_dir=desc", "fields=id&fields=name"})
            read(query);
        if (known_.contains(thing.word)) {
            read("marker=" + known_[thing.word]);
            read("limit=1&page_reverse=True&marker=" + known_[thing.word]);
        }
    }

    void change(const Thing& thing) {
        const auto method = thing.collection.starts_with("/identity") ? Method::Patch : Method::Put;
        cloud_.passes(std::chrono::seconds(1));
        for (const auto* body :
             {R"({"name":"changed","description":"also"})", R"({"description":"only"})", R"({"name":""})",
              R"({"odd":1})", R"({"tags":["x"]})", R"({"shared":true})", R"({"enabled":true})", "{}"}) {
            ask(stranger_, method, pathOf(thing), wrapped(thing, body));
            ask(ownerOf(thing), method, pathOf(thing), wrapped(thing, body));
            ask(ownerOf(thing), Method::Post, filled(thing.collection), wrapped(thing, body));
        }
        if (thing.envelope.empty()) return;
        for (const auto& name : attributesOf(thing)) {
            const auto shown = ownerOf(thing).gets(pathOf(thing)).json().object(thing.envelope);
            ask(ownerOf(thing), method, pathOf(thing),
                wrapped(thing, "{\"" + name + "\":" + shown.at(name).dump() + "}"));
        }
        ask(reader_, Method::Get, pathOf(thing));
    }

    void refuseBodies(const http::Site& site, const http::Route& route) {
        std::string path = site.prefix + route.pattern;
        for (auto open = path.find('{'); open != std::string::npos; open = path.find('{')) {
            const bool project = path.substr(0, open).ends_with("/v3/") || path.substr(0, open).ends_with("/v2.1/");
            path.replace(open, path.find('}', open) - open + 1, project ? member_.project : "nothing");
        }
        if (path.find("/auth/") != std::string::npos) return;
        for (const auto* body : {"", "{}", "[]", "{\"x\":1}", "{"}) {
            ask(member_, route.method, path, body);
            ask(reader_, route.method, path, body);
        }
    }

    void remove(const Thing& thing) {
        if (!known_.contains(thing.word)) return;
        ask(stranger_, Method::Delete, pathOf(thing));
        ask(reader_, Method::Delete, pathOf(thing));
        ask(ownerOf(thing), Method::Delete, pathOf(thing));
        ask(ownerOf(thing), Method::Get, pathOf(thing));
        ask(ownerOf(thing), Method::Delete, pathOf(thing)); // it is no longer there
    }

    FixedAmbient ambient_;
    TestAppliance cloud_;
    std::ostream& out_;
    Member admin_, member_, reader_, stranger_;
    std::map<std::string, std::string> known_;
};

}
}

int main(int count, char** arguments) {
    if (count != 2) {
        std::cerr << "usage: answers FILE\n";
        return 2;
    }
    std::ofstream out(arguments[1]);
    stratolet::test::Journey(out).run();
    return out.flush() ? 0 : 1;
}
