#include "resource/table.hpp"

#include <algorithm>

namespace stratolet::resource {

const Word* wordOf(const Words& words, std::string_view name) {
    const auto found = std::find_if(words.begin(), words.end(), [&](const Word& each) { return each.name == name; });
    return found == words.end() ? nullptr : &*found;
}

std::string withAlias(std::string_view sql, char alias) {
    std::string out(sql);
    std::replace(out.begin(), out.end(), '$', alias);
    return out;
}

std::string Word::kept(char alias) const { return std::string(1, alias).append(".").append(column); }

std::string Word::sql(char alias) const {
    if (!found.empty()) return withAlias(found, alias);
    const auto whole = kept(alias);
    return nullable ? "coalesce(" + whole + ", '')" : whole; // an index is over this very expression
}

TableText tableText(std::string_view name, char alias, const std::vector<ColumnText>& columns) {
    std::string loaded, kept, marks, moved;
    const auto add = [](std::string& list, const std::string& item) { list += (list.empty() ? "" : ", ") + item; };
    for (const auto& each : columns) {
        if (each.loads)
            add(loaded, each.expression.empty() ? std::string(1, alias) + "." + std::string(each.column)
                                                : withAlias(each.expression, alias));
        if (!each.kept) continue;
        add(kept, std::string(each.column));
        add(marks, "?");
        if (each.moves) add(moved, std::string(each.column) + " = ?");
    }
    TableText text{std::string(name), alias, {}, {}, {}, {}, {}};
    text.select = "SELECT " + loaded + " FROM " + text.named();
    // SQLite walks a CROSS JOIN from left to right, so the rows come as the array has them and nothing is sorted
    // (https://www.sqlite.org/optoverview.html, "Manual Control Of Query Plans Using CROSS JOIN").
    text.selectListed = "SELECT " + loaded + " FROM json_each(?) wanted CROSS JOIN " + text.named() + " ON " +
                        text.id() + " = wanted.value";
    text.find = text.select + " WHERE " + text.id() + " = ?";
    text.insert = "INSERT INTO " + text.name + " (" + kept + ") VALUES (" + marks + ")";
    text.update = "UPDATE " + text.name + " SET " + moved + " WHERE id = ?";
    return text;
}

}
