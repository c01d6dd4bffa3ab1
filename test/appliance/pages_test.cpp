#include <sqlite3.h>

#include <catch2/catch.hpp>

#include <functional>
#include <map>
#include <mutex>
#include <regex>
#include <set>
#include <thread>

#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;
using http::Method;

// What a list costs doesn't grow with the cloud: neither the number of its statements, nor the rows that they look at.

namespace {

/// The statements that this thread gave to any SQLite connection opened since the first of these was made, with their
/// values.
class Statements {
public:
    Statements() {
        static const bool hooked = [] {
            return sqlite3_auto_extension(reinterpret_cast<void (*)()>(hook)) == SQLITE_OK;
        }();
        REQUIRE(hooked);
    }

    /// How many steps of SQLite's machine `work` takes: what it looks at, whatever the clock says.
    std::int64_t stepsOf(const std::function<void()>& work) {
        of(work);
        return steps;
    }

    /// Those of `work`.
    std::vector<std::string> of(const std::function<void()>& work) {
        heard.clear();
        steps = 0;
        listening = true;
        work();
        listening = false;
        return heard;
    }

private:
    static int hook(sqlite3* db, const char**, const void*) {
        sqlite3_trace_v2(
            db, SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE,
            [](unsigned event, void*, void* statement, void*) {
                if (!listening) return 0;
                if (event == SQLITE_TRACE_PROFILE) {
                    steps += sqlite3_stmt_status(static_cast<sqlite3_stmt*>(statement), SQLITE_STMTSTATUS_VM_STEP, 1);
                    return 0;
                }
                char* text = sqlite3_expanded_sql(static_cast<sqlite3_stmt*>(statement));
                if (text) heard.emplace_back(text);
                sqlite3_free(text);
                return 0;
            },
            nullptr);
        return SQLITE_OK;
    }

    static thread_local bool listening;
    static thread_local std::vector<std::string> heard;
    static thread_local std::int64_t steps;
};
thread_local bool Statements::listening = false;
thread_local std::vector<std::string> Statements::heard;
thread_local std::int64_t Statements::steps = 0;

std::string made(const Answer& answer, std::string_view noun) {
    INFO(answer.body);
    REQUIRE((answer.status == 200 || answer.status == 201 || answer.status == 202));
    return answer.json().object(noun).text("id");
}

/// More of everything that can be listed, named and tagged alike; each call's have other numbers.
class Population {
public:
    Population(TestAppliance& cloud, const Member& owner) : cloud_(cloud), owner_(owner) {
        const auto root = cloud.admin();
        for (const auto& [service, path, set] :
             {std::tuple("network", "/network/v2.0/quotas/",
                         R"({"quota":{"network":-1,"subnet":-1,"port":-1,"router":-1,"floatingip":-1,)"
                         R"("security_group":-1,"security_group_rule":-1,"subnetpool":-1}})"),
              std::tuple("compute", "/compute/v2.1/os-quota-sets/",
                         R"({"quota_set":{"instances":-1,"cores":-1,"ram":-1,"key_pairs":-1}})"),
              std::tuple("volume", "/volume/v3/{project}/os-quota-sets/",
                         R"({"quota_set":{"volumes":-1,"gigabytes":-1,"snapshots":-1}})")}) {
            const auto answer = root.puts(path + owner.project, set);
            INFO(service << answer.body);
            REQUIRE(answer.status == 200);
        }
        outside_ =
            made(root.posts("/network/v2.0/networks", R"({"network":{"name":"outside","router:external":true}})"),
                 "network");
        made(root.posts("/network/v2.0/subnets",
                        R"({"subnet":{"ip_version":4,"cidr":"192.0.2.0/24","network_id":")" + outside_ + "\"}}"),
             "subnet");
        image_ = root.posts("/image/v2/images",
                            R"({"name":"i","disk_format":"raw","container_format":"bare","visibility":"public"})")
                     .json()
                     .text("id");
        REQUIRE(root.puts("/image/v2/images/" + image_ + "/file", std::string(512, '\0'),
                          {{"Content-Type", "application/octet-stream"}})
                    .status == 204);
        flavor_ = root.gets("/compute/v2.1/flavors").json().array("flavors").items().front().text("id");
    }

