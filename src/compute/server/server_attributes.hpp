#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compute/api.hpp"
#include "compute/host/host.hpp"
#include "compute/server/server.hpp"
#include "compute/server/server_reading.hpp"
#include "platform/policy/rights.hpp"
#include "resource/attribute.hpp"

// A server, described once: its columns, what an answer shows of it since which microversion, what lists are sorted and
// filtered by, and who is heard on that. An attribute added later is one line and one migration.

namespace stratolet::compute {

/// Who is heard on a filter or a sort key. Others' filters are passed over, their sort keys refused.
enum class Heard { All, Admins, AllSince83 };

/// How a filter's value is compared.
enum class By {
    Equality, ///< with an SQL expression that is a text: what is no number is then no number's
    Pattern,  ///< a regular expression, somewhere in an SQL expression that is a text
    Time,     ///< the second, of an SQL expression in microseconds; what is no time is nobody's
    Own       ///< by hand
};

struct Filter {
    std::string_view name;
    Heard heard = Heard::All;
    By by = By::Own;
    std::string sql = {};
};

struct SortName {
    std::string_view name;
    Heard heard = Heard::All;
    int since = versionMin;
};

/// How much of a server an answer shows.
enum class Showing {
    Whole,   ///< GET of one
    InList,  ///< GET /servers/detail: without what would be dear for many
    Changed, ///< the answer to PUT, which was smaller until 2.75
    Rebuilt, ///< the answer to a rebuild: like PUT's, and with the key
};

/// One server of an answer, with what is shown beside its row.
struct Shown {
    const Server& server;
    const ServerDetails& details;
    const Call& call;
    Rights& rights;
    const About& about; ///< what rules get to know of the server
    const std::string& hostId;
    const Host* host = nullptr; ///< null where it is on none, or the caller may not know of it
    bool admin = false;
    bool seesHost = false;    ///< the caller may know where it runs
    bool seesStatus = false;  ///< … and how that host is
    bool seesUnknown = false; ///< … or at least that nobody knows how
    bool brief = false;       ///< an answer to PUT or a rebuild, which said less of addresses until 2.75
    bool may(std::string_view rule) const { return rights.may(rule, about); }
};

/// One line of the description. An attribute without a name has a column only.
struct ServerAttribute : resource::Attribute<Server> {
    void (*write)(JsonWriter&, const Shown&) = nullptr; ///< its value, where it takes more than the row
    bool (*when)(const Shown&) = nullptr;               ///< whether it is there at all; null: always
    int first = versionMin;                             ///< the microversion since when it is shown
    bool extended = false;                              ///< the answer to PUT has it from 2.75 on
    bool listed = true;                                 ///< lists have it
    std::vector<SortName> sorts = {};
    std::vector<Filter> filters = {};

    ServerAttribute since(int minor) &&;
    ServerAttribute notInLists() &&;
    ServerAttribute only(bool (*condition)(const Shown&)) &&;
    ServerAttribute sortedAs(std::string_view name, Heard heard = Heard::All, int since = versionMin) &&;
    ServerAttribute equal(std::string_view name, Heard heard) &&;    ///< a filter that compares its value
    ServerAttribute matching(std::string_view name, Heard heard) &&; ///< a filter that is a pattern
    ServerAttribute within(std::string_view name, Heard heard) &&;   ///< a filter that is the second of a time
};

/// In the order in which answers have them. Made once; any thread reads it.
const std::vector<ServerAttribute>& serverAttributes();

/// The alias of a server's row in their SQL.
inline constexpr char serverAlias = 's';

}
