#include "compute/metadata/metadata_tree.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <span>

#include "compute/encoding.hpp"
#include "compute/metadata/network_document.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/config/config.hpp"
#include "platform/json/json.hpp"
#include "platform/text/text.hpp"

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

std::string idInEc2Form(char kind, std::int64_t number) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%c%s-%08llx", kind, kind == 'a' ? "mi" : "",
                  static_cast<unsigned long long>(number));
    return text.data();
}

/// As guests are told it.
std::string hostNameOf(const MetadataFacts& facts) {
    return facts.domain.empty() ? facts.server.hostname : facts.server.hostname + "." + facts.domain;
}

void addEc2(Tree& tree, const MetadataFacts& facts) {
    const auto& server = facts.server;
    const auto& details = facts.details;
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
    const std::string hostname = hostNameOf(facts);
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
        tree[data + "security-groups"] = joined(groups, "\n");
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

void writeDisk(JsonWriter& out, const Device& disk, const std::string& serial, const std::string& path) {
    if (!disk.tag) return; // only what its owner has tagged is told apart
    const auto device = out.object();
    out.field("type", "disk");
    out.field("bus", disk.bus);
    out.field("serial", serial);
    out.field("path", path);
    const auto tags = out.array("tags");
    out.value(*disk.tag);
}

void writeDevices(JsonWriter& out, const MetadataFacts& facts) {
    const auto devices = out.array("devices");
    for (const auto& tie : facts.details.volumes) writeDisk(out, tie.device, tie.serial(), tie.attachment.device);
    for (const auto& disk : facts.ownDisks) writeDisk(out, disk, ownSerial(disk), disk.name);
    for (const auto& port : facts.details.ports) {
        const auto tag = facts.injected.nicTags.find(port.id.text);
        if (tag == facts.injected.nicTags.end()) continue;
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

std::string metaData(const MetadataFacts& facts, std::string_view version) {
    const auto& server = facts.server;
    const auto since = [&](std::string_view date) { return version >= date || version == "latest"; };
    std::string text;
    JsonWriter out(text);
    {
        const auto scope = out.object();
        out.field("uuid", server.id);
        out.field("name", server.name);
        out.field("hostname", hostNameOf(facts));
        out.field("launch_index", server.launchIndex);
        out.field("availability_zone", server.zone);
        if (!facts.details.metadata.empty()) {
            const auto meta = out.object("meta");
            for (const auto& [name, value] : facts.details.metadata) out.field(name, value);
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
        writeFiles(out, facts.injected);
        if (since("2013-04-04")) out.field("random_seed", base64(facts.randomSeed));
        if (since("2015-10-15")) out.field("project_id", server.project);
        if (since("2016-06-30")) writeDevices(out, facts);
        if (since("2020-10-14")) static_cast<void>(out.array("dedicated_cpus"));
    }
    return text;
}

/// What is told to all, and what services say, each under its name.
std::string secondVendorData(const MetadataFacts& facts) {
    std::string text;
    JsonWriter out(text);
    const auto all = out.object();
    out.rawField("static", facts.vendorData);
    for (const auto& [name, answer] : facts.vendorAnswers) out.rawField(name, answer);
    return text;
}

void addOpenstack(Tree& tree, const MetadataFacts& facts) {
    const auto& files = facts.injected.files;
    for (std::size_t number = 0; number < files.size(); ++number)
        tree["openstack" + contentPath(number)] = files[number].second;
    for (const auto& version : openstackVersions) {
        const std::string root = "openstack/" + std::string(version) + "/";
        const auto since = [&](std::string_view date) { return version >= date || version == "latest"; };
        tree[root + "meta_data.json"] = metaData(facts, version);
        if (facts.server.userData) tree[root + "user_data"] = fromBase64(*facts.server.userData).value_or("");
        if (since("2013-10-17")) tree[root + "vendor_data.json"] = facts.vendorData;
        if (since("2015-10-15")) tree[root + "network_data.json"] = networkDocument(facts.details.ports, facts.subnets);
        if (since("2016-10-06")) tree[root + "vendor_data2.json"] = secondVendorData(facts);
    }
}

/// "openstack/VERSION/name" of a version that has it.
bool isPathOf(std::string_view path, std::string_view since, std::string_view name) {
    while (path.starts_with('/')) path.remove_prefix(1);
    while (path.ends_with('/')) path.remove_suffix(1);
    return std::any_of(openstackVersions.begin(), openstackVersions.end(), [&](const auto& version) {
        return version >= since && path == "openstack/" + std::string(version) + "/" + std::string(name);
    });
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

Tree metadataTree(const MetadataFacts& facts) {
    Tree tree;
    addEc2(tree, facts);
    addOpenstack(tree, facts);
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

Tree metadataOf(Core& core, store::Reader& db, const Server& server, VendorAnswers vendorAnswers) {
    MetadataFacts facts{.server = server, .details = detailsOf(core, db, server)};
    std::vector<std::string> ports;
    std::vector<SubnetId> subnets;
    for (const auto& port : facts.details.ports) {
        ports.push_back(port.id.text);
        for (const auto& ip : port.fixedIps) subnets.push_back(ip.subnet);
    }
    facts.injected = injectedOf(db, server.id, ports);
    facts.subnets = core.network.subnets(db, subnets);
    for (auto& each : DeviceTable::of(db, server.id))
        if (each.local) facts.ownDisks.push_back(std::move(each));
    facts.randomSeed.resize(512);
    core.parts.ambient.randomize(std::as_writable_bytes(std::span(facts.randomSeed)));
    facts.vendorData = vendorDataIn(core.parts.config.text("compute", "vendordata_file"), core.parts.log);
    facts.vendorAnswers = std::move(vendorAnswers);
    facts.domain = core.parts.config.text("compute", "dhcp_domain");
    return metadataTree(facts);
}

void addPassword(Tree& tree, const std::string& password) {
    for (const auto& version : openstackVersions)
        if (isPasswordPath("openstack/" + std::string(version) + "/password"))
            tree["openstack/" + std::string(version) + "/password"] = password;
}

bool isVendorPath(std::string_view path) { return isPathOf(path, "2016-10-06", "vendor_data2.json"); }

bool isPasswordPath(std::string_view path) { return isPathOf(path, "2013-04-04", "password"); }

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
    return MetadataAnswer{plain, joined(names, "\n")};
}

}