    void grows(int by) {
        const auto root = cloud_.admin();
        const std::string net = "/network/v2.0/";
        for (int each = 0; each < by; ++each) {
            const auto number = std::to_string(++number_);
            const auto name = R"("name":"n)" + number + "\"";
            const auto network = made(owner_.posts(net + "networks", R"({"network":{)" + name + "}}"), "network");
            const auto of = R"("network_id":")" + network + "\"";
            const auto subnet = made(owner_.posts(net + "subnets", R"({"subnet":{"ip_version":4,"cidr":"10.)" + number +
                                                                       R"(.0.0/24",)" + of + "," + name + "}}"),
                                     "subnet");
            const auto router =
                made(owner_.posts(net + "routers", R"({"router":{"external_gateway_info":{"network_id":")" + outside_ +
                                                       "\"}," + name + "}}"),
                     "router");
            CHECK(owner_.puts(net + "routers/" + router + "/add_router_interface", R"({"subnet_id":")" + subnet + "\"}")
                      .status == 200);
            const auto group =
                made(owner_.posts(net + "security-groups", R"({"security_group":{)" + name + "}}"), "security_group");
            const auto port = made(owner_.posts(net + "ports", R"({"port":{"security_groups":[")" + group + "\"]," +
                                                                   of + "," + name + "}}"),
                                   "port");
            made(owner_.posts(net + "floatingips", R"({"floatingip":{"floating_network_id":")" + outside_ +
                                                       R"(","port_id":")" + port + "\"}}"),
                 "floatingip");
            made(owner_.posts(net + "subnetpools", R"({"subnetpool":{"prefixes":["10.0.0.0/8"],)" + name + "}}"),
                 "subnetpool");
            for (const auto& path : {"networks/" + network, "ports/" + port, "routers/" + router})
                CHECK(owner_.puts(net + path + "/tags/t" + number, "").status == 201);
            const auto volume = made(owner_.posts("/volume/v3/{project}/volumes",
                                                  R"({"volume":{"size":1,"metadata":{"k":"v"},)" + name + "}}"),
                                     "volume");
            cloud_.settle();
            made(owner_.posts("/volume/v3/{project}/snapshots",
                              R"({"snapshot":{"metadata":{"k":"v"},"volume_id":")" + volume + "\"," + name + "}}"),
                 "snapshot");
            cloud_.settle();
            const auto server =
                made(owner_.posts("/compute/v2.1/servers",
                                  R"({"server":{"metadata":{"k":"v"},"imageRef":")" + image_ + R"(","flavorRef":")" +
                                      flavor_ + R"(","networks":[{"uuid":")" + network + "\"}]," + name + "}}"),
                     "server");
            cloud_.settle();
            const auto attached = owner_.posts("/compute/v2.1/servers/" + server + "/os-volume_attachments",
                                               R"({"volumeAttachment":{"volumeId":")" + volume + "\"}}");
            INFO(attached.body);
            CHECK(attached.status == 200);
            CHECK(owner_
                      .puts("/compute/v2.1/servers/" + server + "/tags/t" + number, "",
                            {{"OpenStack-API-Version", "compute 2.93"}})
                      .status == 201);
            CHECK(owner_
                      .posts("/image/v2/images",
                             R"({"disk_format":"raw","container_format":"bare","tags":["t"],"os_distro":"x",)" + name +
                                 "}")
                      .status == 201);
            CHECK(root.posts("/compute/v2.1/flavors",
                             R"({"flavor":{"ram":64,"vcpus":1,"disk":0,"os-flavor-access:is_public":false,)" + name +
                                 "}}")
                      .status == 200);
            CHECK(owner_
                      .posts("/compute/v2.1/os-keypairs",
                             R"({"keypair":{"public_key":"ssh-ed25519 )"
                             R"(AAAAC3NzaC1lZDI1NTE5AAAAIJmFq1p0k3mW0y9bZl2mC2mK8m1v3yZ0o3sVbq3h5m4K x",)" +
                                 name + "}}")
                      .status < 300);
        }
        cloud_.settle();
    }

private:
    TestAppliance& cloud_;
    Member owner_;
    int number_ = 0;
    std::string outside_, image_, flavor_;
};

/// Every list of the services whose rows grow with a cloud: a GET whose path names nothing but the project.
std::vector<std::string> listsOf(TestAppliance& cloud) {
    std::vector<std::string> paths;
    for (const auto& site : cloud.appliance().server().sites()) {
        if (site.prefix == "/identity") continue; // its people are not made here
        for (const auto& route : site.routes) {
            if (route.method != Method::Get) continue;
            auto path = std::regex_replace(site.prefix + route.pattern,
                                           std::regex("\\{(project|project_id|tenant_id)\\}"), "{project}");
            if (path.find('{') == path.find("{project}") &&
                path.find('{', path.find("{project}") + 1) == std::string::npos)
                paths.push_back(std::move(path));
        }
    }
    return paths;
}

}

