#include "network/driver/linux_settings.hpp"

#include <fstream>

namespace stratolet::network {

std::string settingOf(const std::string& name) {
    std::ifstream in("/proc/sys/" + name);
    std::string value;
    std::getline(in, value);
    return value;
}

bool set(const std::string& name, const std::string& value) {
    if (settingOf(name) == value) return true;
    std::ofstream out("/proc/sys/" + name);
    out << value;
    out.close();
    return !out.fail();
}

}
