#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <ostream>
#include <thread>
#include <vector>

#include <stratolet/error.hpp>

#include "appliance/operator/commands.hpp"
#include "appliance/operator/local_cloud.hpp"
#include "appliance/operator/table.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/os/temporary_folder.hpp"

// A guest from nothing, as a user would make it through the API, with the time of each step.

namespace stratolet {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto patience = 5min; // for each thing to become what it should

/// One step as it was done.
struct Step {
    std::string what, came;
    std::int64_t micros = 0;
};

class Demonstration {
public:
    Demonstration(const Asked& asked, bool keep) : asked_(asked), cloud_(asked.stateDir), keep_(keep) {
        name_ = "demo-" + RealAmbient().hexId().substr(0, 8);
    }

    int run(const std::string& image) {
        std::string problem;
        try {
            boot(image);
        } catch (const Error& failed) {
            problem = failed.what();
        }
        if (!keep_) cleanUp(problem);
        finish(problem);
        return problem.empty() ? 0 : 1;
    }

private:
    /// Does it, tells its time, and gives back what came of it.
    std::string step(const std::string& what, const std::function<std::string()>& work) {
        const auto began = Clock::now();
        Step done{what, work()};
        done.micros = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began).count();
        steps_.push_back(done);
        if (!asked_.json)
            asked_.out << done.what << ": " << done.came << "  " << durationText(done.micros) << std::endl;
        return done.came;
    }

    std::string made(const std::string& path, const std::string& noun, const std::string& body) {
        const auto id = cloud_.asks("POST", path, body).object(noun).text("id");
        return id;
    }

    /// Looks until `state` says that it is there, and throws what it says when it never will be.
    void await(const std::string& what, const std::function<std::string()>& state, const std::string& wanted) {
        const auto until = Clock::now() + patience;
        for (auto pause = 2ms; Clock::now() < until; pause = std::min<std::chrono::milliseconds>(pause * 2, 200ms)) {
            const auto now = state();
            if (now == wanted) return;
            if (now == "ERROR" || now == "error" || now == "killed")
                throw Error(Failure::Invalid, what, " went to ", now, "; \"stratolet why ", name_, "\" tells why");
            std::this_thread::sleep_for(pause);
        }
        throw Error(Failure::TimedOut, what, " was not ", wanted, " within ",
                    std::chrono::duration_cast<std::chrono::seconds>(patience).count(), " s");
    }

    void undo(const std::string& path) { undoes_.push_back(path); }

    std::string imageFor(const std::string& wanted) {
        const auto images = cloud_.gets("/image/v2/images?status=active&limit=100").array("images").items();
        for (const auto& each : images)
            if (wanted.empty() || cell(each, "name") == wanted || cell(each, "id") == wanted) {
                image_ = cell(each, "id");
                return cell(each, "name") + " (" + image_ + ")";
            }
        if (!wanted.empty())
            throw Error(Failure::Invalid, "there is no active image \"", wanted,
                        "\"; \"openstack image list\" names them");
        if (cloud_.gets("/operator/v1/status").text("kind") != "sandbox")
            throw Error(Failure::Invalid,
                        "there is no image to boot: \"stratolet image fetch cirros\" gets a small one, or "
                        "name a file with \"openstack image create --disk-format qcow2 --file FILE x\"");
        image_ = cloud_
                     .asks("POST", "/image/v2/images",
                           R"({"name":)" + jsonText(name_) + R"(,"disk_format":"raw","container_format":"bare"})")
                     .text("id");
        undo("/image/v2/images/" + image_);
        const TemporaryFolder folder("stratolet-demo");
        std::ofstream(folder.path() / "disk") << std::string(1 << 20, '\0');
        cloud_.sends("/image/v2/images/" + image_ + "/file", folder.path() / "disk");
        return name_ + " (" + image_ + "), an empty disk for a simulated guest";
    }

    /// The smallest one that the image fits into is the first of those that there are.
    std::string flavor() {
        const auto flavors =
            cloud_.gets("/compute/v2.1/flavors?sort_key=memory_mb&sort_dir=asc&minDisk=1").array("flavors").items();
        if (flavors.empty()) throw Error(Failure::Invalid, "there is no flavor with a disk");
        flavor_ = flavors.front().text("id");
        return flavors.front().text("name");
    }

