#include "identity/directory/directory.hpp"

#include <algorithm>
#include <set>

#include "identity/directory/group.hpp"
#include "identity/directory/ldap.hpp"
#include "platform/log/log.hpp"
#include "platform/reconcile/reconciler.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

/// The reconciler's part that makes the copies like what the directories have.
const std::string directoriesPart = "identity.directories";

bool isTrue(std::string_view text) { return plainTruthOf(text).value_or(false); }

/// The domain and the name that a login's body gives; nothing where it gives an id, or a domain that does not exist.
std::optional<std::pair<DomainId, std::string>> nameIn(const Json& reference, store::Reader& db) {
    const auto name = reference.maybeText("name");
    const auto domain = reference.find("domain");
    if (!name || !domain) return std::nullopt;
    const auto id = domain->maybeText("id");
    const auto found = id ? projectTable.find(db, {*id}) : project_table::findDomainByName(db, domain->text("name"));
    if (!found || !found->isDomain) return std::nullopt;
    return std::pair(DomainId{found->id.text}, *name);
}

/// A user or a group as the directory has it.
struct Found {
    std::string localId, name, dn;
    bool enabled = true;
    std::string description, mail;
    std::vector<std::string> members; ///< of a group: DNs, or ids where the setting group_members_are_ids says so
};

std::string baseOf(const DirectorySettings& settings, std::string_view treeOption, std::string_view unit) {
    const auto& tree = settings.find(treeOption)->second;
    return tree.empty() ? std::string(unit) + "," + settings.at("suffix") : tree;
}

std::string filterOf(const std::string& objectClass, std::string filter, const std::string& more = "") {
    if (!filter.empty() && filter.front() != '(') filter = "(" + filter + ")";
    return "(&(objectClass=" + ldap::inFilter(objectClass) + ")" + filter + more + ")";
}

Found userFrom(const ldap::Entry& entry, const DirectorySettings& settings) {
    Found user;
    user.dn = entry.dn;
    user.localId = entry.first(settings.at("user_id_attribute"));
    user.name = entry.first(settings.at("user_name_attribute"));
    user.mail = entry.first(settings.at("user_mail_attribute"));
    user.description = entry.first(settings.at("user_description_attribute"));
    user.enabled = isEnabledInDirectory(entry.first(settings.at("user_enabled_attribute")), settings);
    return user;
}

/// Entries without an id or a name are nobody to us.
template <class Make> std::vector<Found> usable(const std::vector<ldap::Entry>& entries, Make make) {
    std::vector<Found> found;
    for (const auto& each : entries)
        if (Found one = make(each); !one.localId.empty() && !one.name.empty()) found.push_back(std::move(one));
    return found;
}

std::vector<Found> findUsers(ldap::Connection& server, const DirectorySettings& settings,
                             const std::string& more = "") {
    std::vector<std::string> wanted;
    for (const auto* each : {"user_id_attribute", "user_name_attribute", "user_mail_attribute",
                             "user_description_attribute", "user_enabled_attribute"})
        wanted.push_back(settings.at(each));
    return usable(server.find({.base = baseOf(settings, "user_tree_dn", "ou=Users"),
                               .subtree = settings.at("query_scope") == "sub",
                               .filter = filterOf(settings.at("user_objectclass"), settings.at("user_filter"), more),
                               .attributes = std::move(wanted)}),
                  [&](const ldap::Entry& entry) { return userFrom(entry, settings); });
}

std::vector<Found> findGroups(ldap::Connection& server, const DirectorySettings& settings) {
    std::vector<std::string> wanted;
    for (const auto* each :
         {"group_id_attribute", "group_name_attribute", "group_desc_attribute", "group_member_attribute"})
        wanted.push_back(settings.at(each));
    return usable(server.find({.base = baseOf(settings, "group_tree_dn", "ou=UserGroups"),
                               .subtree = settings.at("query_scope") == "sub",
                               .filter = filterOf(settings.at("group_objectclass"), settings.at("group_filter")),
                               .attributes = std::move(wanted)}),
                  [&](const ldap::Entry& entry) {
                      Found group;
                      group.dn = entry.dn;
                      group.localId = entry.first(settings.at("group_id_attribute"));
                      group.name = entry.first(settings.at("group_name_attribute"));
                      group.description = entry.first(settings.at("group_desc_attribute"));
                      const auto members = entry.attributes.find(lowered(settings.at("group_member_attribute")));
                      if (members != entry.attributes.end()) group.members = members->second;
                      return group;
                  });
}

