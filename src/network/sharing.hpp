#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "network/core.hpp"
#include "resource/table.hpp"

// Who may see and use a thing beside its project: those that an RBAC policy names. Rows of rbac_policies are the only
// place that says it; the column "shared" of a kind's table, which says that one of them is for everybody, follows
// here.

namespace stratolet::network {

inline constexpr std::string_view accessShared = "access_as_shared", accessExternal = "access_as_external";
inline constexpr std::string_view everybody = "*"; ///< as a policy's target

/// With whom a thing is shared, as a row of its table tells.
struct Sharing {
    bool withAll = false;
    std::string with; ///< further projects, each with a comma before and behind it; empty: none

    bool to(std::string_view project) const { return withAll || names(with, project); }
    static bool names(std::string_view projects, std::string_view project) {
        return !project.empty() && projects.find("," + std::string(project) + ",") != std::string_view::npos;
    }
};

/// A kind of thing that can be shared.
struct Shareable {
    std::string_view type; ///< as policies name it
    std::string_view table;
    std::string_view users; ///< SQL: the projects of what uses the thing ?1; empty: nothing does
    Error (*missing)(const std::string& id);
    std::string_view noun = {}; ///< as the rule for seeing one has it; empty: the type
};
const Shareable* shareableNamed(std::string_view type); ///< null where there is no such kind
std::string shareableTypes();                           ///< with commas, for people

/// "shared" as the caller sees it, and the column behind it; `uses` beside Show and Find.
template <class Record> std::vector<resource::Attribute<Record>> sharingAttributes(unsigned uses);

/// SQL of the ways in which one of a kind that is shared concerns a caller.
inline constexpr std::array<std::string_view, 3> ownOrShared{
    "$.project = ?", "$.shared AND $.project <> ?",
    "NOT $.shared AND $.project <> ? AND $.id IN (SELECT object FROM rbac_policies WHERE target = ? AND action = "
    "'access_as_shared')"};

/// Finds what is shared with the caller, or what isn't, in lists of `table`: of things that can be shared, and of what
/// is on networks. False where they know no such word.
bool filterShared(store::Conditions& conditions, const resource::TableText& table, const identity::Caller& caller,
                  bool wanted);

/// Tells policy: "shared", and for whom else than everybody `mayOn` (wire.hpp) takes that for true.
void tellSharing(Target& target, const Sharing& sharing);

/// What policy knows of a thing that it knows the project and the sharing of.
Target ownedAndShared(const std::string& project, const Sharing& sharing);
template <class Record> std::vector<About> aboutShared(store::Reader&, const std::vector<Record>& all) {
    return aboutEach(
        all,
        [](const Record& each) {
            return std::tuple(std::string_view(each.standard.project), each.sharing.withAll,
                              std::string_view(each.sharing.with));
        },
        [](const Record& each) { return ownedAndShared(each.standard.project, each.sharing); });
}

/// What is kept beside the policies about the object, and the host, follow a change of those.
void followPolicies(Core& core, store::Transaction& tx, const Shareable& kind, const std::string& object);

/// Notes that the object is shared; nothing new where it is already.
void share(Core& core, store::Transaction& tx, const Shareable& kind, const std::string& object,
           const std::string& project, std::string_view action = accessShared, std::string_view target = everybody);

/// Takes that back. Error(Conflict) where a project that nothing else gives access uses the thing.
void withdraw(Core& core, store::Transaction& tx, const Shareable& kind, const std::string& object,
              std::string_view action, std::string_view target);

/// Error(Conflict) where a project that no policy gives this access uses the thing.
void checkUsersAreServed(store::Reader& db, const Shareable& kind, const std::string& object, std::string_view action);

/// Follows the attribute "shared" of a new or changed thing.
void followShared(Core& core, store::Transaction& tx, std::string_view type, const std::string& object,
                  const std::string& project, bool before, bool after, std::string_view action = accessShared);

void addRbacPolicyRoutes(http::Routes& routes, Core& core);

/// "shared", as whoever asks sees it, where they ask for that field.
void showShared(JsonWriter& out, const Sharing& sharing, const http::Request& request);

template <class Record> std::vector<resource::Attribute<Record>> sharingAttributes(unsigned uses) {
    using namespace resource;
    return {attribute<&Record::sharing, &Sharing::withAll>("shared", uses | Show | Find | Moves)
                .written([](JsonWriter& out, const Record& record, const http::Request& request) {
                    showShared(out, record.sharing, request);
                }),
            column<&Record::sharing, &Sharing::with>("shared_with")
                .computed("coalesce((SELECT ',' || group_concat(b.target, ',') || ',' FROM rbac_policies b WHERE "
                          "b.object = $.id AND b.action = 'access_as_shared' AND b.target <> '*'), '')")};
}

}