    std::string network() {
        network_ = made("/network/v2.0/networks", "network", R"({"network":{"name":)" + jsonText(name_) + "}}");
        undo("/network/v2.0/networks/" + network_);
        made("/network/v2.0/subnets", "subnet",
             R"({"subnet":{"ip_version":4,"cidr":"10.199.199.0/24","network_id":")" + network_ + "\"}}");
        return "10.199.199.0/24 on " + network_;
    }

    std::string server() {
        server_ = made("/compute/v2.1/servers", "server",
                       R"({"server":{"name":)" + jsonText(name_) + R"(,"imageRef":")" + image_ + R"(","flavorRef":")" +
                           flavor_ + R"(","networks":[{"uuid":")" + network_ + "\"}]}}");
        undo("/compute/v2.1/servers/" + server_);
        return server_;
    }

    Json shown() { return cloud_.gets("/compute/v2.1/servers/" + server_).object("server"); }

    std::string boots() {
        await(
            "the server", [this] { return shown().text("status"); }, "ACTIVE");
        std::string addresses;
        const auto all = shown().object("addresses");
        for (const auto& network : all.names())
            for (const auto& each : all.array(network).items()) addresses += " " + each.text("addr");
        return "active at" + addresses;
    }

    std::string console() {
        const auto text =
            cloud_
                .asks("POST", "/compute/v2.1/servers/" + server_ + "/action", R"({"os-getConsoleOutput":{"length":5}})")
                .text("output");
        return std::to_string(text.size()) + " bytes in its last lines";
    }

    void boot(const std::string& image) {
        step("token", [this] { return cloud_.becomesAdministrator(), std::string("of the administrator"); });
        step("image", [&] { return imageFor(image); });
        step("flavor", [this] { return flavor(); });
        step("network", [this] { return network(); });
        step("server asked for", [this] { return server(); });
        step("server", [this] { return boots(); });
        step("console", [this] { return console(); });
    }

    bool isGone(const std::string& path) {
        try {
            cloud_.gets(path);
            return false;
        } catch (const Error& problem) {
            if (problem.failure() != Failure::NotFound) throw;
            return true;
        }
    }

    void remove(const std::string& path) {
        cloud_.asks("DELETE", path);
        await(
            path, [&] { return isGone(path) ? "gone" : "there"; }, "gone");
    }

    /// What could not be taken away is told, and all else goes.
    void cleanUp(std::string& problem) {
        while (!undoes_.empty()) {
            const auto path = std::move(undoes_.back());
            undoes_.pop_back();
            try {
                step("away", [&] { return remove(path), path; });
            } catch (const Error& failed) {
                problem += (problem.empty() ? "" : "; ") + path + " is left: " + failed.what();
            }
        }
    }

    void finish(const std::string& problem) {
        std::int64_t micros = 0;
        for (const auto& each : steps_) micros += each.micros;
        if (!asked_.json) {
            if (!problem.empty()) return void(asked_.out << "it did not go: " << problem << '\n');
            asked_.out << "all of it: " << durationText(micros) << '\n';
            if (keep_) asked_.out << "kept: server and network " << name_ << "; \"stratolet why " << name_ << "\"\n";
            return;
        }
        printed(asked_, written([&](JsonWriter& out) {
                    const auto body = out.object();
                    out.field("name", name_);
                    out.field("problem", problem);
                    out.field("microseconds", micros);
                    const auto items = out.array("steps");
                    for (const auto& each : steps_) {
                        const auto item = out.object();
                        out.field("step", each.what);
                        out.field("result", each.came);
                        out.field("microseconds", each.micros);
                    }
                }));
    }

    const Asked& asked_;
    LocalCloud cloud_;
    const bool keep_;
    std::string name_, image_, flavor_, network_, server_;
    std::vector<Step> steps_;
    std::vector<std::string> undoes_; ///< paths, the last one goes first
};

}

int demonstrate(const Asked& asked, const std::string& image, bool keep) {
    return Demonstration(asked, keep).run(image);
}

}