TEST_CASE("A page is as many statements with many rows as with few, in every list there is", "[appliance][pages]") {
    Statements statements;
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    Population population(cloud, alice);
    const std::pair<std::string, Member> callers[] = {{"a member", alice}, {"an administrator", cloud.admin()}};
    const auto costs = [&] {
        std::map<std::string, std::vector<std::string>> found;
        for (const auto& [who, caller] : callers)
            for (const auto& path : listsOf(cloud)) {
                const auto ask = [&] {
                    caller.gets(path, {{"OpenStack-API-Version",
                                        path.starts_with("/volume") ? "volume 3.70" : "compute 2.93"}});
                };
                ask(); // what is kept between requests is kept now
                found[path + " for " + who] = statements.of(ask);
            }
        return found;
    };
    population.grows(3);
    const auto few = costs();
    population.grows(9);
    const auto many = costs();
    REQUIRE(few.size() > 100);
    std::size_t most = 0;
    for (const auto& [list, its] : few) {
        std::string said;
        for (const auto& each : many.at(list)) said += each.substr(0, 200) + "\n";
        INFO(list << "\n" << said);
        CHECK(many.at(list).size() == its.size());
        most = std::max(most, its.size());
    }
    CHECK(most > 5); // somebody was listening
}

namespace {

/// The lines of the plan of each of these statements that look at every row of a table that grows, or sort more than a
/// page. `filtered`: it was asked for few, so that even to walk an index in the list's order is too much. `mayCollect`:
/// a part of the list is collected and sorted, as what is shared with a project is, which is little.
std::string lookingAtAll(TestAppliance& cloud, const std::vector<std::string>& statements, bool filtered,
                         bool mayCollect) {
    std::string bad;
    for (const auto& each : statements) {
        if (!each.starts_with("SELECT")) continue;
        const bool page = each.find(" LIMIT ") != std::string::npos; // else of rows that were chosen before
        auto rows = cloud.appliance().store().reader().query("EXPLAIN QUERY PLAN " + each);
        std::string plan, wrong;
        while (rows.next()) {
            const auto line = rows.row().text(3);
            plan += "    " + line + "\n";
            static const std::regex small(
                "^SCAN (w|wanted|json_each|volume_types|compute_flavor|compute_hosts|CONSTANT|\\(|\\d|.* USING "
                "INDEX "
                "(networks_(shared|external)|(subnet_pools|address_scopes|security_groups|qos_policies)_shared))");
            if (line.starts_with("SCAN") && !std::regex_search(line, small) &&
                (filtered || line.find(" USING ") == std::string::npos))
                wrong += line + "; ";
            if (line.starts_with("BLOOM FILTER")) wrong += line + "; "; // made of every row
            if (!filtered && page && !mayCollect && line.find("TEMP B-TREE FOR ORDER BY") != std::string::npos)
                wrong += line + "; ";
        }
        if (!wrong.empty()) bad += wrong + "in\n  " + each + "\n" + plan;
    }
    return bad;
}

}

