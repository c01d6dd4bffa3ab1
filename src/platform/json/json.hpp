#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stratolet {

/// A parsed JSON value that knows its own path, so that a refusal can name the field. Cheap to copy; keeps its document
/// alive. Every accessor with a `name` reads a member of this object; where the type is wrong it throws Error(Invalid)
/// naming the field.
class Json {
public:
    /// Error(Invalid) where `text` is no JSON, is nested deeper than `depthMax`, or has an object with a name twice.
    static Json parse(std::string_view text, int depthMax = 64);

    /// "server.networks[0].uuid"
    const std::string& path() const { return path_; }

    bool isNull() const;
    bool isObject() const;
    bool isArray() const;
    bool isText() const;
    bool isInteger() const; ///< a whole number within 64 bits
    bool isNumber() const;
    bool isBoolean() const;

    // This value itself.
    std::string text() const;
    std::int64_t integer() const;
    double number() const;
    bool boolean() const;
    std::vector<Json> items() const;        ///< of an array
    std::vector<std::string> names() const; ///< of an object, in order
    std::size_t size() const;               ///< of an array or object

    // Members. `find` gives nothing only where the member is absent; a null is found.
    std::optional<Json> find(std::string_view name) const;
    bool has(std::string_view name) const { return find(name).has_value(); }
    Json at(std::string_view name) const; ///< Error(Invalid) where absent
    Json object(std::string_view name) const;
    Json array(std::string_view name) const;
    std::string text(std::string_view name) const;
    std::string text(std::string_view name, std::string_view otherwise) const; ///< absent (not null): otherwise
    std::int64_t integer(std::string_view name) const;
    std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
    bool boolean(std::string_view name, bool otherwise) const;
    std::optional<std::string> maybeText(std::string_view name) const; ///< nothing where absent or null

    /// Error(Invalid) naming the first member that is not in `known`.
    void onlyKnows(std::initializer_list<std::string_view> known) const;

    /// This value as compact JSON text.
    std::string dump() const;

    /// Throws Error(Invalid) "Invalid input for field/attribute <path>. Value: <value>. <what>" (the wording clients of
    /// this API know). The value stands there as far as it can be no secret: see shown().
    [[noreturn]] void refuse(std::string_view what) const;

    /// This value for a message: "***" instead of what is, or is in, a member whose name is that of a secret (a
    /// password, a token, a key, the proofs of a login …), and of the texts in a list that it shows; and shortened. The
    /// one place where a request's body gets into an answer or a log.
    std::string shown() const;

private:
    Json(std::shared_ptr<const void> document, const void* value, std::string path);
    std::shared_ptr<const void> document_;
    const void* value_; // a rapidjson::Value
    std::string path_;
};

/// Writes JSON straight into a string; no tree in between. Scopes close their bracket when they end. Text that is no
/// UTF-8 is written with U+FFFD in place of what is none.
class JsonWriter {
public:
    explicit JsonWriter(std::string& out) : out_(out) {}
    JsonWriter(const JsonWriter&) = delete;

    class [[nodiscard]] Scope {
    public:
        Scope(JsonWriter& writer, char close) : writer_(writer), close_(close) {}
        Scope(const Scope&) = delete;
        ~Scope() { writer_.close(close_); }

    private:
        JsonWriter& writer_;
        char close_;
    };

    Scope object() { return open('{', '}'); }
    Scope array() { return open('[', ']'); }
    Scope object(std::string_view name) { return key(name), object(); }
    Scope array(std::string_view name) { return key(name), array(); }

    void key(std::string_view name);
    void value(std::string_view text);
    void value(const char* text) { value(std::string_view(text)); }
    void value(const std::string& text) { value(std::string_view(text)); }
    void value(bool truth);
    void value(std::int64_t number);
    void value(int number) { value(static_cast<std::int64_t>(number)); }
    void value(double number);
    void value(std::nullptr_t);
    template <class T> void value(const std::optional<T>& maybe) { maybe ? value(*maybe) : value(nullptr); }
    template <class T>
    requires requires(const T& id) { id.text; }
    void value(const T& id) { value(std::string_view(id.text)); }

    template <class T> void field(std::string_view name, const T& content) { key(name), value(content); }

    /// `json` must be a JSON text already.
    void raw(std::string_view json);
    void rawField(std::string_view name, std::string_view json) { key(name), raw(json); }

private:
    friend class Scope;
    Scope open(char bracket, char closing);
    void close(char bracket);
    void separate();

    std::string& out_;
    bool first_ = true; // nothing stands before the next value at this depth
};

/// `text` as a quoted JSON string.
std::string jsonText(std::string_view text);

}
