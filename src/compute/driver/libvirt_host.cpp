#include "compute/driver/libvirt_host.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <fstream>
#include <memory>
#include <sys/socket.h>

#include "compute/driver/libvirt_calls.hpp"
#include "platform/os/boot.hpp"
#include "platform/os/fd.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

using namespace libvirt;

MiB machineMemory() {
    // Not from libvirt: it asks sysfs, which is wrong inside some containers.
    std::ifstream facts("/proc/meminfo");
    std::string name;
    std::int64_t kibibytes = 0;
    for (std::string unit; facts >> name >> kibibytes; std::getline(facts, unit)) {
        if (name == "MemTotal:") return {kibibytes >> 10};
    }
    return {0};
}

std::chrono::seconds uptime() {
    std::ifstream file("/proc/uptime");
    double seconds = 0;
    file >> seconds;
    return std::chrono::seconds(static_cast<std::int64_t>(seconds));
}

/// The one that this machine speaks to the world with; nothing is sent to find out (RFC 5737's address is nobody's).
std::string ownAddress() {
    const Fd probe(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(9);
    ::inet_pton(AF_INET, "192.0.2.1", &address.sin_addr);
    socklen_t length = sizeof address;
    std::array<char, INET_ADDRSTRLEN> text{};
    if (!probe || ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0 ||
        !::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size()))
        return "127.0.0.1";
    return text.data();
}

/// What stands between the first `open` and the next `close`.
std::string_view between(std::string_view text, std::string_view open, std::string_view close) {
    const auto begin = text.find(open);
    if (begin == std::string_view::npos) return {};
    text.remove_prefix(begin + open.size());
    const auto end = text.find(close);
    return end == std::string_view::npos ? std::string_view() : text.substr(0, end);
}

int numberIn(std::string_view element, const std::string& attribute) {
    return static_cast<int>(wholeNumberIn(between(element, " " + attribute + "='", "'")).value_or(1));
}

}

std::string refusalOf(const std::string& virtType) {
    if (virtType != "lxc" && virtType != "xen") return {};
    const std::string uri = virtType == "lxc" ? "lxc:///system" : "xen:///system";
    const std::unique_ptr<virConnect, int (*)(virConnectPtr)> there(virConnectOpenReadOnly(uri.c_str()),
                                                                    virConnectClose);
    const std::string instead = "set virt_type = auto and libvirt_uri = qemu:///system";
    const auto why = trouble();
    if (!there)
        return "libvirt on this host has no " + virtType + " guests (" + uri + ": " +
               (why && why->message ? why->message : "no reason given") +
               "); they need its driver (Debian: libvirt-daemon-driver-" + virtType + ") or " + instead;
    return "libvirt on this host has " + virtType +
           " guests, but none are made here: servers boot from disks, by a machine that QEMU is; " + instead;
}

HostCpu cpuIn(std::string_view capabilities) {
    const auto host = between(capabilities, "<host>", "</host>");
    const auto cpu = between(host, "<cpu>", "</cpu>");
    HostCpu found;
    found.architecture = between(cpu, "<arch>", "</arch>");
    found.model = between(cpu, "<model>", "</model>");
    found.vendor = between(cpu, "<vendor>", "</vendor>");
    const auto topology = between(cpu, "<topology", "/>");
    found.sockets = numberIn(topology, "sockets");
    found.cores = numberIn(topology, "cores");
    found.threads = numberIn(topology, "threads");
    found.cells = std::max(1, numberIn(between(host, "<cells", ">"), "num"));
    constexpr std::string_view mark = "<feature name='";
    for (auto at = cpu.find(mark); at != std::string_view::npos; at = cpu.find(mark, at + 1))
        found.features.emplace_back(between(cpu.substr(at), mark, "'"));
    return found;
}

HostReport reportOf(virConnectPtr connection, const std::string& uri, const std::string& virtType) {
    virNodeInfo node{};
    checked(virNodeGetInfo(connection, &node), "ask libvirt about the machine");
    unsigned long version = 0;
    checked(virConnectGetVersion(connection, &version), "ask libvirt for QEMU's version");
    return HostReport{.type = "QEMU",
                      .hostname = taken(virConnectGetHostname(connection), "ask libvirt for the machine's name"),
                      .version = static_cast<int>(version),
                      .vcpus = static_cast<int>(node.cpus),
                      .memory = machineMemory(),
                      .boot = bootId(),
                      .up = uptime(),
                      .virtType = virtType,
                      .uri = uri,
                      .address = ownAddress(),
                      .cpu = cpuIn(taken(virConnectGetCapabilities(connection), "ask libvirt about the processors"))};
}

}
