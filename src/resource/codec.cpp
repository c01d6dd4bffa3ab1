#include "resource/codec.hpp"

namespace stratolet::resource {

std::vector<std::string> decodedTexts(const std::string& json) {
    std::vector<std::string> out;
    if (json == "[]") return out;
    for (const auto& each : Json::parse(json).items()) out.push_back(each.text());
    return out;
}

}
