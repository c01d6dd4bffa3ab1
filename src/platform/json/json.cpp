#include "platform/json/json.hpp"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <unordered_set>

#include <stratolet/error.hpp>

#include "platform/text/text.hpp"

namespace stratolet {
namespace {

using Tree = rapidjson::Value;

const Tree& tree(const void* value) { return *static_cast<const Tree*>(value); }

std::string_view viewOf(const Tree& value) { return {value.GetString(), value.GetStringLength()}; }

/// Builds the document while it watches depth and duplicate names, which RapidJSON itself lets pass.
class Watcher : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Watcher> {
public:
    Watcher(rapidjson::Document& document, int depthMax) : document_(document), depthMax_(depthMax) {}

    bool Null() { return document_.Null(); }
    bool Bool(bool each) { return document_.Bool(each); }
    bool Int(int each) { return document_.Int(each); }
    bool Uint(unsigned each) { return document_.Uint(each); }
    bool Int64(std::int64_t each) { return document_.Int64(each); }
    bool Uint64(std::uint64_t each) { return document_.Uint64(each); }
    bool Double(double each) { return document_.Double(each); }
    bool String(const char* text, rapidjson::SizeType length, bool copy) {
        return isText({text, length}) && document_.String(text, length, copy);
    }
    bool StartObject() {
        names_.emplace_back();
        return deeper() && document_.StartObject();
    }
    bool Key(const char* text, rapidjson::SizeType length, bool copy) {
        if (!names_.back().emplace(text, length).second) {
            complaint_ = "The name \"" + std::string(text, length) + "\" comes twice in one JSON object";
            return false;
        }
        return isText({text, length}) && document_.Key(text, length, copy);
    }
    bool EndObject(rapidjson::SizeType count) {
        names_.pop_back();
        --depth_;
        return document_.EndObject(count);
    }
    bool StartArray() { return deeper() && document_.StartArray(); }
    bool EndArray(rapidjson::SizeType count) {
        --depth_;
        return document_.EndArray(count);
    }

    const std::string& complaint() const { return complaint_; }

private:
    /// RapidJSON takes "\ude00", the second half of a character, for one.
    bool isText(std::string_view text) {
        if (isUtf8(text)) return true;
        complaint_ = "A text has half of a character (RFC 8259, 8.2)";
        return false;
    }
    bool deeper() {
        if (++depth_ <= depthMax_) return true;
        complaint_ = "The JSON is nested deeper than " + std::to_string(depthMax_) + " levels";
        return false;
    }

