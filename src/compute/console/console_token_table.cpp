#include <openssl/evp.h>

#include <array>

#include <stratolet/error.hpp>

#include "compute/console/console.hpp"

namespace stratolet::compute {
namespace {

constexpr int tokensMost = 32; // of one server at once

std::string hashOf(const std::string& token) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(token.data(), token.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
        throw Error(Failure::Broken, "could not make a digest");
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (unsigned at = 0; at < size; ++at) {
        text += digits[digest[at] >> 4];
        text += digits[digest[at] & 15];
    }
    return text;
}

}

void ConsoleTokenTable::insert(store::Transaction& tx, const std::string& token, const Console& console, Time expires) {
    tx.execute("DELETE FROM compute_console_tokens WHERE hash IN (SELECT hash FROM compute_console_tokens WHERE server "
               "= ? ORDER BY expires DESC LIMIT -1 OFFSET ?)",
               console.server, tokensMost - 1);
    tx.execute("INSERT INTO compute_console_tokens (hash, server, console, expires) VALUES (?, ?, ?, ?)", hashOf(token),
               console.server, nameOf(console.kind), expires);
}

std::optional<Console> ConsoleTokenTable::find(store::Reader& db, const std::string& token, Time now) {
    auto rows = db.query("SELECT server, console FROM compute_console_tokens WHERE hash = ? AND expires > ?",
                         hashOf(token), now);
    if (!rows.next()) return std::nullopt;
    const auto row = rows.row();
    return Console{ServerId{row.text(0)}, row.text(1) == "vnc" ? ConsoleKind::Vnc : ConsoleKind::Serial};
}

std::optional<Console> ConsoleTokenTable::take(store::Transaction& tx, const std::string& token, Time now) {
    auto found = find(tx, token, now);
    if (found) tx.execute("DELETE FROM compute_console_tokens WHERE hash = ?", hashOf(token));
    return found;
}

void ConsoleTokenTable::removeExpired(store::Transaction& tx, Time now) {
    tx.execute("DELETE FROM compute_console_tokens WHERE expires <= ?", now);
}

}
