#include "appliance/load_metadefs.hpp"

#include <fstream>
#include <iterator>
#include <ostream>

#include <stratolet/error.hpp>

#include "appliance/state_folder.hpp"
#include "image/metadef/metadef.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/store/store.hpp"

namespace stratolet {
namespace {

image::MetadefDocument documentFrom(const std::string& file) {
    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in) throw Error(Failure::Invalid, file, ": cannot be read");
    try {
        return image::metadefDocumentIn(Json::parse(text));
    } catch (const Error& problem) {
        throw Error(Failure::Invalid, file, ": ", problem.what());
    }
}

}

int loadMetadefFiles(const std::filesystem::path& stateDir, const Config& config, const std::vector<std::string>& files,
                     std::ostream& out) {
    std::vector<image::MetadefDocument> documents;
    for (const auto& file : files) documents.push_back(documentFrom(file));
    RealAmbient ambient;
    store::Store store(storeIn(stateDir, config));
    const auto added = store.write([&](store::Transaction& tx) {
        std::vector<bool> all;
        for (const auto& each : documents) all.push_back(image::loadMetadef(tx, each, ambient.now()));
        return all;
    });
    for (std::size_t each = 0; each < documents.size(); ++each)
        out << documents[each].about.name << (added[each] ? ": loaded" : ": is there already, kept") << '\n';
    return 0;
}

}
