#include "identity/organisation/project.hpp"

#include "identity/noun.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {

using namespace resource;

namespace {

/// They come joined by commas, which no tag has in it.
void loadTags(Project& project, const store::Row& row, int column) {
    if (const auto joined = row.maybeText(column))
        for (const auto each : split(*joined, ',')) project.tags.emplace(each);
}

Attribute<Project> tags() {
    auto made = computed<Project>("tags", Kind::Other, Post | Put | Show, [](JsonWriter& out, const Project& it) {
        const auto list = out.array();
        for (const auto& each : it.tags) out.value(each);
    });
    made.load = loadTags;
    made.expression = "(SELECT group_concat(tag) FROM project_tags WHERE project_id = $.id)";
    made.read = [](Project& it, const Json& value, const Reading&) { it.tags = tagsIn(value); };
    return made;
}

/// Shown as a domain, it is in nothing.
std::vector<Attribute<Project>> attributes(bool asDomain) {
    const unsigned place = Find | (asDomain ? 0U : Show);
    return {attribute<&Project::id>("id", Show),
            named<&Project::name, 64>("name", Post | Put | Show | Find | Needed).foundBy(nameKey),
            attribute<&Project::description>("description", Post | Put | Show | Find),
            attribute<&Project::enabled>("enabled", Post | Put | Show | Find),
            attribute<&Project::domain>("domain_id", place).shown([](JsonWriter& out, const Project& it) {
                it.isDomain ? out.value(nullptr) : out.value(it.domain);
            }),
            maybe<&Project::parent>("parent_id", place).shown([](JsonWriter& out, const Project& it) {
                it.isDomain ? out.value(nullptr) : out.value(it.parent);
            }),
            attribute<&Project::isDomain>("is_domain", place).readByHook(),
            tags(),
            options<Project>(
                [](Project& it, const Json& given) { it.options = mergedOptions(it.options, given, {"immutable"}); }),
            extra<Project>(),
            computed<Project>("links", Kind::Other, Unasked),
            computed<Project>("domain", Kind::Other, 0),
            computed<Project>("explicit_domain_id", Kind::Other, 0),
            created<Project>(),
            foldedNameOf<Project>()};
}

const Table<Project> domainView("projects", 'p', attributes(true));

}

const Table<Project> projectTable("projects", 'p', attributes(false));

std::set<std::string> tagsIn(const Json& list) {
    if (!list.isArray()) list.refuse("It must be a list.");
    std::set<std::string> tags;
    for (const auto& each : list.items())
        if (!tags.insert(checkedTag(each.text())).second) each.refuse("It is there twice.");
    if (tags.size() > tagsMax) list.refuse("There may be at most 80 tags.");
    return tags;
}

std::string checkedTag(const std::string& tag) {
    if (tag.empty() || lengthInCharacters(tag) > 255 || tag.find_first_of("/,") != std::string::npos)
        throw Error(Failure::Invalid,
                    "Invalid input for field 'tags': a tag has 1 to 255 characters, and no slash or comma.");
    return tag;
}

Project demandDomain(store::Reader& db, const DomainId& id) {
    auto domain = projectTable.find(db, id.text);
    if (!domain || !domain->isDomain) throw Error(Failure::NotFound, "Could not find domain: ", id, ".");
    return *std::move(domain);
}

void takeProject(Project& project, const Json& body, Use when) { take(project, projectTable, body, when); }

void writeProject(JsonWriter& out, const http::Request& request, const Project& project, const std::string& more) {
    const bool asDomain = request.route->pattern.starts_with("/v3/domains");
    const auto object = out.object();
    showFields(out, asDomain ? domainView : projectTable, project, request);
    writeExtra(out, more);
    writeSelf(out, request, (asDomain ? "domains/" : "projects/") + project.id.text);
}

}
