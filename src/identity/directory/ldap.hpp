#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "identity/directory/domain_config.hpp"

namespace stratolet::identity::ldap {

/// One entry that a search found. Names of attributes are in lower case.
struct Entry {
    std::string dn;
    std::map<std::string, std::vector<std::string>, std::less<>> attributes;

    /// The first value; empty where there is none.
    std::string_view first(std::string_view attribute) const;
};

/// What a directory is asked for (RFC 4511 4.5.1).
struct Search {
    std::string base;
    bool subtree = false; ///< else the entries directly below
    std::string filter;   ///< RFC 4515
    std::vector<std::string> attributes;
};

/// A connection to the server that `settings` name (url, use_tls, tls_…, connection_timeout), nobody having said who we
/// are yet. Whatever fails is Error(Broken), naming the server. No referral is followed.
class Connection {
public:
    explicit Connection(const DirectorySettings& settings);
    ~Connection();
    Connection(const Connection&) = delete;

    /// True where the server takes this password for this entry. An empty password is never asked about: a server takes
    /// it for nobody's.
    bool binds(const std::string& dn, const std::string& password);

    /// All that is found, in pages of the setting page_size where that is not 0.
    std::vector<Entry> find(const Search& search);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// `text` as it may stand in a filter (RFC 4515, 3).
std::string inFilter(std::string_view text);

/// A form of a DN in which two that mean the same are mostly the same text: lower case, no blanks around separators.
std::string comparable(std::string_view dn);

}
