#include "platform/http/admission.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace stratolet::http {
namespace {

/// Whom an address stands for.
std::string peerBehind(const std::string& address) {
    std::array<unsigned char, 16> raw{};
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (::inet_pton(AF_INET6, address.substr(0, address.find('%')).c_str(), raw.data()) != 1) return address;
    std::fill(raw.begin() + 8, raw.end(), static_cast<unsigned char>(0));
    return ::inet_ntop(AF_INET6, raw.data(), text.data(), text.size());
}

}

std::unique_ptr<Crowd::Admission> Crowd::admit(const std::string& address) {
    const auto name = peerBehind(address);
    const std::lock_guard guard(mutex_);
    if (connections_ >= connectionsMax_) return nullptr;
    const auto peer = peers_.try_emplace(name).first;
    if (peer->second.connections >= connectionsPerPeerMax_) return nullptr;
    auto admission = std::make_unique<Admission>(*this, peer);
    ++peer->second.connections;
    ++connections_;
    return admission;
}

Crowd::Admission::~Admission() {
    holds(0);
    const std::lock_guard guard(crowd_.mutex_);
    --crowd_.connections_;
    if (--peer_->second.connections == 0) crowd_.peers_.erase(peer_);
}

bool Crowd::Admission::holds(std::size_t bytes) {
    const auto wanted = bytes > freeBytes ? bytes - freeBytes : 0;
    if (wanted == counted_) return true;
    const std::lock_guard guard(crowd_.mutex_);
    auto& buffers = crowd_.buffers_;
    if (wanted > counted_) {
        const auto more = wanted - counted_;
        if (peer_->second.bytes + more > buffers.bytesPerPeerMax) return false;
        if (buffers.bytes.fetch_add(more) + more > buffers.bytesMax) {
            buffers.bytes -= more;
            return false;
        }
        peer_->second.bytes += more;
    } else {
        buffers.bytes -= counted_ - wanted;
        peer_->second.bytes -= counted_ - wanted;
    }
    counted_ = wanted;
    return true;
}

}