TEST_CASE("No list looks at more rows than it shows, whatever it is asked for", "[appliance][pages]") {
    Statements statements;
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    Population population(cloud, alice);
    population.grows(2);
    const auto root = cloud.admin();
    const std::string id = "00000000-0000-4000-8000-00000000abcd";
    const std::pair<std::string, std::vector<std::string>> lists[] = {
        {"/network/v2.0/ports",
         {"", "device_id=" + id, "fixed_ips=ip_address=10.1.0.7", "fixed_ips=subnet_id=" + id, "network_id=" + id,
          "mac_address=fa:16:3e:00:00:01", "name=x", "status=DOWN", "project_id=" + id, "tenant_id=" + id, "id=" + id,
          "device_owner=network:dhcp", "binding:host_id=x", "security_groups=" + id, "tags=x", "tags-any=x,y",
          "network_id=" + id + "&device_owner=network:dhcp", "device_id=" + id + "&network_id=" + id}},
        {"/network/v2.0/networks",
         {"", "name=x", "project_id=" + id, "id=" + id, "router:external=true", "shared=true", "tags=x"}},
        {"/network/v2.0/subnets",
         {"", "name=x", "project_id=" + id, "network_id=" + id, "cidr=10.0.0.0/24", "id=" + id}},
        {"/network/v2.0/routers", {"", "name=x", "project_id=" + id, "id=" + id}},
        {"/network/v2.0/security-groups", {"", "name=x", "project_id=" + id, "id=" + id}},
        {"/network/v2.0/security-group-rules", {"security_group_id=" + id, "remote_group_id=" + id, "id=" + id}},
        {"/network/v2.0/floatingips",
         {"", "floating_ip_address=192.0.2.7", "port_id=" + id, "router_id=" + id, "fixed_ip_address=10.1.0.7",
          "project_id=" + id, "floating_network_id=" + id, "status=DOWN"}},
        {"/network/v2.0/subnetpools", {"", "name=x", "id=" + id, "address_scope_id=" + id}},
        {"/network/v2.0/address-scopes", {"", "name=x", "id=" + id}},
        {"/network/v2.0/qos/policies", {"", "name=x", "id=" + id, "project_id=" + id}},
        {"/network/v2.0/metering/metering-labels", {"", "name=x", "id=" + id, "project_id=" + id}},
        {"/network/v2.0/metering/metering-label-rules", {"", "metering_label_id=" + id, "id=" + id}},
        {"/network/v2.0/segments", {"", "name=x", "network_id=" + id, "id=" + id}},
        {"/network/v2.0/trunks", {"", "name=x", "project_id=" + id, "port_id=" + id, "id=" + id}},
        {"/network/v2.0/rbac-policies", {"", "object_id=" + id, "target_tenant=" + id, "id=" + id}},
        {"/compute/v2.1/servers/detail",
         {"", "status=ACTIVE", "status=ERROR", "image=" + id, "flavor=1", "reservation_id=r-x", "tags=x", "key_name=x",
          "uuid=" + id, "all_tenants=1", "all_tenants=1&project_id=" + id, "all_tenants=1&status=ACTIVE",
          "all_tenants=1&host=x", "all_tenants=1&user_id=" + id, "name=x", "all_tenants=1&name=x", "ip=10.1.0.7",
          "sort_key=created_at&sort_dir=asc", "changes-since=2035-01-01T00:00:00Z"}},
        {"/compute/v2.1/os-migrations",
         {"", "status=error", "instance_uuid=" + id, "user_id=" + id, "project_id=" + id,
          "changes-since=2035-01-01T00:00:00Z"}},
        {"/compute/v2.1/os-simple-tenant-usage", {"start=2035-01-01T00:00:00&end=2035-01-02T00:00:00"}},
        {"/volume/v3/{project}/volumes/detail",
         {"", "name=x", "status=available", "all_tenants=1", "all_tenants=1&project_id=" + id,
          "all_tenants=1&status=available", "all_tenants=1&name=x", "all_tenants=1&user_id=" + id, "metadata={'k':'x'}",
          "sort=created_at:asc", "id=" + id, "snapshot_id=" + id, "source_volid=" + id, "group_id=" + id}},
        {"/volume/v3/{project}/snapshots/detail",
         {"", "name=x", "status=available", "volume_id=" + id, "all_tenants=1", "all_tenants=1&project_id=" + id,
          "all_tenants=1&status=available", "all_tenants=1&user_id=" + id, "metadata={'k':'x'}", "sort=created_at:asc",
          "id=" + id}},
        {"/volume/v3/{project}/messages", {"", "resource_uuid=" + id}},
        {"/volume/v3/{project}/volume-transfers", {"", "all_tenants=1"}},
        {"/volume/v3/{project}/groups/detail", {"", "all_tenants=1"}},
        {"/volume/v3/{project}/group_snapshots/detail", {"", "all_tenants=1"}},
        {"/volume/v3/{project}/attachments", {"", "volume_id=" + id, "instance_id=" + id, "all_tenants=1"}},
        {"/image/v2/images",
         {"", "name=x", "status=active", "visibility=public", "owner=" + id, "tag=x", "os_distro=x", "id=" + id}}};
    // These are met by many, or matched as an expression: a walk in the list's order until the page is full.
    const std::set<std::string> walked{"",
                                       "all_tenants=1",
                                       "name=x",
                                       "all_tenants=1&name=x",
                                       "sort=created_at:asc",
                                       "status=DOWN",
                                       "shared=true",
                                       "status=active",
                                       "visibility=public",
                                       "sort_key=created_at&sort_dir=asc",
                                       "router:external=true"};
    const std::set<std::string> collected{"/network/v2.0/networks",
                                          "/network/v2.0/subnets",
                                          "/network/v2.0/security-groups",
                                          "/network/v2.0/subnetpools",
                                          "/network/v2.0/address-scopes",
                                          "/network/v2.0/qos/policies",
                                          "/image/v2/images",
                                          "/volume/v3/{project}/attachments",
                                          "/compute/v2.1/os-simple-tenant-usage"};
    const std::set<std::string> administrators{"/compute/v2.1/os-migrations", "/compute/v2.1/os-simple-tenant-usage"};
    int looked = 0;
    for (const auto& [path, queries] : lists)
        for (const auto& query : queries)
            for (const auto& caller : {root, alice})
                for (const auto* page : {"", "limit=1", "limit=1&marker="}) {
                    auto url = path + "?" + query + (query.empty() || !*page ? "" : "&") + page;
                    const HeaderList version{
                        {"OpenStack-API-Version", path.starts_with("/volume") ? "volume 3.70" : "compute 2.93"}};
                    if (url.ends_with("marker=")) {
                        if (path.ends_with("/attachments") || administrators.contains(path)) continue;
                        const auto first = caller.gets(path + "?limit=1", version).json();
                        const auto items = first.array(first.names().front()).items();
                        if (items.empty()) continue;
                        url += items.front().text("id");
                    }
                    Answer answer;
                    const auto heard = statements.of([&] { answer = caller.gets(url, version); });
                    INFO(url << " by " << caller.name << ": " << answer.body.substr(0, 200));
                    const bool refused =
                        caller.name == "alice" &&
                        (administrators.contains(path) || (path.starts_with("/compute") && query.starts_with("all_t")));
                    CHECK(answer.status == (refused ? 403 : 200));
                    const auto bad = lookingAtAll(cloud, heard, !walked.contains(query), collected.contains(path));
                    INFO(bad);
                    CHECK(bad.empty());
                    ++looked;
                }
    CHECK(looked > 300);
}

