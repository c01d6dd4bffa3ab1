#include "identity/token/key_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include <stratolet/error.hpp>

#include "identity/token/fernet.hpp"
#include "platform/os/fd.hpp"

namespace stratolet::identity {
namespace {

constexpr std::size_t keyBytes = 32;

}

void writeKeyFile(const std::filesystem::path& file, Ambient& ambient) {
    std::string random(keyBytes, '\0');
    ambient.randomize(std::as_writable_bytes(std::span(random)));
    const std::string text = base64Url(random) + "=";
    const auto fresh = file.string() + ".new";
    ::unlink(fresh.c_str());
    const Fd out(
        static_cast<int>(check(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "write a key")));
    writeAll(out.get(), text, "write a key");
    check(::fsync(out.get()), "write a key");
    check(::rename(fresh.c_str(), file.c_str()), "write a key");
}

std::string readKeyFile(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const auto key = fromBase64Url(text.substr(0, text.find_last_not_of("\r\n ") + 1));
    if (!key || key->size() != keyBytes) throw Error(Failure::Broken, file.string(), " is no key");
    return *key;
}

}
