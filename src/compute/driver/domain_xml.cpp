#include "compute/driver/domain_xml.hpp"

#include <algorithm>
#include <sstream>

#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

/// Length of the UTF-8 sequence at the start of `text`, 0 where there is none that XML 1.0 may carry.
std::size_t sequenceLength(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x20 && first != '\t' && first != '\n' && first != '\r') return 0;
    if (text.starts_with("\xef\xbf\xbe") || text.starts_with("\xef\xbf\xbf")) return 0; // U+FFFE, U+FFFF
    return utf8Sequence(text);
}

std::string attribute(std::string_view name, std::string_view content) {
    std::string written = " ";
    written += name;
    written += "='";
    written += xmlEscaped(content);
    return written += '\'';
}

std::string element(std::string_view name, std::string_view content) {
    std::string written = "<";
    written += name;
    written += '>';
    written += xmlEscaped(content);
    written += "</";
    written += name;
    return written += '>';
}

/// The `type` of a <disk>, and its <source>.
struct Reached {
    std::string_view type;
    std::string source;
};

std::string_view secretTypeOf(DiskProtocol protocol) {
    return protocol == DiskProtocol::Rbd ? "ceph" : nameOf(protocol);
}

Reached reached(const FileDisk& file) { return {"file", "<source" + attribute("file", file.path.string()) + "/>"}; }

Reached reached(const BlockDisk& block) { return {"block", "<source" + attribute("dev", block.path.string()) + "/>"}; }

Reached reached(const NetworkDisk& disk) {
    std::string source = "<source" + attribute("protocol", nameOf(disk.protocol)) + attribute("name", disk.name) + ">";
    for (const auto& host : disk.hosts) {
        source += "<host" + attribute("name", host.host);
        if (host.port != 0) source += attribute("port", std::to_string(host.port));
        source += "/>";
    }
    if (!disk.user.empty())
        source += "<auth" + attribute("username", disk.user) + "><secret" +
                  attribute("type", secretTypeOf(disk.protocol)) + attribute("uuid", disk.secret.text) + "/></auth>";
    return {"network", source + "</source>"};
}

/// The `type` of an <interface>, and its <target>.
struct Plugged {
    std::string_view type;
    std::string target;
};

Plugged plugged(const Tap& tap) { return {"ethernet", "<target" + attribute("dev", tap.device) + " managed='no'/>"}; }

std::string between(std::string_view text, std::string_view before, std::string_view after) {
    const auto start = text.find(before);
    if (start == std::string_view::npos) return {};
    const auto from = start + before.size();
    const auto end = text.find(after, from);
    return end == std::string_view::npos ? std::string() : std::string(text.substr(from, end - from));
}

}

