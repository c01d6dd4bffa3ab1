#include "support/test_appliance.hpp"

#include <unistd.h>

#include <stdexcept>

#include "platform/bus/bus.hpp"
#include "platform/jobs/jobs.hpp"

namespace stratolet::test {
namespace {

using namespace std::chrono_literals;

std::string loginBody(const std::string& name, const std::string& password, const std::string& project) {
    return R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"name":)" + jsonText(name) +
           R"(,"domain":{"id":"default"},"password":)" + jsonText(password) + R"(}}},"scope":{"project":{"name":)" +
           jsonText(project) + R"(,"domain":{"id":"default"}}}}})";
}

std::string idIn(const Answer& answer, std::string_view object) {
    if (answer.status != 201) throw std::runtime_error("expected 201: " + answer.body);
    return answer.json().object(object).text("id");
}

}

Answer Member::asks(http::Method method, std::string path, std::string body, HeaderList headers) const {
    constexpr std::string_view mark = "{project}";
    if (const auto at = path.find(mark); at != std::string::npos) path.replace(at, mark.size(), project);
    return appliance->asks(method, path, body, headers, token);
}

Ambient& TestAppliance::real() {
    static RealAmbient machine;
    return machine;
}

TestAppliance::TestAppliance(std::vector<TestOption> options, Ambient& machine)
    : options_(std::move(options)),
      ambient_(machine),
      log_({.level = std::getenv("STRATOLET_TEST_LOG") ? Log::Level::Debug : Log::Level(99)}) {
    build();
}

TestAppliance::~TestAppliance() = default;

void TestAppliance::build() {
    Settings settings;
    settings.sandbox = true;
    settings.stateDir = folder_.path();
    settings.durable = false;
    settings.adminPassword = "secret";
    settings.listen = {{"127.0.0.1", 0}};
    settings.config.set("identity", "password_hash_rounds", "4", "test");
    std::filesystem::create_directories(folder_ / "policy");
    settings.config.set("DEFAULT", "policy_dir", (folder_ / "policy").string(), "test");
    settings.config.set("compute", "reclaim_instance_interval", "0", "test"); // what is deleted is gone
    settings.config.set("DEFAULT", "endpoint", "http://cloud.test/", "test"); // never what a client calls it
    for (const auto& each : options_) settings.config.set(each.section, each.key, each.value, "test");
    auto drivers = driversFor(settings, folder_.path(), {.id = "of the test", .epoch = 1, .host = "host"}, log_);
    hypervisor_ = dynamic_cast<compute::SimulatedHypervisor*>(drivers.hypervisor.get());
    for (const auto& each : drivers.others)
        others_[each.name] = dynamic_cast<compute::SimulatedHypervisor*>(each.hypervisor.get());
    network_ = dynamic_cast<network::RecordsNetworkDriver*>(drivers.network.get());
    network_->reaches(reached_);
    appliance_ = std::make_unique<Appliance>(std::move(settings), ambient_, log_, std::move(drivers));
    appliance_->start();
}

Answer TestAppliance::asks(http::Method method, const std::string& path, const std::string& body, HeaderList headers,
                           const std::string& token) {
    http::Request request;
    request.method = method;
    const auto question = path.find('?');
    request.path = path.substr(0, question);
    if (question != std::string::npos) request.queryText = path.substr(question + 1);
    request.body = body;
    request.headers.add("Host", "somewhere.test");
    if (!token.empty()) request.headers.add("X-Auth-Token", token);
    for (const auto& [name, value] : headers) request.headers.set(name, value);
    if (!body.empty() && !request.headers.has("Content-Type")) request.headers.add("Content-Type", "application/json");
    request.contentLength = body.size();
    auto response = appliance_->server().handle(std::move(request));
    Answer answer{response.status, std::move(response.headers), std::move(response.body)};
    if (response.file) {
        answer.body.resize(response.file->length);
        if (::pread(response.file->fd.get(), answer.body.data(), answer.body.size(),
                    static_cast<off_t>(response.file->offset)) < 0)
            throw std::runtime_error("pread");
    }
    if (response.source)
        for (auto piece = response.source->next(); !piece.empty(); piece = response.source->next())
            answer.body += piece;
    // What links begin with is the configured address, never what the client calls us (S38), whatever the test is
    // about.
    auto said = answer.body;
    for (const auto& [name, value] : answer.headers) said += value;
    const auto asked = path + "\n" + body; // what stood in there may come back
    if (said.find("somewhere.test") != std::string::npos && asked.find("somewhere.test") == std::string::npos)
        throw std::runtime_error("an answer names the Host of its request: " + said);
    // Of the host a refusal says nothing (S28), whatever the test is about.
    const auto folder = folder_.path().string();
    if (answer.status >= 400 && answer.body.find(folder) != std::string::npos &&
        asked.find(folder) == std::string::npos)
        throw std::runtime_error("a refusal names a folder of the host: " + answer.body);
    return answer;
}

std::string TestAppliance::logsIn(const std::string& name, const std::string& password, const std::string& project) {
    const auto answer = asks(http::Method::Post, "/identity/v3/auth/tokens", loginBody(name, password, project));
    if (answer.status != 201) throw std::runtime_error("login refused: " + answer.body);
    return std::string(answer.headers["X-Subject-Token"]);
}

Member TestAppliance::admin() {
    Member admin;
    admin.appliance = this;
    admin.name = "admin";
    admin.password = "secret";
    admin.token = logsIn("admin", "secret", "admin");
    const auto token =
        admin.gets("/identity/v3/auth/tokens", {{"X-Subject-Token", admin.token}}).json().object("token");
    admin.user = token.object("user").text("id");
    admin.project = token.object("project").text("id");
    return admin;
}

Member TestAppliance::member(const std::string& name, const std::string& role) {
    const auto root = admin();
    Member peer;
    peer.name = name;
    peer.project =
        idIn(root.posts("/identity/v3/projects", R"({"project":{"name":)" + jsonText(name) + "}}"), "project");
    return colleague(peer, name, role);
}

Member TestAppliance::colleague(const Member& peer, const std::string& name, const std::string& role) {
    const auto root = admin();
    Member made;
    made.appliance = this;
    made.name = name;
    made.password = "password of " + name;
    made.project = peer.project;
    made.user = idIn(root.posts("/identity/v3/users", R"({"user":{"name":)" + jsonText(name) + R"(,"password":)" +
                                                          jsonText(made.password) + "}}"),
                     "user");
    const auto roles = root.gets("/identity/v3/roles?name=" + role).json().array("roles").items();
    if (roles.size() != 1) throw std::runtime_error("no role " + role);
    root.puts("/identity/v3/projects/" + made.project + "/users/" + made.user + "/roles/" + roles[0].text("id"), "");
    made.token = logsIn(made.name, made.password, peer.name);
    return made;
}

void TestAppliance::settle() {
    for (const auto until = std::chrono::steady_clock::now() + 20s; std::chrono::steady_clock::now() < until;) {
        if (!appliance_->jobs().settle(20s) || !appliance_->bus().settle(20s)) break;
        if (appliance_->jobs().settle(0ms)) return; // a fact may have made a job
    }
    throw std::runtime_error("jobs or facts are left after 20 s");
}

void TestAppliance::restart(const std::function<void()>& meanwhile) {
    appliance_.reset();
    if (meanwhile) meanwhile();
    build();
}

std::int64_t TestAppliance::announced(std::string_view fact) {
    return appliance_->bus().announced(appliance_->store().reader(), fact);
}

}