ldap::Connection& loggedIn(ldap::Connection& server, const DirectorySettings& settings) {
    if (const auto& user = settings.at("user"); !user.empty() && !server.binds(user, settings.at("password")))
        throw Error(Failure::Broken, "directory ", settings.at("url"),
                    " refuses the user and password that it is to be read with");
    return server;
}

// The copies. All of one domain, in one transaction.

class Copies {
public:
    Copies(store::Transaction& tx, Core& core, const DomainId& domain) : tx_(tx), core_(core), domain_(domain) {}

    /// The user's id, made where there was none.
    UserId keep(const Found& found) {
        const auto known = entryId("user", found.localId);
        auto user = known ? userTable.find(tx_, {*known}) : std::nullopt;
        const User before = user.value_or(User());
        User wanted = before;
        wanted.domain = domain_;
        wanted.name = found.name;
        wanted.enabled = found.enabled;
        wanted.extra = extraOf(found);
        if (user && wanted.name == before.name && wanted.enabled == before.enabled && wanted.extra == before.extra) {
            keepEntry("user", before.id.text, found);
            return before.id;
        }
        if (!makeRoom(user_table::findByName(tx_, domain_, wanted.name), before.id)) return {};
        if (before.enabled && !wanted.enabled) wanted.tokensValidAfter = core_.parts.ambient.now();
        if (user) {
            userTable.update(tx_, wanted);
        } else {
            wanted.id.text = core_.parts.ambient.hexId();
            wanted.tokensValidAfter = core_.parts.ambient.now();
            wanted.created = core_.parts.ambient.now();
            userTable.insert(tx_, wanted);
        }
        keepEntry("user", wanted.id.text, found);
        changed_ = true;
        return wanted.id;
    }

    GroupId keepGroup(const Found& found) {
        const auto known = entryId("group", found.localId);
        auto group = known ? groupTable.find(tx_, {*known}) : std::nullopt;
        const auto other = group_table::findByName(tx_, domain_, found.name);
        if (other && (!group || other->id != group->id)) {
            skipped("group", found.name);
            return {};
        }
        if (!group) {
            group = Group{{core_.parts.ambient.hexId()}, found.name, domain_, found.description, "{}"};
            group->created = core_.parts.ambient.now();
            groupTable.insert(tx_, *group);
        } else if (group->name != found.name || group->description != found.description) {
            group->name = found.name;
            group->description = found.description;
            groupTable.update(tx_, *group);
        }
        keepEntry("group", group->id.text, found);
        return group->id;
    }

    void setMembers(const GroupId& group, const std::vector<std::string>& wanted,
                    const std::map<std::string, UserId>& known) {
        std::set<UserId> members;
        for (const auto& each : wanted)
            if (const auto found = known.find(each); found != known.end()) members.insert(found->second);
        for (const auto& each : group_table::members(tx_, group))
            if (members.erase(each) == 0) changed_ = group_table::removeMember(tx_, group, each) || changed_;
        for (const auto& each : members) {
            group_table::addMember(tx_, group, each);
            changed_ = true;
        }
    }

    void disableAllBut(const std::set<std::string>& users, const std::set<std::string>& groups) {
        for (const auto& id : entries("user")) {
            if (users.contains(id)) continue;
            auto user = userTable.find(tx_, {id});
            if (!user || !user->enabled) continue;
            user->enabled = false;
            user->tokensValidAfter = core_.parts.ambient.now();
            userTable.update(tx_, *user);
            changed_ = true;
        }
        for (const auto& id : entries("group"))
            if (!groups.contains(id)) setMembers({id}, {}, {});
    }

    ~Copies() {
        if (changed_) core_.forgetValidated(tx_);
    }

private:
    static std::string extraOf(const Found& found) {
        std::string extra;
        JsonWriter out(extra);
        {
            const auto object = out.object();
            if (!found.mail.empty()) out.field("email", found.mail);
            if (!found.description.empty()) out.field("description", found.description);
        }
        return extra;
    }

