#include "compute/metadata/metadata_tree.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <span>

#include "compute/encoding.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/config/config.hpp"
#include "platform/json/json.hpp"

#include <stratolet/error.hpp>

namespace stratolet::compute {
namespace {

using Tree = std::map<std::string, std::string>;

constexpr auto ec2Versions =
    std::to_array<std::string_view>({"1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15",
                                     "2008-02-01", "2008-09-01", "2009-04-04", "latest"});
constexpr auto openstackVersions =
    std::to_array<std::string_view>({"2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06",
                                     "2017-02-22", "2018-08-27", "2020-10-14", "latest"});

/// Domain of the host names that guests are told.
constexpr std::string_view domain = ".novalocal";

std::string idInEc2Form(char kind, std::int64_t number) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%c%s-%08llx", kind, kind == 'a' ? "mi" : "",
                  static_cast<unsigned long long>(number));
    return text.data();
}

std::string joined(const std::set<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += (text.empty() ? "" : "\n") + line;
    return text;
}

void addEc2(Tree& tree, const Server& server, const ServerDetails& details) {
    std::string local, floating;
    std::set<std::string> groups;
    for (const auto& port : details.ports) {
        groups.insert(port.securityGroups.begin(), port.securityGroups.end());
        for (const auto& ip : port.fixedIps) {
            if (ip.address.find(':') != std::string::npos) continue;
            if (local.empty()) local = ip.address;
            if (floating.empty()) floating = ip.floating;
        }
    }
    const std::string hostname = server.hostname + std::string(domain);
    for (std::size_t age = 0; age < ec2Versions.size(); ++age) {
        const std::string root = std::string(ec2Versions[age]) + "/", data = root + "meta-data/";
        const auto since = [&](std::string_view version) {
            return ec2Versions[age] >= version || ec2Versions[age] == "latest";
        };
        tree[data + "ami-id"] = server.image ? idInEc2Form('a', server.number) : "None";
        tree[data + "ami-launch-index"] = std::to_string(server.launchIndex);
        tree[data + "ami-manifest-path"] = "FIXME";
        tree[data + "hostname"] = hostname;
        tree[data + "instance-id"] = idInEc2Form('i', server.number);
        tree[data + "local-ipv4"] = local;
        tree[data + "reservation-id"] = server.reservation;
        tree[data + "security-groups"] = joined(groups);
        if (server.keyName) {
            tree[data + "public-keys/"] = "0=" + *server.keyName; // a listing of its own kind
            tree[data + "public-keys/0/openssh-key"] = server.publicKey;
        }
        if (server.userData) tree[root + "user-data"] = fromBase64(*server.userData).value_or("");
        if (since("2007-01-19")) {
            tree[data + "local-hostname"] = hostname;
            tree[data + "public-hostname"] = hostname;
            tree[data + "public-ipv4"] = floating;
        }
        if (since("2007-08-29")) tree[data + "instance-type"] = server.flavor.name;
        if (since("2007-12-15")) {
            tree[data + "block-device-mapping/ami"] = "vda";
            tree[data + "block-device-mapping/root"] = "/dev/vda";
            int number = 0;
            for (const auto& tie : details.volumes)
                if (!tie.isRoot())
                    tree[data + "block-device-mapping/ebs" + std::to_string(number++)] = tie.attachment.device;
        }
        if (since("2008-02-01")) tree[data + "placement/availability-zone"] = server.zone;
        if (since("2008-09-01")) tree[data + "instance-action"] = "none";
    }
}

void writeDevices(JsonWriter& out, const ServerDetails& details, const Injected& injected) {
    const auto devices = out.array("devices");
    for (const auto& tie : details.volumes) {
        if (!tie.device.tag) continue; // only what its owner has tagged is told apart
        const auto device = out.object();
        out.field("type", "disk");
        out.field("bus", tie.device.bus);
        out.field("serial", tie.serial());
        out.field("path", tie.attachment.device);
        const auto tags = out.array("tags");
        out.value(*tie.device.tag);
    }
    for (const auto& port : details.ports) {
        const auto tag = injected.nicTags.find(port.id.text);
        if (tag == injected.nicTags.end()) continue;
        const auto device = out.object();
        out.field("type", "nic");
        out.field("bus", "none");
        out.field("mac", port.mac);
        const auto tags = out.array("tags");
        out.value(tag->second);
    }
}

