// Run while the program is built: writes the store that a first start begins with (fresh_store.hpp), packed.

#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include <zstd.h>

#include "appliance/fresh_store/all_migrations.hpp"
#include "platform/os/temporary_folder.hpp"

int main(int count, char** words) try {
    using namespace stratolet;
    if (count != 2) {
        std::cerr << "usage: make_fresh_store FILE\n";
        return 2;
    }
    const TemporaryFolder folder("stratolet-fresh");
    const auto whole = std::filesystem::path(folder.path()) / "whole.db";
    {
        store::Store store({.file = std::filesystem::path(folder.path()) / "stratolet.db", .durable = false});
        store.migrate(allMigrations());
        store.backupTo(whole);
    }
    std::ifstream in(whole, std::ios::binary);
    const std::string file{std::istreambuf_iterator<char>(in), {}};
    std::string packed(ZSTD_compressBound(file.size()), '\0');
    const auto size = ZSTD_compress(packed.data(), packed.size(), file.data(), file.size(), 19);
    if (file.empty() || ZSTD_isError(size)) throw std::runtime_error("the fresh store can't be packed");
    packed.resize(size);
    std::ofstream out(words[1], std::ios::binary);
    out << packed << std::flush;
    return out ? 0 : 1;
} catch (const std::exception& problem) {
    std::cerr << "make_fresh_store: " << problem.what() << "\n";
    return 1;
}
