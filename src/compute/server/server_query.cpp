#include "compute/server/server_query.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "compute/pattern.hpp"
#include "compute/server/server_attributes.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

Time timeOf(std::string_view name, const std::string& text) {
    const auto time = parseIsoTime(text);
    if (!time)
        throw Error(Failure::Invalid, "Invalid input for query parameters ", name, ". Value: ", text,
                    ". It is not a 'date-time'");
    return *time;
}

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
    {"soft_deleted", Heard::Admins}, // those that wait to be reclaimed: there are none
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

/// What makes a server's status, as statusOf() has it.
struct StatusRule {
    std::string_view status, sql;
};
constexpr auto statusRules = std::to_array<StatusRule>(
    {{"BUILD", "vm_state = 'building'"},
     {"ACTIVE", "vm_state = 'active' AND coalesce(task_state, '') NOT IN ('rebooting', 'rebooting_hard')"},
     {"REBOOT", "vm_state = 'active' AND task_state = 'rebooting'"},
     {"HARD_REBOOT", "vm_state = 'active' AND task_state = 'rebooting_hard'"},
     {"SHUTOFF", "vm_state = 'stopped'"},
     {"ERROR", "vm_state = 'error'"},
     {"DELETED", "vm_state = 'deleted'"}});

void addStatuses(store::Conditions& where, const Call& call) {
    std::vector<std::string> words = call.request.query.all("status");
    if (words.empty()) return;
    std::string any;
    for (auto& word : words) {
        std::transform(word.begin(), word.end(), word.begin(),
                       [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
        if (call.since(38) && !isStatus(word)) throw Error(Failure::Invalid, "Invalid status value: ", word);
        const auto* rule =
            std::find_if(statusRules.begin(), statusRules.end(), [&](const auto& each) { return each.status == word; });
        if (rule == statusRules.end() || any.find(rule->sql) != std::string::npos) continue;
        any.append(any.empty() ? "" : " OR ").append(rule->sql);
    }
    where.append(any.empty() ? "0" : any, {});
}

/// What "auto_disk_config" and "disk_config" say: the API's word or a truth.
std::string diskConfigIn(const std::string& value) {
    for (const char* word : {"AUTO", "MANUAL"})
        if (sameWithoutCase(value, word)) return word;
    return booleanOf("auto_disk_config", value) ? "AUTO" : "MANUAL";
}

void addConditions(ServerQuery& query, const Wanted& wanted) {
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
    if (const auto drive = wanted.find("config_drive"); drive && !drive->empty() && booleanOf("config_drive", *drive))
        where.add("0");
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
    if (const auto since = wanted.find("changes-since")) query.changedSince = timeOf("changes-since", *since);
    if (const auto before = wanted.find("changes-before", 66)) query.changedBefore = timeOf("changes-before", *before);
    if (query.changedSince && query.changedBefore && *query.changedSince > *query.changedBefore)
        throw Error(Failure::Invalid, "The value of changes-since must be less than or equal to changes-before.");
    if (const auto deleted = wanted.find("deleted")) query.deleted = booleanOf("deleted", *deleted);
    for (const auto& status : call.request.query.all("status")) {
        if (!sameWithoutCase(status, "deleted")) continue;
        if (!admin) throw Error(Failure::Forbidden, "Only administrators may list deleted instances");
        query.deleted = true;
    }
    addConditions(query, wanted);
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
