// libvirt's description of a guest whose every text comes from somebody: well-formed XML (enough of it for what we
// write) with the texts inside.

#include <cstdlib>
#include <string>

#include "compute/driver/domain_xml.hpp"
#include "fuzz/target.hpp"
#include "platform/text/text.hpp"

namespace stratolet::fuzz {
namespace {

/// Each tag is closed by its own, attributes are quoted, and entities are the five that XML has.
void requireWellFormed(std::string_view xml) {
    std::vector<std::string> open;
    for (std::size_t at = 0; at < xml.size();) {
        const auto byte = static_cast<unsigned char>(xml[at]);
        if (byte < 0x20 && byte != '\n' && byte != '\t' && byte != '\r') std::abort();
        if (xml[at] == '&') {
            const auto end = xml.find(';', at);
            if (end == std::string_view::npos) std::abort();
            const auto name = xml.substr(at + 1, end - at - 1);
            if (name != "amp" && name != "lt" && name != "gt" && name != "quot" && name != "apos" &&
                !name.starts_with('#'))
                std::abort();
            at = end + 1;
        } else if (xml[at] != '<') {
            ++at;
        } else {
            std::size_t end = at + 1;
            char quote = 0;
            for (; end < xml.size() && (quote || xml[end] != '>'); ++end) {
                if (quote ? xml[end] == quote : xml[end] == '\'' || xml[end] == '"')
                    quote = quote ? 0 : xml[end];
                else if (xml[end] == '<')
                    std::abort();
            }
            if (end >= xml.size()) std::abort();
            const auto tag = xml.substr(at + 1, end - at - 1);
            const auto name = std::string(tag.substr(0, tag.find_first_of(" \n/", tag.starts_with('/') ? 1 : 0)));
            if (name.starts_with('/')) {
                if (open.empty() || open.back() != name.substr(1)) std::abort();
                open.pop_back();
            } else if (!tag.ends_with('/')) {
                open.push_back(name);
            }
            at = end + 1;
        }
    }
    if (!open.empty()) std::abort();
}

}

void run(std::string_view input) {
    Parts parts(input);
    GuestSpec spec;
    spec.vcpus = static_cast<int>(parts.number(16)) + 1;
    spec.memory = MiB{static_cast<std::int64_t>(parts.number(255)) + 1};
    spec.server.text = parts.text();
    spec.name = parts.text();
    spec.project.text = parts.text();
    for (unsigned disks = parts.number(3); disks > 0; --disks) {
        GuestDisk disk;
        disk.serial = parts.text();
        switch (parts.number(2)) {
        case 0: disk.source.at = FileDisk{parts.text()}; break;
        case 1: disk.source.at = BlockDisk{parts.text()}; break;
        default:
            disk.source.at = NetworkDisk{.protocol = DiskProtocol::Rbd,
                                         .name = parts.text(),
                                         .hosts = {{parts.text(), 1}},
                                         .user = parts.text(),
                                         .secret = {parts.text()}};
        }
        disk.source.format = parts.number(1) ? DiskFormat::Raw : DiskFormat::Qcow2;
        disk.device = parts.text();
        disk.root = spec.disks.empty();
        spec.disks.push_back(disk);
    }
    for (unsigned nics = parts.number(3); nics > 0; --nics)
        spec.nics.push_back({{parts.text()}, Tap{parts.text()}, parts.text(), 1500});
    const auto xml =
        compute::domainXml(spec, {.consoleLog = parts.text(), .cloud = parts.text(), .version = parts.text()});
    if (!isUtf8(xml)) std::abort();
    requireWellFormed(xml);
    for (const auto* kind : {"disk", "interface"})
        for (const auto& block : compute::deviceBlocks(xml, kind)) requireWellFormed(block);
    compute::deviceBlocks(input, "disk"); // as libvirt would have written it, or not
    compute::serialOf(input);
    compute::macOf(input);
}

std::vector<std::string> seeds() { return {}; }

}
