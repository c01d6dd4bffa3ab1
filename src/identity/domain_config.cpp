#include "identity/domain_config.hpp"

#include "identity/fernet.hpp"

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

std::vector<ConfigOption> directoryConfigOptions() {
    std::vector<ConfigOption> options;
    for (const auto& each : directoryOptions) {
        ConfigOption option{"ldap", std::string(each.name), std::string(each.otherwise)};
        if (each.kind == Kind::Number) option.complaint = wholeNumber(0, 0x7FFFFFFF);
        if (each.kind == Kind::Truth) option.complaint = trueOrFalse();
        if (each.name == "query_scope") option.complaint = oneOf({"one", "sub"});
        if (each.name == "tls_req_cert") option.complaint = oneOf({"demand", "allow", "never"});
        options.push_back(std::move(option));
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
    static const auto select =
        "SELECT option_name, value, " + sensitiveOptions() + " FROM domain_configs WHERE domain_id = ? AND group_name = 'ldap'";
    for (auto rows = db.query(select, domain); rows.next();) {
        const auto name = rows.row().text(0);
        const auto text = rows.row().boolean(2) ? core.sealing.open(rows.row().text(1)) : rows.row().text(1);
        if (!text) throw Error(Failure::Broken, "the ", name, " of domain ", domain, " was sealed with a key that is gone; set it again");
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
        .query("SELECT domain_configs.domain_id FROM domain_configs JOIN projects ON projects.id = domain_configs.domain_id WHERE "
               "group_name = 'identity' AND option_name = "
               "'driver' AND value = '\"ldap\"' AND enabled = 1 ORDER BY 1")
        .all<DomainId>([](const store::Row& row) { return row.id<DomainId>(0); });
}

}