    rapidjson::Document& document_;
    int depthMax_;
    int depth_ = 0;
    std::vector<std::unordered_set<std::string>> names_;
    std::string complaint_;
};

}

Json Json::parse(std::string_view text, int depthMax) {
    auto document = std::make_shared<rapidjson::Document>();
    rapidjson::MemoryStream bytes(text.data(), text.size());
    rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(bytes);
    rapidjson::Reader reader;
    std::string problem;
    Watcher watcher(*document, depthMax);
    auto generate = [&](rapidjson::Document&) {
        const auto result = reader.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag |
                                         rapidjson::kParseFullPrecisionFlag>(stream, watcher);
        if (result) return true;
        problem = !watcher.complaint().empty()
                      ? watcher.complaint()
                      : std::string("Expecting to find valid JSON: ") + rapidjson::GetParseError_En(result.Code()) +
                            " (at byte " + std::to_string(result.Offset()) + ")";
        return false;
    };
    document->Populate(generate);
    if (!problem.empty()) throw Error(Failure::Invalid, problem);
    const void* root = static_cast<const Tree*>(document.get());
    return Json(std::move(document), root, "");
}

Json::Json(std::shared_ptr<const void> document, const void* value, std::string path)
    : document_(std::move(document)),
      value_(value),
      path_(std::move(path)) {}

bool Json::isNull() const { return tree(value_).IsNull(); }
bool Json::isObject() const { return tree(value_).IsObject(); }
bool Json::isArray() const { return tree(value_).IsArray(); }
bool Json::isText() const { return tree(value_).IsString(); }
bool Json::isInteger() const { return tree(value_).IsInt64(); }
bool Json::isNumber() const { return tree(value_).IsNumber(); }
bool Json::isBoolean() const { return tree(value_).IsBool(); }

std::string Json::text() const {
    if (!isText()) refuse("It must be a string.");
    return std::string(viewOf(tree(value_)));
}

std::int64_t Json::integer() const {
    if (!isInteger()) refuse("It must be a whole number.");
    return tree(value_).GetInt64();
}

double Json::number() const {
    if (!isNumber()) refuse("It must be a number.");
    return tree(value_).GetDouble();
}

bool Json::boolean() const {
    if (!isBoolean()) refuse("It must be true or false.");
    return tree(value_).GetBool();
}

std::vector<Json> Json::items() const {
    if (!isArray()) refuse("It must be a list.");
    std::vector<Json> found;
    found.reserve(tree(value_).Size());
    for (const auto& each : tree(value_).GetArray())
        found.push_back(Json(document_, &each, path_ + "[" + std::to_string(found.size()) + "]"));
    return found;
}

std::vector<std::string> Json::names() const {
    if (!isObject()) refuse("It must be an object.");
    std::vector<std::string> found;
    found.reserve(tree(value_).MemberCount());
    for (const auto& each : tree(value_).GetObject()) found.emplace_back(viewOf(each.name));
    return found;
}

std::size_t Json::size() const { return isArray() ? tree(value_).Size() : isObject() ? tree(value_).MemberCount() : 0; }

std::optional<Json> Json::find(std::string_view name) const {
    if (!isObject()) refuse("It must be an object.");
    const auto found = tree(value_).FindMember(Tree(rapidjson::StringRef(name.data(), name.size())));
    if (found == tree(value_).MemberEnd()) return std::nullopt;
    return Json(document_, &found->value, path_.empty() ? std::string(name) : path_ + "." + std::string(name));
}

Json Json::at(std::string_view name) const {
    auto found = find(name);
    if (!found)
        throw Error(Failure::Invalid, "Invalid input for field/attribute ", path_.empty() ? name : path_, ". '", name,
                    "' is a required property");
    return *std::move(found);
}

Json Json::object(std::string_view name) const {
    Json found = at(name);
    if (!found.isObject()) found.refuse("It must be an object.");
    return found;
}

Json Json::array(std::string_view name) const {
    Json found = at(name);
    if (!found.isArray()) found.refuse("It must be a list.");
    return found;
}

std::string Json::text(std::string_view name) const { return at(name).text(); }
std::string Json::text(std::string_view name, std::string_view otherwise) const {
    const auto found = find(name);
    return found ? found->text() : std::string(otherwise);
}
std::int64_t Json::integer(std::string_view name) const { return at(name).integer(); }
std::int64_t Json::integer(std::string_view name, std::int64_t otherwise) const {
    const auto found = find(name);
    return found ? found->integer() : otherwise;
}
bool Json::boolean(std::string_view name, bool otherwise) const {
    const auto found = find(name);
    return found ? found->boolean() : otherwise;
}
std::optional<std::string> Json::maybeText(std::string_view name) const {
    const auto found = find(name);
    if (!found || found->isNull()) return std::nullopt;
    return found->text();
}

void Json::onlyKnows(std::initializer_list<std::string_view> known) const {
    for (const auto& name : names()) {
        bool expected = false;
        for (const auto each : known) expected = expected || each == name;
        if (!expected)
            throw Error(Failure::Invalid, "Invalid input for field/attribute ", path_.empty() ? name : path_,
                        ". Value: ", shown(), ". Additional properties are not allowed ('", name, "' was unexpected)");
    }
}

std::string Json::dump() const {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    tree(value_).Accept(writer);
    return {buffer.GetString(), buffer.GetSize()};
}

namespace {

constexpr std::string_view hidden = "***";

bool isSecretName(std::string_view name) {
    const auto small = lowered(name);
    // "identity" holds the proofs of a login, whatever a client takes for their form.
    for (const std::string_view whole : {"auth", "identity", "blob", "personality", "user_data", "signature", "key"})
        if (small == whole) return true;
    for (const std::string_view part : {"pass", "secret", "token", "private", "credential"})
        if (small.find(part) != std::string::npos) return true;
    return false;
}

/// A path is names with dots between them, and places in lists behind them in square brackets.
bool leadsToSecret(std::string_view path) {
    for (const auto part : split(path, '.'))
        if (isSecretName(part.substr(0, part.find('[')))) return true;
    return false;
}

void writeShown(rapidjson::Writer<rapidjson::StringBuffer>& writer, const Tree& value) {
    const auto text = [&](std::string_view each) {
        writer.String(each.data(), static_cast<rapidjson::SizeType>(each.size()));
    };
    if (value.IsObject()) {
        writer.StartObject();
        for (const auto& each : value.GetObject()) {
            text(viewOf(each.name));
            if (isSecretName(viewOf(each.name)))
                text(hidden);
            else
                writeShown(writer, each.value);
        }
        writer.EndObject();
    } else if (value.IsArray()) {
        writer.StartArray();
        for (const auto& each : value.GetArray()) // a text with no name of its own may be anything
            if (each.IsString())
                text(hidden);
            else
                writeShown(writer, each);
        writer.EndArray();
    } else {
        value.Accept(writer);
    }
}

std::string shortened(const std::string& text) {
    constexpr std::size_t bytesMax = 200;
    return text.size() <= bytesMax ? text : std::string(beginningOf(text, bytesMax)) + "…";
}

}

std::string Json::shown() const {
    if (leadsToSecret(path_)) return std::string(hidden);
    if (isText()) return shortened(text());
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    writeShown(writer, tree(value_));
    return shortened({buffer.GetString(), buffer.GetSize()});
}

void Json::refuse(std::string_view what) const {
    throw Error(Failure::Invalid, "Invalid input for field/attribute ", path_.empty() ? "body" : path_,
                ". Value: ", shown(), ". ", what);
}

void JsonWriter::separate() {
    if (!first_) out_ += ',';
    first_ = false;
}

JsonWriter::Scope JsonWriter::open(char bracket, char closing) {
    separate();
    out_ += bracket;
    first_ = true;
    return Scope(*this, closing);
}

void JsonWriter::close(char bracket) {
    out_ += bracket;
    first_ = false;
}

void JsonWriter::key(std::string_view name) {
    value(name);
    out_ += ':';
    first_ = true; // no comma before the value
}

namespace {

/// Takes the characters beyond ASCII at the front, U+FFFD for each byte that is none. Returns how many bytes they were.
std::size_t appendBeyondAscii(std::string& out, std::string_view text) {
    std::size_t at = 0;
    while (at < text.size() && static_cast<unsigned char>(text[at]) >= 0x80) {
        const auto length = utf8Sequence(text.substr(at));
        out += length == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(at, length);
        at += std::max<std::size_t>(length, 1);
    }
    return at;
}

/// How many bytes at the front are ASCII that stands for itself (RFC 8259, 7). Eight are looked at together: taking n
/// from each borrows into the highest bit of those that are less, and of none before the first of them.
std::size_t plainLength(std::string_view text) {
    constexpr std::uint64_t each = 0x0101010101010101, highest = 0x80 * each;
    const auto less = [](std::uint64_t bytes, unsigned n) { return (bytes - n * each) & ~bytes & highest; };
    std::size_t at = 0;
    for (std::uint64_t bytes = 0; text.size() - at >= sizeof bytes; at += sizeof bytes) {
        std::memcpy(&bytes, text.data() + at, sizeof bytes);
        if ((bytes & highest) | less(bytes, 0x20) | less(bytes ^ '"' * each, 1) | less(bytes ^ '\\' * each, 1)) break;
    }
    for (; at < text.size(); ++at)
        if (const auto byte = static_cast<unsigned char>(text[at]);
            byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\')
            break;
    return at;
}

}

void JsonWriter::value(std::string_view text) {
    separate();
    constexpr std::string_view hex = "0123456789abcdef";
    out_ += '"';
    for (;;) {
        const auto plain = plainLength(text);
        out_.append(text, 0, plain);
        if (plain == text.size()) break;
        text.remove_prefix(plain);
        const auto byte = static_cast<unsigned char>(text.front());
        if (byte >= 0x80) { // text that isn't UTF-8 never leaves, wherever it came from
            text.remove_prefix(appendBeyondAscii(out_, text));
            continue;
        }
        text.remove_prefix(1);
        switch (byte) {
        case '"': out_ += "\\\""; break;
        case '\\': out_ += "\\\\"; break;
        case '\n': out_ += "\\n"; break;
        case '\r': out_ += "\\r"; break;
        case '\t': out_ += "\\t"; break;
        default: out_.append("\\u00").append(1, hex[byte >> 4]).append(1, hex[byte & 15]);
        }
    }
    out_ += '"';
}

void JsonWriter::value(bool truth) {
    separate();
    out_ += truth ? "true" : "false";
}

void JsonWriter::value(std::int64_t number) {
    separate();
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out_.append(digits.data(), end);
}

void JsonWriter::value(double number) {
    separate();
    std::array<char, 40> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
    out_ += text;
    if (text.find_first_of(".en") == std::string_view::npos) out_ += ".0"; // a float stays one for clients that care
}

void JsonWriter::value(std::nullptr_t) {
    separate();
    out_ += "null";
}

void JsonWriter::raw(std::string_view json) {
    separate();
    out_ += json;
}

std::string jsonText(std::string_view text) {
    std::string quoted;
    JsonWriter(quoted).value(text);
    return quoted;
}

}
