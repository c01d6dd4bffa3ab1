#include "resource/codec.hpp"

namespace stratolet::resource {

std::string encodedTexts(const std::vector<std::string>& texts) {
    std::string out;
    JsonWriter writer(out);
    {
        const auto list = writer.array();
        for (const auto& each : texts) writer.value(each);
    }
    return out;
}

std::vector<std::string> decodedTexts(const std::string& json) {
    std::vector<std::string> out;
    if (json == "[]") return out;
    for (const auto& each : Json::parse(json).items()) out.push_back(each.text());
    return out;
}

}
