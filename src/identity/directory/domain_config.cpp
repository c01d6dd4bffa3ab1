#include "identity/directory/domain_config.hpp"

#include "identity/token/fernet.hpp"

namespace stratolet::identity {

using Kind = DirectoryOption::Kind;

const std::vector<DirectoryOption> directoryOptions = {
    {"url", "ldap://localhost"},
    {"user", ""},
    {"password", "", Kind::Text, true},
    {"suffix", "cn=example,cn=com"},
    {"query_scope", "one"},
    {"page_size", "0", Kind::Number},
    {"user_tree_dn", ""},
    {"user_filter", ""},
    {"user_objectclass", "inetOrgPerson"},
    {"user_id_attribute", "cn"},
    {"user_name_attribute", "sn"},
    {"user_mail_attribute", "mail"},
    {"user_description_attribute", "description"},
    {"user_enabled_attribute", "enabled"},
    {"user_enabled_invert", "false", Kind::Truth},
    {"user_enabled_mask", "0", Kind::Number},
    {"user_enabled_default", "True"},
    {"group_tree_dn", ""},
    {"group_filter", ""},
    {"group_objectclass", "groupOfNames"},
    {"group_id_attribute", "cn"},
    {"group_name_attribute", "ou"},
    {"group_member_attribute", "member"},
    {"group_desc_attribute", "description"},
    {"group_members_are_ids", "false", Kind::Truth},
    {"use_tls", "false", Kind::Truth},
    {"tls_cacertfile", ""},
    {"tls_cacertdir", ""},
    {"tls_req_cert", "demand"},
    {"connection_timeout", "10", Kind::Number},
};

namespace {

ConfigType directoryAddress() {
    const std::string description = "ldap://HOST, ldaps://HOST or ldapi://";
    return {description, [description](const std::string& text) {
                const bool known =
                    text.starts_with("ldap://") || text.starts_with("ldaps://") || text.starts_with("ldapi://");
                return known ? std::string() : "it must be " + description;
            }};
}

}

std::vector<ConfigOption> directoryConfigOptions() {
    std::vector<ConfigOption> options;
    for (const auto& each : directoryOptions) {
        auto type = each.kind == Kind::Number  ? wholeNumber(0, 0x7FFFFFFF)
                    : each.kind == Kind::Truth ? trueOrFalse()
                                               : anyText();
        if (each.name == "url") type = listOf(directoryAddress());
        if (each.name == "query_scope") type = oneOf({"one", "sub"});
        if (each.name == "tls_req_cert") type = oneOf({"demand", "allow", "never"});
        if (each.name == "tls_cacertfile") type = orNothing(readableFile());
        if (each.name == "tls_cacertdir") type = orNothing(existingFolder());
        options.push_back({"ldap", std::string(each.name), std::string(each.otherwise), std::move(type)});
    }
    return options;
}

DirectorySettings directorySettings(const Config& config) {
    DirectorySettings settings;
    for (const auto& each : directoryOptions) settings.emplace(each.name, config.text("ldap", each.name));
    return settings;
}

DirectorySettings directorySettings(const Core& core, store::Reader& db, const DomainId& domain) {
    auto settings = directorySettings(core.parts.config);
    static const auto select = "SELECT option_name, value, " + sensitiveOptions() +
                               " FROM domain_configs WHERE domain_id = ? AND group_name = 'ldap'";
    for (auto rows = db.query(select, domain); rows.next();) {
        const auto name = rows.row().text(0);
        const auto text = rows.row().boolean(2) ? core.sealing.open(rows.row().text(1)) : rows.row().text(1);
        if (!text)
            throw Error(Failure::Broken, "the ", name, " of domain ", domain,
                        " was sealed with a key that is gone; set it again");
        const Json value = Json::parse(*text);
        settings[name] = value.isText() ? value.text() : value.dump();
    }
    return settings;
}

std::string sensitiveOptions() {
    std::string names;
    for (const auto& each : directoryOptions)
        if (each.sensitive) names.append(names.empty() ? "'" : ", '").append(each.name).append("'");
    return "(group_name = 'ldap' AND option_name IN (" + names + "))";
}

std::vector<DomainId> domainsWithDirectory(store::Reader& db) {
    return db
        .query("SELECT domain_configs.domain_id FROM domain_configs JOIN projects ON projects.id = "
               "domain_configs.domain_id WHERE "
               "group_name = 'identity' AND option_name = "
               "'driver' AND value = '\"ldap\"' AND enabled = 1 ORDER BY 1")
        .all<DomainId>([](const store::Row& row) { return row.id<DomainId>(0); });
}

}