    std::optional<std::string> entryId(std::string_view kind, const std::string& localId) {
        return tx_
            .query("SELECT id FROM directory_entries WHERE domain_id = ? AND kind = ? AND local_id = ?", domain_, kind,
                   localId)
            .maybeText();
    }

    std::vector<std::string> entries(std::string_view kind) {
        return tx_.query("SELECT id FROM directory_entries WHERE domain_id = ? AND kind = ?", domain_, kind).texts();
    }

    void keepEntry(std::string_view kind, const std::string& id, const Found& found) {
        tx_.execute("INSERT INTO directory_entries VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET dn = "
                    "excluded.dn WHERE dn <> excluded.dn",
                    id, kind, domain_, found.localId, found.dn);
    }

    /// False where a name is somebody else's who is still there. One who is gone loses it.
    bool makeRoom(std::optional<User> other, const UserId& own) {
        if (!other || other->id == own) return true;
        if (other->enabled || !tx_.query("SELECT 1 FROM directory_entries WHERE id = ?", other->id).any()) {
            skipped("user", other->name);
            return false;
        }
        other->name = other->id.text;
        userTable.update(tx_, *other);
        return true;
    }

    void skipped(std::string_view kind, const std::string& name) {
        core_.parts.log.warning("an entry of the directory has a name that is taken; it is left out",
                                {{"domain", domain_.text}, {"kind", std::string(kind)}, {"name", name}});
    }

    store::Transaction& tx_;
    Core& core_;
    DomainId domain_;
    bool changed_ = false;
};

}

bool isEnabledInDirectory(std::string_view value, const DirectorySettings& settings) {
    if (value.empty()) value = settings.at("user_enabled_default");
    if (const auto mask = wholeNumberIn(settings.at("user_enabled_mask")).value_or(0); mask != 0) {
        const auto bits = wholeNumberIn(value);
        return bits && (*bits & mask) != mask;
    }
    const auto truth = plainTruthOf(value);
    return truth && *truth != isTrue(settings.at("user_enabled_invert"));
}

void refuseInDirectory(store::Reader& db, const DomainId& domain) {
    if (db.query("SELECT 1 FROM directories WHERE domain_id = ? AND active = 1", domain).any())
        throw Error(Failure::Forbidden, "The users and groups of domain ", domain,
                    " are kept in a directory, which is only read.");
}

std::vector<ConfigOption> directoriesConfigOptions() {
    auto options = directoryConfigOptions();
    options.push_back({"ldap", "domain", "", anyText()});
    options.push_back({"ldap", "sync_interval", "60", wholeNumber(1, 24 * 3600)});
    options.push_back({"identity", "domain_specific_drivers_enabled", "false", trueOrFalse()});
    return options;
}

Directories::Directories(Core& core) : core_(core) {
    core_.parts.reconciler.declare(
        directoriesPart, [this] { synchronize(); }, core.parts.config.seconds("ldap", "sync_interval"));
}

namespace {

std::vector<std::pair<DomainId, DirectorySettings>> configured(store::Reader& db, const Core& core) {
    const auto& config = core.parts.config;
    std::vector<std::pair<DomainId, DirectorySettings>> domains;
    if (const auto& name = config.text("ldap", "domain"); !name.empty()) {
        if (const auto domain = project_table::findDomainByName(db, name))
            domains.emplace_back(DomainId{domain->id.text}, directorySettings(config));
        else
            core.parts.log.warning("the domain of the section ldap does not exist", {{"domain", name}});
    }
    if (config.boolean("identity", "domain_specific_drivers_enabled"))
        for (const auto& domain : domainsWithDirectory(db)) {
            std::erase_if(domains, [&](const auto& each) { return each.first == domain; });
            domains.emplace_back(domain, directorySettings(core, db, domain));
        }
    return domains;
}

/// Which domains are kept in a directory now: what is not configured any more must not be refused any more, and what is
/// must be before the directory has answered.
void markConfigured(store::Transaction& tx, const std::vector<std::pair<DomainId, DirectorySettings>>& domains) {
    tx.execute("UPDATE directories SET active = 0 WHERE active = 1");
    for (const auto& [domain, settings] : domains)
        tx.execute("INSERT INTO directories VALUES (?, 1) ON CONFLICT (domain_id) DO UPDATE SET active = 1", domain);
}

/// What the directory calls a user; nothing for one of our own.
std::optional<std::string> localIdOf(store::Reader& db, const UserId& user) {
    return db.query("SELECT local_id FROM directory_entries WHERE id = ? AND kind = 'user'", user).maybeText();
}

}