std::string xmlEscaped(std::string_view text) {
    std::string escaped;
    escaped.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = sequenceLength(text);
        switch (length == 0 ? '?' : text[0]) {
        case '&': escaped += "&amp;"; break;
        case '<': escaped += "&lt;"; break;
        case '>': escaped += "&gt;"; break;
        case '\'': escaped += "&apos;"; break;
        case '"': escaped += "&quot;"; break;
        case '\n': escaped += "&#10;"; break;
        case '\r': escaped += "&#13;"; break;
        case '\t': escaped += "&#9;"; break;
        default: length == 0 ? escaped += '?' : escaped += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return escaped;
}

std::string markXml(const std::string& server, const std::string& name, const std::string& project,
                    const std::string& cloud) {
    std::ostringstream xml;
    xml << "<stratolet:guest xmlns:stratolet='" << guestNamespace << "'><stratolet:server" << attribute("id", server)
        << attribute("name", name) << attribute("project", project) << attribute("cloud", cloud)
        << "/></stratolet:guest>";
    return std::move(xml).str();
}

namespace {

/// Of an element as libvirt writes it: ` name="content"`. What it says is escaped there, quotes too, so no content can
/// look like this.
std::string written(std::string_view name, std::string_view content) {
    return " " + std::string(name) + "=\"" + xmlEscaped(content) + '"';
}

}

bool isMarkOf(std::string_view mark, std::string_view cloud) {
    return mark.find(written("cloud", cloud)) != std::string_view::npos;
}

std::optional<std::string> markAnew(std::string_view mark, std::string_view folder, std::string_view cloud) {
    const auto before = written("home", folder);
    const auto at = mark.find(before);
    if (at == std::string_view::npos) return std::nullopt;
    std::string anew(mark);
    return anew.replace(at, before.size(), written("cloud", cloud));
}

std::string diskXml(const GuestDisk& disk) {
    const auto [type, source] = std::visit([](const auto& place) { return reached(place); }, disk.source.at);
    std::ostringstream xml;
    xml << "<disk type='" << type << "' device='" << (disk.cdrom ? "cdrom" : "disk") << "'>"
        << "<driver name='qemu' type='" << nameOf(disk.source.format) << (disk.cdrom ? "'/>" : "' discard='unmap'/>")
        << source;
    // A raw disk is written by its guest: whatever it may look like, nothing stands behind it.
    if (disk.source.format == DiskFormat::Raw) xml << "<backingStore/>";
    xml << "<target" << attribute("dev", disk.device) << attribute("bus", disk.bus) << "/>";
    if (disk.source.readOnly || disk.cdrom) xml << "<readonly/>";
    if (disk.source.shared) xml << "<shareable/>";
    if (disk.bootOrder > 0) xml << "<boot order='" << disk.bootOrder << "'/>";
    if (!disk.limits.empty()) {
        xml << "<iotune>";
        for (const auto& [name, most] : disk.limits) xml << element(name, std::to_string(most));
        xml << "</iotune>";
    }
    if (!disk.serial.empty()) xml << element("serial", disk.serial);
    if (!disk.source.luks.empty())
        xml << "<encryption format='luks'><secret type='passphrase'" << attribute("uuid", disk.source.luks.text)
            << "/></encryption>";
    xml << "</disk>";
    return std::move(xml).str();
}

namespace {

std::string rateXml(std::string_view way, const GuestNic::Rate& rate) {
    if (rate == GuestNic::Rate()) return {};
    std::string xml = "<" + std::string(way) + attribute("average", std::to_string(rate.average));
    if (rate.peak > 0) xml += attribute("peak", std::to_string(rate.peak));
    if (rate.burst > 0) xml += attribute("burst", std::to_string(rate.burst));
    return xml + "/>";
}

bool isQ35(const GuestShape& shape) { return shape.machine.find("q35") != std::string::npos; }

std::string osXml(const GuestShape& shape) {
    std::ostringstream xml;
    xml << (shape.uefi ? "<os firmware='efi'>" : "<os>") << "<type arch='x86_64'" << attribute("machine", shape.machine)
        << ">hvm</type>";
    // Without a word libvirt takes a firmware with secure boot, which most systems don't start under.
    if (shape.uefi) {
        const auto* const secure = shape.secureBoot ? "yes" : "no";
        xml << "<firmware><feature enabled='" << secure << "' name='secure-boot'/><feature enabled='" << secure
            << "' name='enrolled-keys'/></firmware>";
    }
    xml << "<smbios mode='sysinfo'/></os>";
    return std::move(xml).str();
}

std::string featuresXml(const GuestShape& shape) {
    std::string xml = "<features><acpi/><apic/>";
    if (shape.hidesHypervisor) xml += "<kvm><hidden state='on'/></kvm>";
    if (shape.secureBoot) xml += "<smm state='on'/>";
    return xml + "</features>";
}

std::string listOf(const std::vector<int>& numbers) {
    std::string list;
    for (const int each : numbers) list += (list.empty() ? "" : ",") + std::to_string(each);
    return list;
}

std::string cpuXml(const GuestShape& shape, bool kvm) {
    std::ostringstream xml;
    // Software emulation has no host CPU to pass on; all it can do is the most a distribution may ask for.
    xml << (kvm ? "<cpu mode='host-model'" : "<cpu mode='maximum'");
    if (!shape.topology && shape.cells.empty()) {
        xml << "/>";
        return std::move(xml).str();
    }
    xml << ">";
    if (shape.topology)
        xml << "<topology sockets='" << shape.topology->sockets << "' cores='" << shape.topology->cores << "' threads='"
            << shape.topology->threads << "'/>";
    if (!shape.cells.empty()) {
        xml << "<numa>";
        int number = 0;
        for (const auto& cell : shape.cells)
            xml << "<cell id='" << number++ << "' cpus='" << listOf(cell.cpus) << "' memory='" << cell.memory.count
                << "' unit='MiB'/>";
        xml << "</numa>";
    }
    xml << "</cpu>";
    return std::move(xml).str();
}

/// What of the host's processors and memory it gets.
std::string tuningXml(const GuestShape& shape) {
    std::string xml;
    if (shape.pageKiB > 0)
        xml += "<memoryBacking><hugepages><page" + attribute("size", std::to_string(shape.pageKiB)) +
               " unit='KiB'/></hugepages></memoryBacking>";
    if (shape.cpuShares > 0 || shape.cpuPeriod > 0 || shape.cpuQuota != 0) {
        xml += "<cputune>";
        if (shape.cpuShares > 0) xml += element("shares", std::to_string(shape.cpuShares));
        if (shape.cpuPeriod > 0) xml += element("period", std::to_string(shape.cpuPeriod));
        if (shape.cpuQuota != 0) xml += element("quota", std::to_string(shape.cpuQuota));
        xml += "</cputune>";
    }
    return xml;
}

/// A q35 machine takes on as many devices while it runs as it has free ports.
std::string controllersXml(const GuestSpec& spec) {
    constexpr int portsToPlugInto = 16;
    std::string xml;
    if (isQ35(spec.shape)) {
        xml += "<controller type='pci' index='0' model='pcie-root'/>";
        for (int port = 0; port < portsToPlugInto; ++port) xml += "<controller type='pci' model='pcie-root-port'/>";
    }
    const bool scsi =
        std::any_of(spec.disks.begin(), spec.disks.end(), [](const auto& each) { return each.bus == "scsi"; });
    if (scsi || !spec.shape.scsiController.empty())
        xml += "<controller type='scsi' index='0'" +
               attribute("model", spec.shape.scsiController.empty() ? "virtio-scsi" : spec.shape.scsiController) + "/>";
    return xml;
}

std::string videoXml(const GuestShape& shape) {
    const std::string model = "<video><model" + attribute("type", shape.video);
    if (shape.videoMiB == 0 || shape.video == "none") return model + "/></video>";
    return model + attribute("vram", std::to_string(shape.videoMiB * 1024)) + "/></video>";
}

std::string serialXml(int port, const std::filesystem::path& log) {
    std::string xml = "<serial type='pty'>";
    if (port == 0) xml += "<log" + attribute("file", log.string()) + " append='on'/>";
    return xml + "<target port='" + std::to_string(port) + "'/></serial>";
}

std::string randomXml(const GuestShape& shape) {
    std::string xml = "<rng model='virtio'>";
    if (shape.randomBytes > 0)
        xml += "<rate" + attribute("period", std::to_string(shape.randomPeriod)) +
               attribute("bytes", std::to_string(shape.randomBytes)) + "/>";
    return xml + "<backend model='random'>/dev/urandom</backend></rng>";
}

/// All devices but disks and interfaces.
std::string otherDevicesXml(const GuestShape& shape, const DomainOptions& options) {
    std::string xml;
    for (int port = 0; port < shape.serialPorts; ++port) xml += serialXml(port, options.consoleLog);
    if (shape.agent) xml += "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>";
    if (!shape.pointerBus.empty()) xml += "<input type='tablet'" + attribute("bus", shape.pointerBus) + "/>";
    // Whoever is led to it has been asked for a token; others than the host itself don't reach it.
    if (shape.graphics)
        xml += "<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'><listen type='address' "
               "address='127.0.0.1'/></graphics>";
    xml += videoXml(shape);
    if (!shape.watchdog.empty()) xml += "<watchdog model='i6300esb'" + attribute("action", shape.watchdog) + "/>";
    xml += "<memballoon model='virtio'><stats period='10'/></memballoon>";
    if (shape.random) xml += randomXml(shape);
    if (!shape.tpm.empty())
        xml += "<tpm" + attribute("model", shape.tpm) + "><backend type='emulator'" +
               attribute("version", shape.tpmVersion) + "/></tpm>";
    return xml;
}

}

std::string nicXml(const GuestNic& nic) {
    const auto [type, target] = std::visit([](const auto& vif) { return plugged(vif); }, nic.vif);
    std::ostringstream xml;
    xml << "<interface type='" << type << "'><mac" << attribute("address", nic.mac) << "/>" << target << "<model"
        << attribute("type", nic.model) << "/>";
    if (nic.queues > 1) xml << "<driver queues='" << nic.queues << "'/>";
    if (nic.in != GuestNic::Rate() || nic.out != GuestNic::Rate())
        xml << "<bandwidth>" << rateXml("inbound", nic.in) << rateXml("outbound", nic.out) << "</bandwidth>";
    xml << "<mtu size='" << nic.mtu << "'/></interface>";
    return std::move(xml).str();
}

std::string domainXml(const GuestSpec& spec, const DomainOptions& options) {
    const bool kvm = options.virtType == "kvm";
    std::ostringstream xml;
    xml << "<domain" << attribute("type", options.virtType) << ">" << element("name", "stratolet-" + spec.server.text)
        << element("uuid", spec.server.text) << "<metadata>"
        << markXml(spec.server.text, spec.name, spec.project.text, options.cloud) << "</metadata>"
        << "<memory unit='MiB'>" << spec.memory.count << "</memory><currentMemory unit='MiB'>" << spec.memory.count
        << "</currentMemory>"
        << "<vcpu placement='static'>" << spec.vcpus
        << "</vcpu>"
        // cloud-init looks for these words before it asks anybody for metadata.
        << "<sysinfo type='smbios'><system><entry name='manufacturer'>OpenStack Foundation</entry><entry "
           "name='product'>OpenStack "
           "Nova</entry>"
        << "<entry" << attribute("name", "version") << ">" << xmlEscaped(options.version) << "</entry>"
        << "<entry name='serial'>" << xmlEscaped(spec.server.text) << "</entry><entry name='uuid'>"
        << xmlEscaped(spec.server.text) << "</entry>"
        << "<entry name='family'>Virtual Machine</entry></system></sysinfo>" << tuningXml(spec.shape)
        << osXml(spec.shape) << featuresXml(spec.shape) << cpuXml(spec.shape, kvm) << "<clock offset='utc'>";
    if (kvm) xml << "<timer name='pit' tickpolicy='delay'/><timer name='rtc' tickpolicy='catchup'/>";
    xml << "<timer name='hpet' present='no'/></clock>"
        << "<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash><devices>"
        << controllersXml(spec);
    for (const auto& disk : spec.disks) xml << diskXml(disk);
    for (const auto& nic : spec.nics) xml << nicXml(nic);
    xml << otherDevicesXml(spec.shape, options) << "</devices></domain>";
    return std::move(xml).str();
}

std::vector<std::string> deviceBlocks(std::string_view domain, std::string_view kind) {
    const std::string opening = "<" + std::string(kind) + " ", closing = "</" + std::string(kind) + ">";
    std::vector<std::string> blocks;
    for (auto start = domain.find(opening); start != std::string_view::npos;) {
        const auto end = domain.find(closing, start);
        if (end == std::string_view::npos) break;
        blocks.emplace_back(domain.substr(start, end + closing.size() - start));
        start = domain.find(opening, end);
    }
    return blocks;
}

std::string placedAs(const std::string& device, std::string_view defined) {
    constexpr std::string_view opening = "<address type='pci'", closing = "/>";
    const auto place = between(defined, opening, closing);
    const auto end = device.rfind("</");
    if (place.empty() || end == std::string::npos) return device;
    return device.substr(0, end) + std::string(opening) + place + std::string(closing) + device.substr(end);
}

std::string serialOf(std::string_view disk) { return between(disk, "<serial>", "</serial>"); }

std::string targetOf(std::string_view disk) { return between(disk, "<target dev='", "'"); }

namespace {

/// What xmlEscaped() was given, as libvirt writes it.
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size();) {
        constexpr std::pair<std::string_view, char> entities[] = {
            {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&apos;", '\''}, {"&quot;", '"'}};
        const auto* const found = std::find_if(std::begin(entities), std::end(entities), [&](const auto& each) {
            return text.substr(at).starts_with(each.first);
        });
        plain += found == std::end(entities) ? text[at] : found->second;
        at += found == std::end(entities) ? 1 : found->first.size();
    }
    return plain;
}

}

std::vector<std::string> filesOf(std::string_view disk) {
    std::vector<std::string> files;
    // A copy that is under way stands in an element of its own.
    const auto mirror = disk.find("<mirror"), after = disk.find("</mirror>");
    for (auto at = disk.find("<source "); at != std::string_view::npos; at = disk.find("<source ", at + 1)) {
        if (mirror != std::string_view::npos && at > mirror && at < after) continue;
        const auto source = disk.substr(at, disk.find('>', at) - at);
        for (const auto* key : {" file='", " dev='"})
            if (auto file = between(source, key, "'"); !file.empty()) files.push_back(unescaped(file));
    }
    return files;
}

std::vector<SecretNamed> secretsIn(std::string_view xml) {
    std::vector<SecretNamed> found;
    for (auto at = xml.find("<secret "); at != std::string_view::npos; at = xml.find("<secret ", at + 1)) {
        const auto element = xml.substr(at, xml.find('>', at) - at);
        SecretNamed each{between(element, " type='", "'"), between(element, " uuid='", "'")};
        if (!each.id.empty() && std::find(found.begin(), found.end(), each) == found.end())
            found.push_back(std::move(each));
    }
    return found;
}

std::string macOf(std::string_view nic) { return lowered(between(nic, "<mac address='", "'")); }

}
