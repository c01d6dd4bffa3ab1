#include "network/driver/linux_dhcp.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stratolet/error.hpp>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "network/address.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/folder.hpp"
#include "platform/os/netns.hpp"
#include "platform/os/process.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::string contentOf(const fs::path& file) {
    std::ifstream in(file);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

void write(const fs::path& file, const std::string& content) {
    // Beside the folder, where no server looks for hosts.
    const auto fresh = file.parent_path().parent_path() /
                       (file.parent_path().filename().string() + "-" + file.filename().string() + ".new");
    std::ofstream out(fresh, std::ios::trunc);
    out << content;
    out.close();
    if (!out) throw Error(Failure::Broken, "could not write ", fresh.string());
    fs::permissions(fresh,
                    fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read | fs::perms::others_read);
    fs::rename(fresh, file); // in one piece: the server reads a file when it appears
}

/// What a server reads while it runs, one file for each port: leases, what is told to that port alone, names.
constexpr std::array<const char*, 3> folders{"hosts", "options", "names"};

constexpr const char* taggedMarker = "tagged"; ///< the server has read of hosts with options of their own

std::string hostsFolderOption(const fs::path& place) { return "--dhcp-hostsdir=" + (place / "hosts").string(); }

/// Gives a lease back in the name of who had it, so that its address is free for the next at once: a server without a
/// lease file remembers until it ends. In the namespace of this thread.
void release(const DhcpHost& host, const std::string& interface, const std::string& server) {
    const Fd udp(static_cast<int>(check(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP), "open a socket")));
    check(setsockopt(udp.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(),
                     static_cast<socklen_t>(interface.size() + 1)),
          "use the device " + interface);
    std::array<std::uint8_t, 300> packet{};
    packet[0] = 1; // a request
    packet[1] = 1; // Ethernet
    packet[2] = 6;
    const auto address = htonl(static_cast<std::uint32_t>(Address::parse(host.address)->value));
    const auto serverAddress = htonl(static_cast<std::uint32_t>(Address::parse(server)->value));
    std::memcpy(&packet[12], &address, 4);
    for (std::size_t at = 0; at < 6; ++at)
        packet[28 + at] = static_cast<std::uint8_t>(std::stoi(host.mac.substr(at * 3, 2), nullptr, 16));
    const std::array<std::uint8_t, 9> options{0x63, 0x82, 0x53, 0x63, 53, 1, 7, 54, 4}; // cookie, type: release, server
    std::memcpy(&packet[236], options.data(), options.size());
    std::memcpy(&packet[245], &serverAddress, 4);
    packet[249] = 255;
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(67);
    to.sin_addr.s_addr = serverAddress;
    check(sendto(udp.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to),
          "release the lease of " + host.address);
}

/// The first IPv4 host of a hosts file: "mac,address,name".
DhcpHost readHost(const std::string& lines) {
    std::istringstream in(lines);
    DhcpHost host{.mac = {}, .address = {}, .lines = lines};
    for (std::string line; std::getline(in, line);) {
        const auto comma = line.find(','), second = line.find(',', comma + 1);
        if (comma == std::string::npos || second == std::string::npos) continue;
        const auto address = line.substr(comma + 1, second - comma - 1);
        if (!normalMac(line.substr(0, comma)) || !Address::parse(address)) continue;
        host.mac = line.substr(0, comma);
        host.address = address;
        break;
    }
    return host;
}

}

DhcpServers::DhcpServers(fs::path folder) : folder_(std::move(folder)) {}

int DhcpServers::pidOf(const std::string& key) const {
    std::ifstream in(placeOf(key) / "pid");
    int pid = 0;
    return in >> pid ? pid : 0;
}

bool DhcpServers::running(const std::string& key) const {
    const int pid = pidOf(key);
    return pid > 0 && process::runs(pid, hostsFolderOption(placeOf(key)));
}

std::vector<std::string> DhcpServers::keys() const {
    std::vector<std::string> found;
    std::error_code ignored;
    for (const auto& each : fs::directory_iterator(folder_, ignored))
        if (each.is_directory() && isUuid(each.path().filename().string()))
            found.push_back(each.path().filename().string());
    return found;
}

void DhcpServers::writeHost(const fs::path& file, const std::string& lines, Changed& changed) const {
    std::error_code ignored;
    const bool there = fs::exists(file, ignored);
    if (there) {
        const auto before = contentOf(file);
        if (before == lines) return;
        auto host = readHost(before);
        const auto now = readHost(lines);
        if (!host.mac.empty() && (now.mac != host.mac || now.address != host.address))
            changed.voided.push_back(std::move(host));
        changed.rereads = true;
    }
    if (!lines.empty())
        write(file, lines);
    else if (there)
        fs::remove(file);
}

