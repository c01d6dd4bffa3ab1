#include "identity/token/key_file.hpp"

#include <fstream>
#include <iterator>

#include <stratolet/error.hpp>

#include "identity/token/fernet.hpp"
#include "platform/os/file.hpp"

namespace stratolet::identity {
namespace {

constexpr std::size_t keyBytes = 32;

}

void writeKeyFile(const std::filesystem::path& file, Ambient& ambient, bool durable) {
    std::string random(keyBytes, '\0');
    ambient.randomize(std::as_writable_bytes(std::span(random)));
    writeFile(file, base64Url(random) + "=", {.onDisk = durable});
}

std::string readKeyFile(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const auto key = fromBase64Url(text.substr(0, text.find_last_not_of("\r\n ") + 1));
    if (!key || key->size() != keyBytes) throw Error(Failure::Broken, file.string(), " is no key");
    return *key;
}

}
