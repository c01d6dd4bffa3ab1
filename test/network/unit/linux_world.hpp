#pragma once

#include <stratolet/driver/network.hpp>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "platform/os/fd.hpp"

namespace stratolet::network::test {

/// A machine of our own: this thread's network namespace and a private /run/netns. The real one is never touched.
/// Made with the rights of root only; `reason()` says why not.
class LinuxWorld {
public:
    LinuxWorld();
    ~LinuxWorld();

    static std::string reason(); ///< empty where a world can be made
    const std::filesystem::path& folder() const { return folder_; }

private:
    Fd home_;
    std::filesystem::path folder_;
};

/// A guest behind a tap: a namespace with an eth0 whose frames go to and fro.
class Guest {
public:
    Guest(std::string name, const std::string& tap, const std::string& mac);
    ~Guest();

    const std::string& name() const { return name_; }
    void sends(const std::vector<unsigned char>& frame);        ///< straight into the tap, past the guest's own stack
    int received(const std::vector<unsigned char>& part) const; ///< how many frames that came in contain this

    void has(const std::string& address, const std::string& gateway = ""); ///< with length
    bool pings(const std::string& address) const;

private:
    std::string name_;
    Fd tap_, inner_, stop_;
    std::thread relay_;
    mutable std::vector<std::vector<unsigned char>> seen_;
    mutable std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
};

Fd listensIn(const std::string& netns, const std::string& address, int port);
bool connectsIn(const std::string& netns, const std::string& address, int port, int patienceMs = 700);
/// A TCP connection that says a word now and then and hears whether it comes back.
class Stream {
public:
    Stream(const std::string& from, const std::string& fromAddress, const Fd& listening, const std::string& address,
           int port);

    bool lives(int patienceMs = 400);   ///< a word comes through within that time
    bool answers(int patienceMs = 400); ///< so does one from the other end

    const Fd& near() const { return near_; }
    const Fd& far() const { return far_; }

private:
    static bool says(const Fd& from, const Fd& to, int patienceMs);

    Fd near_, far_;
};

/// Whether a datagram that is sent in one namespace gets to a socket in another.
bool datagramArrives(const std::string& from, const std::string& to, const std::string& address, int number);

bool pingsIn(const std::string& netns, const std::string& address, int tries = 5);
std::vector<unsigned char> bytesOf(const std::string& hex); ///< spaces are skipped

}