void noteDirectories(store::Transaction& tx, Core& core) {
    markConfigured(tx, configured(tx, core));
    tx.afterCommit([&core] { core.parts.reconciler.kick(directoriesPart); });
}

std::optional<DirectorySettings> Directories::settingsOf(store::Reader& db, const DomainId& domain) const {
    if (!db.query("SELECT 1 FROM directories WHERE domain_id = ? AND active = 1", domain).any()) return std::nullopt;
    for (auto& [id, settings] : configured(db, core_))
        if (id == domain) return settings;
    return std::nullopt;
}

bool Directories::answersFor(store::Reader& db, const std::optional<User>& known, const Json& reference) const {
    if (known && !localIdOf(db, known->id)) return false;
    const auto asked = known ? std::nullopt : nameIn(reference, db);
    return (known || asked) && settingsOf(db, known ? known->domain : asked->first).has_value();
}

Directories::Login Directories::login(const std::optional<User>& known, const Json& reference,
                                      const std::string& password) {
    auto& db = core_.parts.store.reader();
    const auto asked = known ? std::nullopt : nameIn(reference, db);
    if (!known && !asked) return {};
    const DomainId domain = known ? known->domain : asked->first;
    const auto settings = settingsOf(db, domain);
    if (!settings) return {};
    const auto localId = known ? localIdOf(db, known->id) : std::nullopt;
    if (known && !localId) return {}; // a user of our own in that domain
    const std::string attribute = settings->at(known ? "user_id_attribute" : "user_name_attribute");
    ldap::Connection server(*settings);
    const auto found = findUsers(loggedIn(server, *settings), *settings,
                                 "(" + attribute + "=" + ldap::inFilter(known ? *localId : asked->second) + ")");
    Login login{.inDirectory = true, .user = std::nullopt};
    if (found.size() != 1) return login;
    ldap::Connection asThemselves(*settings);
    if (!asThemselves.binds(found.front().dn, password)) return login;
    login.user = core_.parts.store.write(
        [&](store::Transaction& tx) { return userTable.find(tx, Copies(tx, core_, domain).keep(found.front())); });
    return login;
}

void Directories::synchronize() {
    auto& store = core_.parts.store;
    const auto domains = configured(store.reader(), core_);
    std::vector<std::string> ids;
    for (const auto& each : domains) ids.push_back(each.first.text);
    const auto active =
        store.reader().query("SELECT domain_id FROM directories WHERE active = 1 ORDER BY domain_id").texts();
    std::sort(ids.begin(), ids.end());
    if (active != ids) store.write([&](store::Transaction& tx) { markConfigured(tx, configured(tx, core_)); });

    std::string trouble;
    for (const auto& [id, settings] : domains) {
        const DomainId& domain = id;
        try {
            ldap::Connection server(settings);
            const auto users = findUsers(loggedIn(server, settings), settings);
            const auto groups = findGroups(server, settings);
            const bool byId = isTrue(settings.at("group_members_are_ids"));
            store.write([&](store::Transaction& tx) {
                Copies copies(tx, core_, domain);
                std::map<std::string, UserId> known; // by what a group says of its members
                std::set<std::string> keptUsers, keptGroups;
                for (const auto& each : users) {
                    const auto user = copies.keep(each);
                    keptUsers.insert(user.text);
                    if (!user.empty()) known[byId ? each.localId : ldap::comparable(each.dn)] = user;
                }
                for (const auto& each : groups) {
                    const auto group = copies.keepGroup(each);
                    keptGroups.insert(group.text);
                    auto members = each.members;
                    if (!byId)
                        std::transform(members.begin(), members.end(), members.begin(),
                                       [](const auto& dn) { return ldap::comparable(dn); });
                    if (!group.empty()) copies.setMembers(group, members, known);
                }
                copies.disableAllBut(keptUsers, keptGroups);
            });
        } catch (const Error& error) { // one that does not answer is no reason to leave out the next
            trouble += std::string(trouble.empty() ? "" : "; ") + error.what();
        }
    }
    if (!trouble.empty()) throw Error(Failure::Broken, trouble);
}

}
