#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stratolet/error.hpp>

#include "appliance/appliance.hpp"
#include "identity/directory/user.hpp"
#include "identity/organisation/project.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/http/http.hpp"
#include "platform/json/json.hpp"

namespace stratolet {

/// The origin of the operator's socket (Server::listenLocally), and its file in the state directory.
inline constexpr std::string_view operatorOrigin = "operator", operatorSocket = "operator.sock";

/// What the operator's routes look at; all of it outlives the server that they are added to.
struct OperatorParts {
    const Settings& settings;
    const std::filesystem::path& stateDir;
    const ThisCloud& cloud;
    Ambient& ambient;
    store::Store& store;
    jobs::Jobs& jobs;
    Reconciler& reconciler;
    Drivers& drivers;
    http::Server& server;
    const std::string& endpoint;                                              ///< the cloud's public address
    std::function<std::vector<std::pair<std::string, std::string>>()> health; ///< each part's name and complaint
    /// The administrator's password is this from now on: it stands in the files that have it.
    std::function<void(const std::string& password)> administratorHas;
};

/// The routes below /operator/v1: what the commands of the program show and do. Reached by the operator's socket alone,
/// whose peers are root or the cloud's own user, and therefore asked for no token.
http::Site operatorSite(const OperatorParts& parts);

/// A token as the user's login with this project would give, without a proof of who asks: for whom the host's owner
/// lets in. Error(Conflict) where they would get none.
std::string tokenFor(const OperatorParts& parts, const identity::User& user, const identity::Project& project);

/// What a refusal of any of our services says, without its envelope, and what kind of a refusal it is.
std::string saidIn(int status, std::string_view text);
Failure failureOf(int status);

/// Speaks the API in the administrator's name within this process, on a thread that may wait: rules, quotas and records
/// are as if they had.
class AsAdministrator {
public:
    /// Error(Conflict) where there is no such user or project any more, or they are disabled.
    explicit AsAdministrator(const OperatorParts& parts);

    /// The answer's body, whole; `path` may have "{project}". Error of the answer's own kind and words where it is no
    /// success.
    Json asks(http::Method method, std::string path, std::string body = "",
              const std::vector<std::pair<std::string, std::string>>& headers = {}) const;
    Json gets(std::string path, const std::vector<std::pair<std::string, std::string>>& headers = {}) const {
        return asks(http::Method::Get, std::move(path), "", headers);
    }

    const std::string& token() const { return token_; }
    const std::string& project() const { return project_; }

private:
    http::Server& server_;
    std::string token_, project_;
};

// What each file of this folder adds.
void addStatusRoutes(http::Routes& routes, const OperatorParts& parts);
void addJobRoutes(http::Routes& routes, const OperatorParts& parts);
void addStoryRoutes(http::Routes& routes, const OperatorParts& parts);
void addHostRoutes(http::Routes& routes, const OperatorParts& parts);
void addAccessRoutes(http::Routes& routes, const OperatorParts& parts);
void addRepairRoutes(http::Routes& routes, const OperatorParts& parts);

/// Of these routes: nobody is asked who they are, since the socket has.
inline http::Access byTheSocket() { return http::open("the socket lets in root and our own user alone"); }

/// Names, rules and places of all routes: {"routes": [{service, method, path, rule, open}]}.
void writeRouteTable(JsonWriter& out, const std::vector<http::Site>& sites);

/// With microseconds; null where there is none.
void writeTime(JsonWriter& out, std::string_view name, const std::optional<Time>& time);

/// {"jobs": […]}, or one job.
void writeJobs(JsonWriter& out, const std::vector<jobs::JobRecord>& jobs);
void writeJob(JsonWriter& out, const jobs::JobRecord& job);

}
