#pragma once

#include <stratolet/driver/network.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace stratolet::network {

/// Where networks outside begin: an interface of the host's owner, which is lent to a bridge, or a bridge of the
/// owner's.
struct OutsideOptions {
    std::string device;                ///< its name; empty: there is none, and what was lent before is given back
    std::string bridge = "br-ex";      ///< the one that is made, where the device is none itself
    std::string mark = "stratolet";    ///< alias of that bridge: whose it is
    std::filesystem::path folder = {}; ///< where it is written down what was there; it must outlive the process
    std::chrono::milliseconds patience = std::chrono::seconds(15); ///< in which the gateway has to answer again
    std::filesystem::path classes = "/sys/class/net";              ///< where the kernel says what a device is
    /// Called before and after each step; it may throw, or end the process: what was begun is taken up again.
    std::function<void(std::string_view step, bool after)> atStep = {};
    std::function<void(std::string_view)> notice = {}; ///< told what was done, one line each
};

/// The owner's interface on a bridge of ours: the bridge has its MAC, its addresses and its routes, so that nobody on
/// either side notices. What was there is on disk before the first step. Each step leaves a host that goes on, and can
/// be taken again: join() finishes, or undoes, what another process began. Works in the network namespace of the thread
/// that calls, which has to have CAP_NET_ADMIN and CAP_NET_RAW. One thread at a time.
class Outside {
public:
    explicit Outside(OutsideOptions options);
    ~Outside();

    /// The bridge that leads outside, whether it is there or not; empty: there is none.
    std::string bridge() const;

    /// Error(Invalid), by the name of the option, where the device can't be had: it isn't there, is wireless, is on
    /// another bridge, or rules of others name it.
    void examine() const;

    /// Makes it so, and gives back what was lent before and is wanted no more. Where a gateway answered before and does
    /// not within the patience, all is put back: Error(Broken), and only another call tries again.
    void join();

    /// What has come upon the device since (an address of a DHCP client that knows of no bridge, its route) goes to the
    /// bridge too, and a bridge that somebody removed is made again. Cheap where nothing has changed.
    void follow();

    /// What follow() would have to do, or what was begun and not finished; empty where all is well.
    std::vector<std::string> findings() const;

    /// How the host is on the network outside: of IPv4, the default route's first. Nothing where it has no address.
    std::vector<OutsideNetwork> networks() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
