#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "identity/caller.hpp"
#include "identity/core.hpp"
#include "platform/http/http.hpp"
#include "platform/store/store.hpp"
#include "resource/listing.hpp"

namespace stratolet::identity {

/// A project, or a domain: a domain is a project that is its own domain and has no parent.
struct Project {
    static constexpr std::string_view noun = "project", path = "projects";
    ProjectId id;
    std::string name;
    DomainId domain;
    ProjectId parent;
    bool isDomain = false;
    bool enabled = true;
    std::string description;
    std::string options = "{}"; ///< JSON object
    std::string extra = "{}";   ///< JSON object: attributes that are only kept
    std::set<std::string> tags = {};
    Time created = {}; ///< of a new one only: it isn't read back
};

extern const resource::Table<Project> projectTable; ///< what is true of each attribute; its alias is p
void takeProject(Project& project, const Json& body,
                 resource::Use when); ///< what a body gives; Error(Invalid) naming the field

/// At most 80 tags of 1 to 255 characters, none of them twice; Error(Invalid) otherwise.
std::set<std::string> tagsIn(const Json& list);
std::string checkedTag(const std::string& tag);
constexpr std::size_t tagsMax = 80;

/// Error(NotFound) where there is no domain of this id: what is no domain of its own is none.
Project demandDomain(store::Reader& db, const DomainId& id);

namespace project_table {
std::optional<Project> findByName(store::Reader& db, const DomainId& domain, const std::string& name);
std::optional<Project> findDomainByName(store::Reader& db, const std::string& name);
std::vector<Project> list(store::Reader& db, const store::Conditions& conditions); ///< the oldest first
void insert(store::Transaction& tx, Project project, Time now);                    ///< with its tags
void update(store::Transaction& tx, const Project& project);                       ///< with its tags
void remove(store::Transaction& tx,
            const ProjectId& id); ///< with its assignments; it is nobody's default project any more
void filterByTags(store::Conditions& conditions, const http::Query& query); ///< tags, tags-any, not-tags, not-tags-any
std::vector<ProjectId> children(store::Reader& db, const ProjectId& id);

/// The projects that this one is in, nearest first, and those that are in it: those only on which `user` has a role.
std::vector<Project> above(store::Reader& db, const ProjectId& id, const UserId& user, Time now);
std::vector<Project> below(store::Reader& db, const ProjectId& id, const UserId& user, Time now);
}

/// Projects and domains: who may, and what must hold.
class Projects {
public:
    Projects(Core& core, int depthMax) : core_(core), depthMax_(depthMax) {}

    Project create(const Caller& caller, Project wanted);
    Project show(const Caller& caller, const ProjectId& id, bool isDomain);
    std::vector<Project> list(const Caller& caller, const resource::Listing& listing);

    /// `change` gets the present project to alter. Error(Forbidden) where that is immutable, unless `releases`: the
    /// change is about that option and nothing else.
    Project update(const Caller& caller, const ProjectId& id, bool isDomain,
                   const std::function<void(Project&)>& change, bool releases = false);
    void remove(const Caller& caller, const ProjectId& id, bool isDomain);

private:
    Project demand(store::Reader& db, const ProjectId& id, bool isDomain);
    Project demand(const Caller& caller, store::Reader& db, const ProjectId& id, bool isDomain, Absence told);
    Core& core_;
    int depthMax_; // of the tree, the domain not counted
};

Target targetOf(const std::optional<Project>& project, bool isDomain);

/// As the API shows it; `request` gives the links their base, and says by its route whether a domain is shown as one.
/// `more` is a JSON object with further fields.
void writeProject(JsonWriter& out, const http::Request& request, const Project& project,
                  const std::string& more = "{}");
void addProjectRoutes(http::Routes& routes, Projects& projects, Core& core);

}
