#pragma once

#include <algorithm>
#include <string>

#include "compute/cloud.hpp"

namespace stratolet::test {

/// A cloud with a server that has an address, and what it asks the metadata service.
struct Guest : Cloud {
    std::string network = made("networks", "network", R"({"name":"inside"})");
    std::string subnet =
        made("subnets", "subnet", R"({"ip_version":4,"cidr":"10.1.0.0/24","network_id":")" + network + "\"}");
    std::string server, address;

    /// `more` are further members of the server's body.
    explicit Guest(std::vector<TestOption> options = {}, const std::string& more = "") : Cloud(std::move(options)) {
        const auto answer =
            alice.posts("/compute/v2.1/servers", R"({"server":{"name":"one","flavorRef":"1","imageRef":")" + image +
                                                     R"(","networks":[{"uuid":")" + network + "\"}]" + more + "}}");
        INFO(answer.body);
        REQUIRE(answer.status == 202);
        appliance.settle();
        server = answer.json().object("server").text("id");
        address = alice.gets("/compute/v2.1/servers/" + server + "/ips")
                      .json()
                      .object("addresses")
                      .array("inside")
                      .items()
                      .at(0)
                      .text("addr");
    }

    std::string made(const std::string& path, const std::string& noun, const std::string& body) const {
        const auto answer = alice.posts("/network/v2.0/" + path, "{\"" + noun + "\":" + body + "}");
        INFO(answer.body);
        REQUIRE(answer.status == 201);
        return answer.json().object(noun).text("id");
    }

    /// From that peer on the server's network.
    http::Response asks(http::Method method, const std::string& path, const std::string& body,
                        const std::string& peer) {
        for (const auto& site : appliance.appliance().server().sites()) {
            if (site.name != "metadata") continue;
            http::Request request;
            request.method = method;
            request.path = path;
            request.body = body;
            request.origin = network;
            request.peer = peer;
            for (const auto& route : site.routes)
                if (route.method == method && std::count(route.pattern.begin(), route.pattern.end(), '/') ==
                                                  std::count(path.begin(), path.end(), '/'))
                    return std::get<http::Handler>(route.handler)(request);
        }
        FAIL("nobody serves metadata");
        return {};
    }
};

}