/// "/content/0000": where a file that its owner sent along is found.
std::string contentPath(std::size_t number) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "/content/%04zu", number);
    return text.data();
}

void writeFiles(JsonWriter& out, const Injected& injected) {
    if (injected.files.empty()) return;
    const auto files = out.array("files");
    for (std::size_t number = 0; number < injected.files.size(); ++number) {
        const auto file = out.object();
        out.field("content_path", contentPath(number));
        out.field("path", injected.files[number].first);
    }
}

std::string metaData(const Server& server, const ServerDetails& details, const Injected& injected,
                     std::string_view version, const std::string& randomSeed) {
    const auto since = [&](std::string_view date) { return version >= date || version == "latest"; };
    std::string text;
    JsonWriter out(text);
    {
        const auto scope = out.object();
        out.field("uuid", server.id);
        out.field("name", server.name);
        out.field("hostname", server.hostname + std::string(domain));
        out.field("launch_index", server.launchIndex);
        out.field("availability_zone", server.zone);
        if (!details.metadata.empty()) {
            const auto meta = out.object("meta");
            for (const auto& [name, value] : details.metadata) out.field(name, value);
        }
        if (server.keyName) {
            {
                const auto keys = out.object("public_keys");
                out.field(*server.keyName, server.publicKey);
            }
            const auto keys = out.array("keys");
            const auto key = out.object();
            out.field("name", *server.keyName);
            out.field("type", server.keyType);
            out.field("data", server.publicKey);
        }
        writeFiles(out, injected);
        if (since("2013-04-04")) out.field("random_seed", base64(randomSeed));
        if (since("2015-10-15")) out.field("project_id", server.project);
        if (since("2016-06-30")) writeDevices(out, details, injected);
        if (since("2020-10-14")) static_cast<void>(out.array("dedicated_cpus"));
    }
    return text;
}

std::string networkData(const ServerDetails& details) {
    std::string text;
    JsonWriter out(text);
    {
        const auto scope = out.object();
        {
            const auto links = out.array("links");
            for (const auto& port : details.ports) {
                const auto link = out.object();
                out.field("id", port.tap);
                out.field("vif_id", port.id);
                out.field("type", "bridge");
                out.field("mtu", port.mtu);
                out.field("ethernet_mac_address", port.mac);
            }
        }
        {
            const auto networks = out.array("networks");
            int number = 0;
            for (const auto& port : details.ports) {
                bool four = false,
                     six = false; // the first of each kind is described, the rest comes by DHCP or advertisement
                for (const auto& ip : port.fixedIps) {
                    bool& seen = ip.address.find(':') == std::string::npos ? four : six;
                    if (std::exchange(seen, true)) continue;
                    const auto network = out.object();
                    out.field("id", "network" + std::to_string(number++));
                    out.field("type", &seen == &four ? "ipv4_dhcp" : "ipv6_dhcp");
                    out.field("link", port.tap);
                    out.field("network_id", port.network);
                }
            }
        }
        static_cast<void>(out.array("services"));
    }
    return text;
}

void addOpenstack(Tree& tree, const Server& server, const ServerDetails& details, const Injected& injected,
                  const std::string& randomSeed, const std::string& vendorData) {
    for (std::size_t number = 0; number < injected.files.size(); ++number)
        tree["openstack" + contentPath(number)] = injected.files[number].second;
    for (const auto& version : openstackVersions) {
        const std::string root = "openstack/" + std::string(version) + "/";
        const auto since = [&](std::string_view date) { return version >= date || version == "latest"; };
        tree[root + "meta_data.json"] = metaData(server, details, injected, version, randomSeed);
        if (server.userData) tree[root + "user_data"] = fromBase64(*server.userData).value_or("");
        if (since("2013-10-17")) tree[root + "vendor_data.json"] = vendorData;
        if (since("2015-10-15")) tree[root + "network_data.json"] = networkData(details);
        if (since("2016-10-06")) tree[root + "vendor_data2.json"] = "{}";
    }
}

