#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

namespace stratolet::network {

/// Hears what changes on the host, whoever changes it: devices, rules and named namespaces, and in namespaces also
/// addresses and routes. It tells of everything; whether that is as planned is for who hears it to find out. All calls
/// come on one thread of its own.
class Watch {
public:
    struct Listener {
        std::function<void(const std::set<std::string>& names)>
            links;                                           ///< of the host's own namespace; empty: any of them
        std::function<void()> rules;                         ///< of the host's own namespace
        std::function<void()> namespaces;                    ///< names came or went
        std::function<void(const std::string& name)> inside; ///< something in that namespace
        std::function<void()> tick;                          ///< every few seconds, for what nobody tells of
    };

    /// In the network namespace of the calling thread.
    explicit Watch(Listener listener);
    ~Watch();

    /// Hears of the named namespace, in which the calling thread is, until forget(). What comes of changes till quiet()
    /// is not told.
    void hear(const std::string& name);
    void quiet(const std::string& name);
    void forget(const std::string& name);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
