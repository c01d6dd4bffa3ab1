#include <chrono>
#include <thread>

#include "compute/guest.hpp"
#include "compute/metadata/vendor_data.hpp"
#include "support/web_server.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;

namespace {

const std::string path = "/openstack/latest/vendor_data2.json";

TestOption targets(const std::string& list) { return {"compute", "vendordata_dynamic_targets", list}; }
const TestOption fatal{"compute", "vendordata_dynamic_failure_fatal", "true"};
const TestOption oneSecond[] = {{"compute", "vendordata_dynamic_connect_timeout", "1"},
                                {"compute", "vendordata_dynamic_read_timeout", "1"}};

http::Response asks(Guest& guest, const std::string& where = path) {
    return guest.asks(http::Method::Get, where, "", guest.address);
}

}

TEST_CASE("A guest finds what services say of it, each under its name, beside what is said to all",
          "[compute][metadata]") {
    WebServer service(
        {{"/names", WebServer::page(R"({"fqdn":"one.example.org"})")}, {"/rack", WebServer::page("[1]")}});
    Guest guest({targets("names@" + service.url("/names") + ", rack@" + service.url("/rack"))},
                R"(,"metadata":{"k":"v"},"user_data":"aGk=")");
    const auto answer = asks(guest);
    REQUIRE(answer.status == 200);
    CHECK(answer.body == R"({"static":{},"names":{"fqdn":"one.example.org"},"rack":[1]})");

    const auto request = service.lastRequest();
    CHECK_THAT(request, Catch::StartsWith("POST /rack HTTP/1.1\r\n") && Contains("Content-Type: application/json"));
    const auto told = Json::parse(request.substr(request.find("\r\n\r\n") + 4));
    CHECK(told.text("project-id") == guest.alice.project);
    CHECK(told.text("instance-id") == guest.server);
    CHECK(told.text("image-id") == guest.image);
    CHECK(told.text("user-data") == "aGk=");
    CHECK(told.text("hostname") == "one");
    CHECK(told.object("metadata").text("k") == "v");
    CHECK_THAT(told.text("boot-roles"), Contains("member"));
    CHECK(asks(guest, "/openstack/2015-10-15/vendor_data2.json").status == 404); // that version had none
}

TEST_CASE("What services said stands for a while, so that a guest cannot flood them", "[compute][metadata]") {
    WebServer service({{"/", WebServer::page("{}")}});
    Guest guest({targets("one@" + service.url("/"))});
    for (int time = 0; time < 20; ++time) CHECK(asks(guest).status == 200);
    CHECK(asks(guest, "/openstack/latest/meta_data.json").status == 200);
    CHECK(service.connections() == 1);
    guest.appliance.passes(compute::VendorData::keptFor);
    CHECK(asks(guest).status == 200);
    CHECK(service.connections() == 2);
}

TEST_CASE("A service that lies, says too much or isn't there says {}, and nothing of the others is lost",
          "[compute][metadata]") {
    WebServer service({{"/lies", WebServer::page("<html>")},
                       {"/much", WebServer::page("\"" + std::string(compute::VendorData::answerBytesMax, 'x') + "\"")},
                       {"/elsewhere", WebServer::redirect("/good")},
                       {"/empty", WebServer::page("")},
                       {"/good", WebServer::page(R"({"a":1})")}});
    const auto named = [&](const std::string& name) { return name + "@" + service.url("/" + name) + ","; };
    Guest guest({targets(named("lies") + named("much") + named("elsewhere") + named("nothing") + named("empty") +
                         "nobody@http://127.0.0.1:1/," + named("good"))});
    CHECK(asks(guest).body == R"({"static":{},"lies":{},"much":{},"elsewhere":{},"nothing":{},"empty":{},"nobody":{},)"
                              R"("good":{"a":1}})");
}

TEST_CASE("A service that is slow is waited for as long as it may take, and only by who asks for what it says",
          "[compute][metadata]") {
    TricklingServer slow;
    WebServer quick({{"/", WebServer::page(R"({"a":1})")}});
    Guest guest({targets("slow@" + slow.url() + ",quick@" + quick.url("/")), oneSecond[0], oneSecond[1]});
    for (const auto& site : guest.appliance.appliance().server().sites())
        for (const auto& route : site.routes)
            if (site.name == "metadata" && route.pattern.ends_with("vendor_data2.json"))
                CHECK(route.runs == http::Runs::Worker); // else it would stop who reads requests
    const auto began = std::chrono::steady_clock::now();
    http::Response first;
    std::thread waits([&] { first = asks(guest); });
    while (slow.peers() == 0 && std::chrono::steady_clock::now() - began < std::chrono::seconds(10))
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(asks(guest, "/openstack/latest/meta_data.json").status == 200);
    CHECK_THROWS_WITH(asks(guest), Contains("asked for already")); // one request of a guest's at a time
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(2));
    waits.join();
    CHECK(first.body == R"({"static":{},"slow":{},"quick":{"a":1}})");
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(10));
}

TEST_CASE("Where it is said to be fatal that a service fails, a guest finds nothing and a config drive is not made",
          "[compute][metadata]") {
    WebServer service({{"/lies", WebServer::page("no")}});
    Guest guest({targets("lies@" + service.url("/lies")), fatal});
    CHECK(guest.shows(guest.alice, guest.server).text("status") == "ACTIVE"); // it has no config drive
    CHECK_THROWS_WITH(asks(guest), Contains("lies: "));
    const auto drive = guest.boots(guest.alice, "drive", R"(,"config_drive":true)");
    CHECK(guest.status(guest.alice, drive) == "ERROR");
    const auto fault = guest.shows(guest.appliance.admin(), drive).object("fault").text("details");
    CHECK_THAT(fault, Contains("the vendor data could not be had of lies"));
}

TEST_CASE("A config drive has what services say", "[compute][metadata]") {
    WebServer service({{"/", WebServer::page(R"({"said":"to the drive"})")}});
    Guest guest({targets("one@" + service.url("/"))}, R"(,"config_drive":true)");
    std::string drive;
    for (const auto& file : std::filesystem::recursive_directory_iterator(guest.appliance.folder()))
        if (file.path().extension() == ".config") drive = contentOf(file.path());
    CHECK_THAT(drive, Contains(R"({"static":{},"one":{"said":"to the drive"}})"));
    const auto asked = service.connections();
    guest.does(guest.alice, guest.server, R"({"rebuild":{"imageRef":")" + guest.image + "\"}}");
    CHECK(guest.status(guest.alice, guest.server) == "ACTIVE");
    CHECK(asked == 1);
}

TEST_CASE("A target of vendor data has a name of its own and a web address", "[compute][metadata]") {
    for (const char* wrong : {"http://127.0.0.1/", "@http://127.0.0.1/", "a@ftp://127.0.0.1/", "a@", "a@http://u:p@x/",
                              "static@http://127.0.0.1/", "a@http://x/,a@http://y/"}) {
        CAPTURE(wrong);
        CHECK_THROWS_AS(TestAppliance({targets(wrong)}), Error);
    }
}
