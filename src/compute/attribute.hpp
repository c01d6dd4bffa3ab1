#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "compute/api.hpp"
#include "resource/attribute.hpp"

namespace stratolet::compute {

/// An attribute of a plain noun, as compute shows it: at which microversions, and whether also where little is shown.
template <class Record> struct Line : resource::Attribute<Record> {
    int first = versionMin, last = versionMax; ///< minor versions of 2.x, both included
    bool brief = false;                        ///< also where little is shown
    std::string_view sortKey = {};             ///< what lists call it when they are sorted by it; empty: they aren't

    Line since(int minor) && {
        first = minor;
        return std::move(*this);
    }
    Line until(int minor) && {
        last = minor;
        return std::move(*this);
    }
    Line inBrief() && {
        brief = true;
        return std::move(*this);
    }
    Line sortedAs(std::string_view key) && {
        sortKey = key;
        return std::move(*this);
    }
};

/// A line that the row alone says: `line<&Flavor::ram>("ram", Show, "ram")`. Of no name: a column only.
template <auto... Path> auto line(std::string_view name, unsigned use, std::string_view column) {
    auto made = resource::attribute<Path...>(name, use).in(column);
    return Line<typename resource::detail::Led<Path...>::Record>{std::move(made)};
}

/// A line that no column keeps.
template <class Record>
Line<Record> computedLine(std::string_view name, unsigned use, void (*show)(JsonWriter&, const Record&)) {
    return {resource::computed<Record>(name, resource::Kind::Other, use, show)};
}

/// The members of an object, in the order of the lines. `guarded`: those too that only some may see.
template <class Record> void showLines(JsonWriter& out, const Call& call, const std::vector<Line<Record>>& lines,
                                       const Record& record, bool whole, bool guarded) {
    for (const auto& each : lines) {
        if (each.show == nullptr || call.version < each.first || call.version > each.last) continue;
        if ((!whole && !each.brief) || (each.may(resource::Guarded) && !guarded)) continue;
        out.key(each.name);
        each.show(out, record);
    }
}

}