/// Names directly below `folder` ("" or "…/"), sub-folders with a slash at their end.
std::set<std::string> below(const Tree& tree, const std::string& folder) {
    std::set<std::string> names;
    for (auto at = tree.lower_bound(folder); at != tree.end() && at->first.starts_with(folder); ++at) {
        const auto slash = at->first.find('/', folder.size());
        names.insert(at->first.substr(
            folder.size(), slash == std::string::npos ? slash : slash + 1 - folder.size())); // with its slash
    }
    return names;
}

std::string lines(const auto& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : "\n") + std::string(name);
    return text;
}

}

Tree metadataTree(const Server& server, const ServerDetails& details, const Injected& injected,
                  const std::string& randomSeed, const std::string& vendorData) {
    Tree tree;
    addEc2(tree, server, details);
    addOpenstack(tree, server, details, injected, randomSeed, vendorData);
    return tree;
}

std::string vendorDataIn(const std::string& file, Log& log) {
    constexpr std::size_t bytesMax = 64 << 10;
    if (file.empty()) return "{}";
    try {
        std::ifstream stream(file);
        if (!stream) throw Error(Failure::Invalid, "it can't be read");
        std::string text(bytesMax + 1, '\0');
        stream.read(text.data(), static_cast<std::streamsize>(text.size()));
        text.resize(static_cast<std::size_t>(stream.gcount()));
        if (text.size() > bytesMax) throw Error(Failure::Invalid, "it is larger than ", bytesMax, " bytes");
        if (!Json::parse(text).isObject()) throw Error(Failure::Invalid, "it is no JSON object");
        return text;
    } catch (const Error& problem) {
        log.warning("Guests get no vendor data", {{"file", file}, {"because", problem.what()}});
        return "{}";
    }
}

Tree metadataOf(Core& core, store::Reader& db, const Server& server) {
    const auto details = detailsOf(core, db, server);
    std::vector<std::string> ports;
    for (const auto& port : details.ports) ports.push_back(port.id.text);
    std::string seed(512, '\0');
    core.parts.ambient.randomize(std::as_writable_bytes(std::span(seed)));
    return metadataTree(server, details, injectedOf(db, server.id, ports), seed,
                        vendorDataIn(core.parts.config.text("compute", "vendordata_file"), core.parts.log));
}

void addPassword(Tree& tree, const std::string& password) {
    for (const auto& version : openstackVersions)
        if (isPasswordPath("openstack/" + std::string(version) + "/password"))
            tree["openstack/" + std::string(version) + "/password"] = password;
}

bool isPasswordPath(std::string_view path) {
    while (path.starts_with('/')) path.remove_prefix(1);
    return std::any_of(openstackVersions.begin(), openstackVersions.end(), [&](const auto& version) {
        return version >= std::string_view("2013-04-04") && path == "openstack/" + std::string(version) + "/password";
    });
}

std::optional<MetadataAnswer> metadataAt(const Tree& tree, std::string_view path) {
    while (path.starts_with('/')) path.remove_prefix(1);
    while (path.ends_with('/')) path.remove_suffix(1);
    const std::string wanted(path);
    constexpr auto plain = "text/plain; charset=UTF-8";
    if (wanted.empty()) return MetadataAnswer{plain, lines(ec2Versions)};
    if (wanted == "openstack") return MetadataAnswer{plain, lines(openstackVersions)};
    if (wanted.find('/') == std::string::npos &&
        std::find(ec2Versions.begin(), ec2Versions.end(), wanted) == ec2Versions.end())
        return std::nullopt;
    if (const auto found = tree.find(wanted); found != tree.end())
        return MetadataAnswer{wanted.ends_with(".json") ? "application/json"
                              : wanted.ends_with("user_data") || wanted.ends_with("user-data")
                                  ? "application/octet-stream"
                                  : plain,
                              found->second};
    if (const auto listing = tree.find(wanted + "/"); listing != tree.end())
        return MetadataAnswer{plain, listing->second};
    const auto names = below(tree, wanted + "/");
    if (names.empty()) return std::nullopt;
    return MetadataAnswer{plain, joined(names)};
}

}
