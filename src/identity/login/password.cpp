#include "identity/login/password.hpp"

#include <crypt.h>

#include <array>
#include <cstring>
#include <memory>

#include <openssl/crypto.h>

#include <stratolet/error.hpp>

namespace stratolet::identity {
namespace {

constexpr std::size_t bcryptBytes = 72, passwordBytesMax = 4096;

std::string crypted(const std::string& password, const std::string& setting) {
    const auto work = std::make_unique<crypt_data>(); // 32 KiB: not for a stack
    std::memset(work.get(), 0, sizeof(crypt_data));
    // crypt takes no more than 511 bytes, bcrypt looks at no more than 72, and would stop at a NUL: JSON can carry one.
    std::string looked = password.substr(0, bcryptBytes);
    const char* result = ::crypt_r(looked.c_str(), setting.c_str(), work.get());
    std::string text = result ? result : "*";
    OPENSSL_cleanse(work.get(), sizeof(crypt_data));
    OPENSSL_cleanse(looked.data(), looked.size());
    if (text.starts_with('*')) throw Error(Failure::Broken, "could not hash a password");
    return text;
}

std::string settingOf(int rounds, const char* random, int length) {
    std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
    if (!::crypt_gensalt_rn("$2b$", static_cast<unsigned long>(rounds), random, length, setting.data(),
                            static_cast<int>(setting.size())))
        throw Error(Failure::Broken, "could not make a password's salt");
    return setting.data();
}

}

void checkPasswordLength(const std::string& password) {
    if (password.size() > passwordBytesMax)
        throw Error(Failure::Invalid, "Invalid input for field 'password': it must have at most ", passwordBytesMax,
                    " bytes.");
}

std::string hashPassword(const std::string& password, int rounds, Ambient& ambient) {
    if (password.find('\0') != std::string::npos)
        throw Error(Failure::Invalid, "A password must not contain a NUL character");
    std::array<std::byte, 16> random;
    ambient.randomize(random);
    return crypted(password, settingOf(rounds, reinterpret_cast<const char*>(random.data()), random.size()));
}

bool passwordMatches(const std::string& password, const std::string& hash, int rounds) {
    if (hash.empty() || password.find('\0') != std::string::npos) {
        constexpr std::array<char, 16> fixed{};
        crypted("nobody's password", settingOf(rounds, fixed.data(), fixed.size())); // as long as for somebody
        return false;
    }
    const std::string again = crypted(password, hash);
    return again.size() == hash.size() && CRYPTO_memcmp(again.data(), hash.data(), hash.size()) == 0;
}

}
