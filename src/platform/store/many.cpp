#include "platform/store/many.hpp"

#include "platform/json/json.hpp"

namespace stratolet::store {

std::string asList(const std::vector<std::string>& texts) {
    std::string out;
    JsonWriter writer(out);
    {
        const auto list = writer.array();
        for (const auto& each : texts) writer.value(each);
    }
    return out;
}

}
