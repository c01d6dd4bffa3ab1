#include "compute/server/server_query.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "compute/pattern.hpp"
#include "compute/server/server_attributes.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

// --- sorting

struct Sortable {
    SortName name;
    const ServerAttribute* attribute = nullptr;
};

std::optional<Sortable> sortableAs(std::string_view key) {
    for (const auto& attribute : serverAttributes())
        for (const auto& name : attribute.sorts)
            if (name.name == key) return Sortable{name, &attribute};
    return std::nullopt;
}

std::vector<store::SortKey> sortOf(const Call& call, bool admin) {
    const auto keys = call.request.query.all("sort_key"), directions = call.request.query.all("sort_dir");
    store::requireFewSortKeys(keys);
    std::vector<store::SortKey> order;
    for (std::size_t index = 0; index < keys.size(); ++index) {
        const auto found = sortableAs(keys[index]);
        if (!found || !call.since(found->name.since))
            throw Error(Failure::Invalid, "Invalid input for query parameters sort_key. Value: ", keys[index], ".");
        if (found->name.heard == Heard::Admins && !admin)
            throw Error(Failure::Forbidden, "Only administrators can sort servers by ", keys[index]);
        const bool descends = order.empty() || order.back().descending;
        const std::string direction = index < directions.size() ? directions[index] : descends ? "desc" : "asc";
        if (direction != "asc" && direction != "desc")
            throw Error(Failure::Invalid, "Invalid input for query parameters sort_dir. Value: ", direction, ".");
        order.push_back({found->attribute->sql(serverAlias), direction == "desc"});
    }
    if (order.empty()) order.push_back({"s.created", directions.empty() || directions.front() != "asc"});
    if (std::none_of(order.begin(), order.end(), [](const auto& key) { return key.expression == "s.id"; }))
        order.push_back({"s.id", order.back().descending});
    return order;
}

// --- filters

/// Those of the API reference's list ("List Servers") that aren't an attribute compared with a value.
constexpr std::pair<std::string_view, Heard> own[] = {
    {"status", Heard::All},
    {"ip", Heard::All},
    {"ip6", Heard::All},
    {"changes-since", Heard::All},
    {"changes-before", Heard::All},
    {"all_tenants", Heard::All},
    {"tags", Heard::All},
    {"tags-any", Heard::All},
    {"not-tags", Heard::All},
    {"not-tags-any", Heard::All},
    {"locked", Heard::All},
    {"limit", Heard::All},
    {"marker", Heard::All},
    {"sort_key", Heard::All},
    {"sort_dir", Heard::All},
    {"config_drive", Heard::AllSince83},
    {"deleted", Heard::Admins},
    {"project_id", Heard::Admins},
    {"tenant_id", Heard::Admins},
    {"auto_disk_config", Heard::Admins},
    {"disk_config", Heard::Admins},
    {"soft_deleted", Heard::Admins}, // those that wait to be reclaimed
    {"no_status", Heard::Admins}};   // means nothing, in compute either

/// All that there are, each once.
const std::vector<Filter>& filters() {
    static const auto made = [] {
        std::vector<Filter> all;
        for (const auto& [name, heard] : own) all.push_back({name, heard});
        for (const auto& attribute : serverAttributes())
            all.insert(all.end(), attribute.filters.begin(), attribute.filters.end());
        return all;
    }();
    return made;
}

/// A request's filters, by what this caller is heard on.
class Wanted {
public:
    Wanted(const Call& call, bool admin) : call_(call), admin_(admin) {
        for (const auto& [name, value] : call.request.query)
            if (call.since(75) && !filterNamed(name))
                throw Error(Failure::Invalid, "Invalid input for query parameters ", name,
                            ". Additional properties are not allowed ('", name, "' was unexpected)");
    }

    std::optional<std::string> find(std::string_view name, int since = versionMin) const {
        const auto* filter = filterNamed(name);
        const bool heard =
            filter->heard == Heard::All || admin_ || (filter->heard == Heard::AllSince83 && call_.since(83));
        return heard && call_.since(since) ? call_.request.query.find(name) : std::nullopt;
    }

private:
    static const Filter* filterNamed(std::string_view name) {
        const auto found =
            std::find_if(filters().begin(), filters().end(), [&](const Filter& each) { return each.name == name; });
        return found == filters().end() ? nullptr : &*found;
    }
    const Call& call_;
    bool admin_;
};

/// SQL of being in a status, as statusOf() has it; "0" for one that no server is ever in.
std::string inStatus(std::string_view status) {
    const auto listed = [](const std::vector<TaskState>& tasks) {
        std::string text;
        for (const auto task : tasks) text.append(text.empty() ? "'" : ", '").append(nameOf(task)) += '\'';
        return text;
    };
    std::string any;
    for (const auto& rule : statusRules()) {
        if (rule.status != status) continue;
        std::vector<TaskState> others; // that the state has another name in
        for (const auto& each : statusRules())
            if (each.vm == rule.vm) others.insert(others.end(), each.tasks.begin(), each.tasks.end());
        any.append(any.empty() ? "(vm_state = '" : " OR (vm_state = '").append(nameOf(rule.vm)) += '\'';
        if (!rule.tasks.empty())
            any += " AND task_state IN (" + listed(rule.tasks) + ")";
        else if (!others.empty())
            any += " AND coalesce(task_state, '') NOT IN (" + listed(others) + ")";
        any += ')';
    }
    return any.empty() ? "0" : any;
}