TEST_CASE("A page among 100,000 ports and 20,000 servers, volumes and images is as much work as among 100",
          "[appliance][pages]") {
    Statements statements;
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    Population population(cloud, alice);
    population.grows(1);
    const auto root = cloud.admin();
    auto& store = cloud.appliance().store();
    int from = 0;
    // Every other thing is somebody else's; times go on, as they do.
    const auto multiply = [&](int ports, int others) {
        store.write([&](store::Transaction& tx) {
            const auto numbers = [&](int count) {
                return "WITH RECURSIVE n (i) AS (SELECT " + std::to_string(from) +
                       " UNION ALL SELECT i + 1 FROM n WHERE i + 1 < " + std::to_string(from + count) + ") ";
            };
            const std::string id = "printf('00000000-0000-4000-8000-%012x', i)",
                              own = "CASE i % 2 WHEN 0 THEN ? ELSE 'p' || (i % 50) END";
            tx.execute(numbers(1) + "INSERT OR IGNORE INTO networks (id, project, name, description, admin_up, shared, "
                                    "external, is_default, mtu, "
                                    "port_security, revision, created, updated) SELECT 'others', 'p1', 'n', '', 1, 0, "
                                    "0, 0, 1500, 1, 1, 1, 1 FROM n");
            const auto network = tx.query("SELECT network, subnet FROM fixed_ips WHERE port IN (SELECT id FROM ports "
                                          "WHERE project = ?) LIMIT 1",
                                          alice.project)
                                     .all<std::pair<std::string, std::string>>(
                                         [](const store::Row& row) { return std::pair(row.text(0), row.text(1)); })
                                     .front();
            tx.execute(numbers(ports) +
                           "INSERT INTO ports (id, network, project, name, description, admin_up, mac, device, owner, "
                           "status, port_security, "
                           "vnic_type, profile, host, server, made_for_server, hostname, pairs, revision, created, "
                           "updated, network_project) "
                           "SELECT " +
                           id + ", CASE i % 2 WHEN 0 THEN ? ELSE 'others' END, " + own +
                           ", 'port' || i, '', 1, printf('fa:%010x', i), 'device' || i, 'compute:nova', 'ACTIVE', 1, "
                           "'normal', '{}', 'h', '', "
                           "0, '', '[]', 1, 2000000000000000 + i, 1, CASE i % 2 WHEN 0 THEN ? ELSE 'p1' END FROM n",
                       network.first, alice.project, alice.project);
            tx.execute(numbers(ports) +
                           "INSERT INTO fixed_ips (port, position, network, subnet, address, number) SELECT " + id +
                           ", 0, ?, ?, printf('10.%d.%d.%d', 100 + i / 65536, i / 256 % 256, i % 256), printf('%032x', "
                           "4000000 + i) FROM n",
                       network.first, network.second);
            for (const auto& [table, key, owner] :
                 {std::tuple("compute_servers", "id", "project"), std::tuple("volumes", "id", "project_id"),
                  std::tuple("images", "id", "owner")}) {
                std::string columns, values;
                for (const auto& column : tx.query("SELECT name FROM pragma_table_info(?)", table).texts()) {
                    if (column == "number") continue;
                    columns += (columns.empty() ? "" : ", ") + column;
                    values +=
                        (values.empty() ? "" : ", ") + (column == key                             ? id
                                                        : column == owner                         ? own
                                                        : column == "name"                        ? "'thing' || i"
                                                        : column == "user" || column == "user_id" ? "'u' || (i % 100)"
                                                        : column == "visibility"                  ? "'private'"
                                                        : column == "created" ? "2000000000000000 + i"
                                                                              : "t." + column);
                }
                const std::string sql = numbers(others) + "INSERT INTO " + table + " (" + columns + ") SELECT " +
                                        values + " FROM n, (SELECT * FROM " + table + " WHERE " + owner +
                                        " = ? ORDER BY created LIMIT 1) t";
                tx.execute(sql, alice.project, alice.project);
            }
        });
        from += std::max(ports, others);
    };
    multiply(400, 400);
    const std::string net = "/network/v2.0/";
    const auto network =
        store.reader()
            .query("SELECT network FROM ports WHERE id LIKE '00000000%' AND project = ?", alice.project)
            .maybeText()
            .value();
    const auto marker = [](int number) {
        char text[40];
        std::snprintf(text, sizeof text, "00000000-0000-4000-8000-%012x", number);
        return std::string(text);
    };
    const std::string compute = "/compute/v2.1/servers/detail?", volume = "/volume/v3/{project}/volumes/detail?",
                      image = "/image/v2/images?";
    const auto work = [&] {
        std::map<std::string, std::int64_t> all;
        for (const auto& path : {net + "ports?limit=50",
                                 net + "ports?limit=50&marker=" + marker(100),
                                 net + "ports?limit=50&page_reverse=true&marker=" + marker(300),
                                 net + "ports?device_id=device100",
                                 net + "ports?fixed_ips=ip_address=10.100.0.100",
                                 net + "ports?network_id=" + network + "&limit=50",
                                 net + "ports?mac_address=fa:0000000064",
                                 net + "ports?name=port100",
                                 net + "ports?status=ACTIVE&limit=50",
                                 net + "ports?project_id=" + alice.project + "&limit=50",
                                 net + "ports?device_owner=compute:nova&limit=50",
                                 net + "ports?sort_key=name&limit=50",
                                 compute + "limit=50",
                                 compute + "limit=50&marker=" + marker(300),
                                 compute + "limit=50&status=ACTIVE",
                                 compute + "limit=50&sort_key=created_at&sort_dir=asc",
                                 volume + "limit=50",
                                 volume + "limit=50&marker=" + marker(300),
                                 volume + "name=thing100",
                                 volume + "limit=50&status=in-use",
                                 image + "limit=50",
                                 image + "limit=50&marker=" + marker(300),
                                 image + "name=thing100",
                                 image + "limit=50&status=queued"})
            for (const auto& caller : {alice, root}) {
                if (path.find("sort_key=name") != std::string::npos && caller.name == "alice")
                    continue; // theirs are sorted
                const bool own = path.starts_with(compute) || path.starts_with(volume);
                if (own && caller.name == "admin" && path.find("marker") != std::string::npos)
                    continue; // that is none of theirs
                const auto ask = [&] {
                    const auto answer = caller.gets(path);
                    INFO(path << " " << answer.body.substr(0, 300));
                    CHECK(answer.status == 200);
                };
                ask();
                all[path + " by " + caller.name] = statements.stepsOf(ask);
            }
        return all;
    };
    const auto few = work();
    for (int times = 0; times < 5; ++times) multiply(20000, 4000);
    const auto many = work();
    for (const auto& [what, steps] : few) {
        INFO(what << ": " << steps << ", then " << many.at(what));
        CHECK(many.at(what) <= steps * 13 / 10 + 50);
    }
}
