#include "compute/console/console.hpp"
#include "compute/encoding.hpp"

namespace stratolet::compute {
namespace {

constexpr int tokensMost = 32; // of one server at once

}

void ConsoleTokenTable::insert(store::Transaction& tx, const std::string& token, const Console& console, Time expires) {
    tx.execute("DELETE FROM compute_console_tokens WHERE hash IN (SELECT hash FROM compute_console_tokens WHERE server "
               "= ? ORDER BY expires DESC LIMIT -1 OFFSET ?)",
               console.server, tokensMost - 1);
    tx.execute("INSERT INTO compute_console_tokens (hash, server, console, expires) VALUES (?, ?, ?, ?)",
               sha256Hex(token), console.server, nameOf(console.kind), expires);
}

std::optional<Console> ConsoleTokenTable::find(store::Reader& db, const std::string& token, Time now) {
    auto rows = db.query("SELECT server, console, expires FROM compute_console_tokens WHERE hash = ? AND expires > ?",
                         sha256Hex(token), now);
    if (!rows.next()) return std::nullopt;
    const auto row = rows.row();
    return Console{ServerId{row.text(0)}, row.text(1) == "vnc" ? ConsoleKind::Vnc : ConsoleKind::Serial, row.time(2)};
}

std::optional<Console> ConsoleTokenTable::take(store::Transaction& tx, const std::string& token, Time now) {
    auto found = find(tx, token, now);
    if (found) tx.execute("DELETE FROM compute_console_tokens WHERE hash = ?", sha256Hex(token));
    return found;
}

void ConsoleTokenTable::removeExpired(store::Transaction& tx, Time now) {
    tx.execute("DELETE FROM compute_console_tokens WHERE expires <= ?", now);
}

}