void DhcpServers::writeLines(const fs::path& file, const std::string& lines, Changed& changed) {
    std::error_code ignored;
    const bool there = fs::exists(file, ignored);
    if (there ? contentOf(file) == lines : lines.empty()) return;
    changed.rereads = changed.rereads || there;
    if (!lines.empty())
        write(file, lines);
    else
        fs::remove(file);
}

void DhcpServers::writeAll(const fs::path& place, const std::string& name, const DhcpHost& host,
                           Changed& changed) const {
    if (!host.options.empty()) std::ofstream(place / taggedMarker);
    writeLines(place / "options" / name, host.options, changed); // first: who comes finds what is to be told
    writeLines(place / "names" / name, host.names, changed);
    writeHost(place / "hosts" / name, host.lines, changed);
}

void DhcpServers::start(const DhcpLayout& wanted, const std::string& netns, const std::vector<std::string>& argv) {
    const auto place = placeOf(wanted.key);
    std::string line;
    for (const auto& each : argv) line += each + "\n";
    const int pid = process::spawn({.argv = argv, .netns = netns, .logFile = (place / "log").string()});
    try { // who can't be found again must not run
        write(place / "argv", line);
        write(place / "pid", std::to_string(pid) + '\n');
    } catch (...) {
        process::end(pid, hostsFolderOption(place), 2s);
        throw;
    }
}

void DhcpServers::stop(const std::string& key) {
    const int pid = pidOf(key);
    if (pid <= 0) return;
    process::end(pid, hostsFolderOption(placeOf(key)), 2s);
}

void DhcpServers::ensure(const DhcpLayout& wanted, const std::string& netns, const Hosts& hosts) {
    const auto place = placeOf(wanted.key);
    ensureFolder(place, Lets::OthersThrough);
    std::set<std::string> there;
    for (const auto* each : folders) {
        ensureFolder(place / each, Lets::OthersRead); // dnsmasq looks at it after it has become a user of its own
        for (const auto& file : fs::directory_iterator(place / each)) there.insert(file.path().filename().string());
    }
    Changed changed;
    for (const auto& name : there)
        if (!hosts.contains(name)) writeAll(place, name, {}, changed);
    for (const auto& [name, host] : hosts) writeAll(place, name, host, changed);
    std::vector<std::string> argv{"dnsmasq",
                                  "--keep-in-foreground",
                                  "--conf-file=/dev/null",
                                  "--no-hosts",
                                  "--no-resolv",
                                  "--pid-file=",
                                  "--bind-interfaces",
                                  "--except-interface=lo",
                                  "--interface=" + wanted.interface,
                                  "--leasefile-ro",
                                  "--dhcp-authoritative",
                                  "--dhcp-ignore-clid",
                                  "--dhcp-lease-max=65535",
                                  "--log-facility=-",
                                  "--quiet-dhcp",
                                  "--quiet-dhcp6",
                                  "--quiet-ra",
                                  hostsFolderOption(place),
                                  "--dhcp-optsdir=" + (place / "options").string(),
                                  "--hostsdir=" + (place / "names").string()};
    argv.insert(argv.end(), wanted.options.begin(), wanted.options.end());
    std::string line;
    for (const auto& each : argv) line += each + "\n";

    if (!running(wanted.key) || contentOf(place / "argv") != line) {
        stop(wanted.key);
        start(wanted, netns, argv);
        return;
    }
    tell(wanted, netns, changed);
}

void DhcpServers::change(const DhcpLayout& server, const std::string& netns, const Hosts& hosts) {
    Changed changed;
    for (const auto& [name, host] : hosts) writeAll(placeOf(server.key), name, host, changed);
    tell(server, netns, changed);
}

void DhcpServers::tell(const DhcpLayout& server, const std::string& netns, const Changed& changed) {
    // dnsmasq 2.90 ends where it is to read again after it has read of a host with options of its own.
    const auto marker = placeOf(server.key) / taggedMarker;
    if (std::error_code ignored; changed.rereads && fs::exists(marker, ignored)) {
        std::vector<std::string> argv;
        std::istringstream lines(contentOf(placeOf(server.key) / "argv"));
        for (std::string line; std::getline(lines, line);) argv.push_back(line);
        stop(server.key);
        if (fs::is_empty(placeOf(server.key) / "options")) fs::remove(marker);
        return start(server, netns, argv);
    }
    if (changed.rereads)
        if (const int pid = pidOf(server.key); pid > 0 && process::runs(pid, hostsFolderOption(placeOf(server.key))))
            kill(pid, SIGHUP);
    if (changed.voided.empty() || server.address.empty()) return;
    netns::inside(netns, [&] {
        for (const auto& host : changed.voided) release(host, server.interface, server.address);
    });
}

void DhcpServers::remove(const std::string& key) {
    stop(key);
    std::error_code ignored;
    fs::remove_all(placeOf(key), ignored);
}

}
