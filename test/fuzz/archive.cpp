// What is inside a gzip, xz or zip file, or nothing; never more than was allowed.

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include <stratolet/error.hpp>

#include "fuzz/target.hpp"
#include "image/data/unpacking.hpp"
#include "platform/os/fd.hpp"

namespace stratolet::fuzz {
namespace {

struct Scratch {
    std::string path = (std::filesystem::temp_directory_path() / "stratolet-fuzz-XXXXXX").string();
    Fd file;
    Scratch() : file(::mkstemp(path.data())) {}
    ~Scratch() { ::unlink(path.c_str()); }
    Scratch(const Scratch&) = delete;
};

}

void run(std::string_view input) {
    static const Scratch scratch;
    if (::ftruncate(scratch.file.get(), 0) != 0 ||
        ::pwrite(scratch.file.get(), input.data(), input.size(), 0) != static_cast<ssize_t>(input.size()))
        std::abort();
    constexpr std::int64_t most = 1 << 20;
    std::int64_t came = 0;
    try {
        image::unpack(scratch.path, most,
                      [&](std::span<const std::byte> bytes) { came += static_cast<std::int64_t>(bytes.size()); });
    } catch (const Error& refusal) {
        if (refusal.failure() != Failure::Invalid && refusal.failure() != Failure::TooLarge) std::abort();
    }
    if (came > most) std::abort();
}

std::vector<std::string> seeds() { return {}; }

}
