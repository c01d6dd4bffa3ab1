#include "compute/codec.hpp"

namespace stratolet::resource {

using Texts = std::map<std::string, std::string>;

Texts Codec<Texts>::load(const store::Row& row, int column) {
    Texts texts;
    const auto json = row.text(column);
    if (json == "{}") return texts;
    const Json object = Json::parse(json);
    for (const auto& name : object.names()) texts[name] = object.text(name);
    return texts;
}

store::Value Codec<Texts>::bind(const Texts& texts) {
    std::string json;
    JsonWriter out(json);
    show(out, texts);
    return json;
}

}
