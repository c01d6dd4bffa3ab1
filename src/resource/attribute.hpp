#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "resource/codec.hpp"

namespace stratolet::http {
struct Request;
}

namespace stratolet::resource {

/// What may be done with an attribute.
enum Use : unsigned {
    Post = 1,     ///< given when the thing is created
    Put = 2,      ///< changed later
    Show = 4,     ///< in every answer
    Filter = 8,   ///< what lists are filtered by
    Moves = 16,   ///< its column changes although nobody may ask for that: a revision, a state
    Guarded = 32, ///< shown only to whom the rule "get_<noun>:<name>" lets see it
    Unasked = 64, ///< shown, but bodies and queries don't know the word
    Sort = 128,   ///< what lists are sorted by
    Needed = 256, ///< whoever creates the thing must give it
    Find = Filter | Sort
};

/// What is true of an attribute whatever the record is: what the dialects look at when they check a body or read a
/// query. Texts are literals, or live as long as the program.
struct Word {
    std::string_view name;        ///< in bodies, answers and queries; empty: a column that the API doesn't know
    Kind kind = Kind::Other;      ///< of JSON
    unsigned use = 0;             ///< of Use
    std::string_view column = {}; ///< empty: kept nowhere
    std::string_view found = {};  ///< SQL for filters and sorting in place of the column, "$" is the table's alias
    bool nullable = false;        ///< its column may be null, which to filters and sorting is empty
    std::size_t lengthMax = 255;  ///< of a text, in characters

