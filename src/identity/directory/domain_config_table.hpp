#pragma once

#include <string>
#include <vector>

#include "platform/store/store.hpp"

namespace stratolet::identity {

/// An option that a domain has of its own.
struct DomainConfigOption {
    std::string group, name;
    std::string value; ///< JSON; sealed where the option is sensitive (sensitiveOptions)
};

/// What domains configure of their own: SQL, and no rule. Reads on any thread, with that thread's reader; changes in
/// the transaction of the request, on a worker. Absence is told by what they give back: beside what the store itself
/// refuses, none of them throws.
namespace domain_config_table {
std::vector<DomainConfigOption> of(store::Reader& db, const std::string& domain);

/// Whether there is any of the group; by this name, unless it is empty.
bool has(store::Reader& db, const std::string& domain, const std::string& group, const std::string& name);
void set(store::Transaction& tx, const std::string& domain,
         const DomainConfigOption& option); ///< in place of the one that there is

/// All of the domain, or of one group, or one option: what is empty doesn't matter. False where there was none.
bool remove(store::Transaction& tx, const std::string& domain, const std::string& group = {},
            const std::string& name = {});
}

}
