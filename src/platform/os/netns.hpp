#pragma once

#include <functional>
#include <string>
#include <vector>

#include "platform/os/fd.hpp"

namespace stratolet {

/// Named network namespaces as iproute2 keeps them (/run/netns/NAME). All of them ensure.
namespace netns {
void ensure(const std::string& name); ///< made, with loopback up
void remove(const std::string& name); ///< gone, if nothing else holds it
bool exists(const std::string& name);
Fd open(const std::string& name); ///< Error(Broken) where there is none
std::vector<std::string> list();

/// Runs `work` on a thread of its own inside the namespace, so that no other thread is ever in the wrong one. What it
/// throws comes back.
void inside(const std::string& name, const std::function<void()>& work);
}

}