void addStatuses(store::Conditions& where, const Call& call) {
    std::set<std::string> words;
    for (auto& word : call.request.query.all("status")) {
        std::transform(word.begin(), word.end(), word.begin(),
                       [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
        if (call.since(38) && !isStatus(word)) throw Error(Failure::Invalid, "Invalid status value: ", word);
        if (isStatus(word)) words.insert(word);
    }
    if (!call.request.query.has("status")) return;
    std::string any;
    for (const auto& word : words) any.append(any.empty() ? "" : " OR ").append(inStatus(word));
    where.append(any.empty() ? "0" : any, {});
}

/// What "auto_disk_config" and "disk_config" say: the API's word or a truth.
std::string diskConfigIn(const std::string& value) {
    for (const char* word : {"AUTO", "MANUAL"})
        if (sameWithoutCase(value, word)) return word;
    return booleanOf("auto_disk_config", value) ? "AUTO" : "MANUAL";
}

void addConditions(const Call& call, ServerQuery& query, const Wanted& wanted) {
    auto& where = query.where;
    for (const auto& filter : filters()) {
        const auto value = filter.by == By::Own ? std::nullopt : wanted.find(filter.name);
        if (!value) continue;
        if (filter.by == By::Pattern) {
            query.patterns.push_back({filter.sql, std::make_shared<const Pattern>(*value)});
        } else if (filter.by == By::Equality) {
            where.add(filter.sql + " = ?", *value);
        } else if (const auto time = parseIsoTime(*value)) {
            where.add(filter.sql + " / 1000000 = ?", toMicros(*time) / 1000000);
        } else {
            where.add("0");
        }
    }
    for (const char* name : {"auto_disk_config", "disk_config"})
        if (const auto value = wanted.find(name)) where.add("disk_config = ?", diskConfigIn(*value));
    if (const auto locked = wanted.find("locked", 73)) where.add("(locked_by <> '') = ?", booleanOf("locked", *locked));
    if (const auto drive = wanted.find("config_drive"))
        where.add("config_drive = ?", !drive->empty() && booleanOf("config_drive", *drive));
    const auto waits = wanted.find("soft_deleted");
    query.softDeletedToo = waits || wanted.find("uuid") || wanted.find("vm_state");
    for (const auto& status : call.request.query.all("status"))
        query.softDeletedToo = query.softDeletedToo || sameWithoutCase(status, "soft_deleted");
    if (waits) where.add("(soft_deleted IS NOT NULL) = ?", booleanOf("soft_deleted", *waits));
}

}

ServerQuery serverQueryIn(const Call& call, bool whole) {
    const bool admin = call.caller.may("os_compute_api:servers:allow_all_filters", {});
    const Wanted wanted(call, admin);
    ServerQuery query;
    const Page page = pageOf(call.request.query);
    query.limit = page.limit;
    query.marker = page.marker;
    query.sort = sortOf(call, admin);
    if (const auto all = wanted.find("all_tenants")) query.allProjects = all->empty() || booleanOf("all_tenants", *all);
    if (query.allProjects)
        call.caller.enforce(whole ? "os_compute_api:servers:detail:get_all_tenants"
                                  : "os_compute_api:servers:index:get_all_tenants",
                            {});
    for (const char* name :
         {"project_id", "tenant_id"}) // without all_tenants they mean nothing, as in compute since ever
        if (const auto project = wanted.find(name); project && query.allProjects) query.project = ProjectId{*project};
    const auto changes = call.changes();
    query.changedSince = changes.since;
    query.changedBefore = changes.before;
    if (const auto deleted = wanted.find("deleted")) query.deleted = booleanOf("deleted", *deleted);
    for (const auto& status : call.request.query.all("status")) {
        if (!sameWithoutCase(status, "deleted")) continue;
        if (!admin) throw Error(Failure::Forbidden, "Only administrators may list deleted instances");
        query.deleted = true;
    }
    addConditions(call, query, wanted);
    addStatuses(query.where, call);
    for (const bool six : {false, true})
        if (const auto address = wanted.find(six ? "ip6" : "ip", six ? 5 : versionMin))
            query.addresses.push_back({six ? 6 : 4, [it = std::make_shared<const Pattern>(*address)](
                                                        const std::string& text) { return it->matches(text); }});
    if (call.since(26)) {
        const auto tags = [&](const char* name) {
            std::vector<std::string> all;
            if (const auto given = call.request.query.find(name))
                for (const auto tag : split(*given, ',')) all.emplace_back(tag);
            if (all.size() > 50)
                throw Error(Failure::Invalid, "Invalid input for query parameters ", name, ". It has too many tags.");
            return all;
        };
        query.tags = tags("tags");
        query.tagsAny = tags("tags-any");
        query.notTags = tags("not-tags");
        query.notTagsAny = tags("not-tags-any");
    }
    return query;
}

}
