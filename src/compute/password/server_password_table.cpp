#include "compute/password/server_password.hpp"

namespace stratolet::compute {

std::string PasswordTable::of(store::Reader& db, const ServerId& server) {
    return db.query("SELECT password FROM compute_server_passwords WHERE server = ?", server).maybeText().value_or("");
}

bool PasswordTable::set(store::Transaction& tx, const ServerId& server, const std::string& password) {
    return tx.execute("INSERT OR IGNORE INTO compute_server_passwords (server, password) VALUES (?, ?)", server,
                      password) == 1;
}

void PasswordTable::clear(store::Transaction& tx, const ServerId& server) {
    tx.execute("DELETE FROM compute_server_passwords WHERE server = ?", server);
}

}