    bool may(Use wanted) const { return (use & wanted) != 0; }
    std::string sql(char alias) const;  ///< what filters and sort keys compare; never null
    std::string kept(char alias) const; ///< the column as it is: null, which equals nothing, where nothing is kept
};
using Words = std::vector<Word>;

/// Replaces each "$" of `sql` by the alias.
std::string withAlias(std::string_view sql, char alias);

/// Null where no attribute has that name.
const Word* wordOf(const Words& words, std::string_view name);

/// An attribute of a Record: the one line that all is derived from. Plain pointers; a row costs no look-up and no
/// allocation of ours.
template <class Record> struct Attribute : Word {
    void (*load)(Record&, const store::Row&, int column) = nullptr; ///< from the store; null: not kept
    store::Value (*bind)(const Record&) = nullptr;                  ///< to the store; null: computed by it, or not kept
    void (*show)(JsonWriter&, const Record&) = nullptr;             ///< null: not shown, or by a hook
    void (*read)(Record&, const Json&,
                 const Reading&) = nullptr; ///< from a body that has it, of the right kind; null: by a hook
    /// In place of `show`: writes the fields itself, none, one or several, by what the request says too (links, a
    /// version).
    void (*write)(JsonWriter&, const Record&, const http::Request&) = nullptr;
    std::string_view expression = {}; ///< SQL that is loaded in place of a column, "$" is the table's alias

    /// Its column is not called as the API calls it.
    Attribute in(std::string_view itsColumn) && {
        column = itsColumn;
        return std::move(*this);
    }
    /// Of other JSON than its type is usually read from and shown as.
    Attribute as(Kind itsKind) && {
        kind = itsKind;
        return std::move(*this);
    }
    /// Filtered and sorted by this SQL.
    Attribute foundBy(std::string_view sql) && {
        found = sql;
        return std::move(*this);
    }
    /// The store computes it with this SQL.
    Attribute computed(std::string_view sql) && {
        expression = sql;
        bind = nullptr;
        found = sql;
        return std::move(*this);
    }
    Attribute shown(void (*how)(JsonWriter&, const Record&)) && {
        show = how;
        return std::move(*this);
    }
    /// Is no field of that name, always there, but whatever this writes.
    Attribute written(void (*how)(JsonWriter&, const Record&, const http::Request&)) && {
        write = how;
        return std::move(*this);
    }
    /// How a body's value gets into the record; may refuse.
    Attribute readBy(void (*how)(Record&, const Json&, const Reading&)) && {
        read = how;
        return std::move(*this);
    }
    /// A body has it, but a hook reads it: it takes more than the value.
    Attribute readByHook() && {
        read = nullptr;
        return std::move(*this);
    }
    /// Bodies, answers and queries don't know it.
    Attribute nameless() && {
        name = {};
        return std::move(*this);
    }
};

namespace detail {
template <class T> struct MemberOf;
template <class Owner, class T> struct MemberOf<T Owner::*> { using Record = Owner; };

/// What a path of member pointers leads to.
template <auto... Path> struct Led;
template <auto Last> struct Led<Last> {
    using Record = typename MemberOf<decltype(Last)>::Record;
    static auto& in(Record& record) { return record.*Last; }
    static const auto& in(const Record& record) { return record.*Last; }
    using Value = std::remove_cvref_t<decltype(in(std::declval<Record&>()))>;
};
template <auto First, auto... Rest> struct Led<First, Rest...> {
    using Record = typename MemberOf<decltype(First)>::Record;
    static auto& in(Record& record) { return Led<Rest...>::in(record.*First); }
    static const auto& in(const Record& record) { return Led<Rest...>::in(record.*First); }
    using Value = typename Led<Rest...>::Value;
};

template <class Codec, auto... Path> auto attributeWith(std::string_view name, unsigned use) {
    using Record = typename Led<Path...>::Record;
    Attribute<Record> made;
    made.name = name;
    made.kind = Codec::kind;
    if constexpr (requires { Codec::nullable; }) made.nullable = true;
    made.use = use;
    made.column = name;
    made.load = [](Record& record, const store::Row& row, int column) {
        Led<Path...>::in(record) = Codec::load(row, column);
    };
    made.bind = [](const Record& record) -> store::Value { return Codec::bind(Led<Path...>::in(record)); };
    if constexpr (requires(JsonWriter & out, const Record& record) { Codec::show(out, Led<Path...>::in(record)); })
        if ((use & Show) != 0)
            made.show = [](JsonWriter& out, const Record& record) { Codec::show(out, Led<Path...>::in(record)); };
    if constexpr (requires(const Json& json, const Reading& reading) {
                      Codec::read(json, reading, Led<Path...>::in(std::declval<Record&>()));
                  })
        if ((use & (Post | Put)) != 0)
            made.read = [](Record& record, const Json& json, const Reading& reading) {
                Codec::read(json, reading, Led<Path...>::in(record));
            };
    return made;
}
}

/// The attribute that a member holds: `attribute<&Network::shared>("shared", Post | Put | Show | Find)`; of a part of
/// the record by a path: `attribute<&Network::standard, &Standard::name>(…)`. What C++ type the member has says how it
/// is kept, read and shown (codec.hpp).
template <auto... Path> auto attribute(std::string_view name, unsigned use) {
    return detail::attributeWith<Codec<typename detail::Led<Path...>::Value>, Path...>(name, use);
}

/// The same of a text or id where empty means none: null in the store and in answers.
template <auto... Path> auto maybe(std::string_view name, unsigned use) {
    return detail::attributeWith<EmptyIsNull<typename detail::Led<Path...>::Value>, Path...>(name, use);
}

/// A column that the API has no word for.
template <auto... Path> auto column(std::string_view name, unsigned use = 0) {
    return attribute<Path...>(name, use).nameless();
}

template <auto... Path> auto maybeColumn(std::string_view name, unsigned use = 0) {
    return maybe<Path...>(name, use).nameless();
}

/// An attribute that no column holds: shown by `show`, or by a hook where that is null; `sql` is what lists find by.
template <class Record> Attribute<Record> computed(std::string_view name, Kind kind, unsigned use,
                                                   void (*show)(JsonWriter&, const Record&) = nullptr,
                                                   std::string_view sql = {}) {
    Attribute<Record> made;
    made.name = name;
    made.kind = kind;
    made.use = use;
    made.show = show;
    made.found = sql;
    return made;
}

/// An attribute that the rest of the record says: its column is written, by `bind`, and never read.
template <class Record> Attribute<Record> derived(std::string_view name, Kind kind, unsigned use,
                                                  store::Value (*bind)(const Record&),
                                                  void (*show)(JsonWriter&, const Record&) = nullptr) {
    auto made = computed<Record>(name, kind, use, show);
    made.column = name;
    made.bind = bind;
    return made;
}

/// Of what is never there.
inline constexpr auto showNull = [](JsonWriter& out, const auto&) { out.value(nullptr); };

/// `more` behind `first`.
template <class Record>
std::vector<Attribute<Record>> joined(std::vector<Attribute<Record>> first, std::vector<Attribute<Record>> more) {
    first.insert(first.end(), more.begin(), more.end());
    return first;
}

}
