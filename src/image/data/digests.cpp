#include "image/data/digests.hpp"

#include <openssl/evp.h>

#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"
#include "platform/text/text.hpp"

namespace stratolet::image {
namespace {

/// Hashes on a thread of its own; one piece at a time, which must live until wait() returns.
class Hasher {
public:
    explicit Hasher(const EVP_MD* algorithm) : context_(EVP_MD_CTX_new()) {
        if (!context_ || EVP_DigestInit_ex(context_.get(), algorithm, nullptr) != 1)
            throw Error(Failure::Broken, "could not begin a checksum");
        thread_ = std::thread([this] { work(); });
    }
    ~Hasher() { end(); }
    Hasher(const Hasher&) = delete;

    void begin(std::string_view piece) {
        {
            const std::lock_guard lock(mutex_);
            piece_ = piece;
        }
        changed_.notify_all();
    }

    void wait() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return piece_.empty(); });
    }

    std::string finish() {
        end();
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
        unsigned length = 0;
        if (broken_ || EVP_DigestFinal_ex(context_.get(), digest.data(), &length) != 1)
            throw Error(Failure::Broken, "could not make a checksum");
        return hexOf({reinterpret_cast<const char*>(digest.data()), length});
    }

private:
    void end() {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        changed_.notify_all();
        if (thread_.joinable()) thread_.join();
    }

    void work() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [&] { return ended_ || !piece_.empty(); });
            if (piece_.empty()) return;
            const auto piece = piece_;
            lock.unlock();
            const bool taken = EVP_DigestUpdate(context_.get(), piece.data(), piece.size()) == 1;
            lock.lock();
            broken_ = broken_ || !taken;
            piece_ = {};
            changed_.notify_all();
        }
    }

    Handle<EVP_MD_CTX, EVP_MD_CTX_free> context_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string_view piece_; // being hashed; empty where there is nothing to do
    bool ended_ = false;
    bool broken_ = false;
    std::thread thread_;
};

}

struct Digests::Impl {
    std::string piece; // what both are at; outlives them
    Hasher md5{EVP_md5()}, sha512{EVP_sha512()};
};

Digests::Digests() : impl_(std::make_unique<Impl>()) {}
Digests::~Digests() = default;

void Digests::append(std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    impl_->md5.wait();
    impl_->sha512.wait();
    impl_->piece.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    impl_->md5.begin(impl_->piece);
    impl_->sha512.begin(impl_->piece);
}

Digests::Result Digests::finish() { return {impl_->md5.finish(), impl_->sha512.finish()}; }

}
