#include "platform/os/boot.hpp"

#include <fstream>

namespace stratolet {

std::string bootId() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(file, id);
    return id;
}

}
