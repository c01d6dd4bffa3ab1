#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/store/store.hpp"
#include "resource/attribute.hpp"

namespace stratolet::resource {

/// The statements of a table, made once from its columns.
struct TableText {
    std::string name;
    char alias = 't'; ///< of one letter, in conditions and in what attributes are found by
    std::string select, find, insert, update;
    std::string selectListed; ///< the rows whose ids are in a JSON array, in its order

    std::string named() const { return name + " " + alias; } ///< "networks n"
    std::string id() const { return std::string(1, alias) + ".id"; }
};

/// A column as the statements need it.
struct ColumnText {
    std::string_view column, expression;
    bool loads = false, kept = false, moves = false; ///< read; written by an insert; written by an update
};
TableText tableText(std::string_view name, char alias, const std::vector<ColumnText>& columns);

/// Where the records of one kind are kept: the attributes that have a column, in one SQL table with the key `id`. A
/// value; made once, at the start of the program, and then only read, by any thread.
template <class Record> class Table {
public:
    /// Fills in what other tables hold of records that were just read; must be few statements for however many.
    using Complete = void (*)(store::Reader&, std::vector<Record>&);

    Table(std::string_view name, char alias, std::vector<Attribute<Record>> attributes, Complete complete = nullptr)
        : attributes_(std::move(attributes)),
          complete_(complete) {
        std::vector<ColumnText> columns;
        for (const auto& each : attributes_) {
            columns.push_back({each.column, each.expression, each.load != nullptr, each.bind != nullptr, moves(each)});
        }
        text_ = tableText(name, alias, columns);
        for (const auto& each : attributes_)
            if (!each.name.empty() && !each.may(Unasked)) words_.push_back(each);
    }

    const TableText& text() const { return text_; }
    const std::vector<Attribute<Record>>& attributes() const { return attributes_; }
    const Words& words() const { return words_; } ///< of the attributes that the API knows

    std::optional<Record> find(store::Reader& db, const std::string& id) const {
        std::optional<Record> found; // made where the caller wants it
        if (complete_ == nullptr) {
            if (auto rows = db.query(text_.find, id); rows.next()) load(found.emplace(), rows.row());
        } else if (auto one = all(db.query(text_.find, id), db); !one.empty()) {
            found = std::move(one.front());
        }
        return found;
    }
    template <class Of> std::optional<Record> find(store::Reader& db, const Id<Of>& id) const {
        return find(db, id.text);
    }

    /// Those that meet `conditions`; `order` is SQL (" ORDER BY … LIMIT …").
    /// `about` how many are to be expected.
    std::vector<Record> list(store::Reader& db, const store::Conditions& conditions, const std::string& order = {},
                             std::size_t about = 0) const {
        return all(db.run(text_.select + conditions.where() + order, conditions.values()), db, about);
    }

    /// The same with conditions of our own writing: " WHERE … ORDER BY …".
    template <class... Args>
    std::vector<Record> where(store::Reader& db, std::string_view sql, const Args&... args) const {
        return all(db.query(text_.select + " " + std::string(sql), args...), db);
    }

    /// Those with these ids, in their order; what isn't there is left out.
    std::vector<Record> listed(store::Reader& db, const std::vector<std::string>& ids) const {
        return all(db.query(text_.selectListed, store::asList(ids)), db, ids.size());
    }

    /// Those of any `rest` behind "SELECT … FROM <table> <alias>", as " JOIN …" or " … LIMIT ?".
    std::vector<Record> run(store::Reader& db, const std::string& rest, const std::vector<store::Value>& values) const {
        return all(db.run(text_.select + rest, values), db);
    }

    void insert(store::Transaction& tx, const Record& record) const { tx.change(text_.insert, bound(record)); }

    /// The same where the store numbers the rows (the id is bound as null): the number.
    std::int64_t insertNumbered(store::Transaction& tx, const Record& record) const {
        return tx.run(text_.insert + " RETURNING id", bound(record)).integer();
    }

    /// Writes what may change.
    void update(store::Transaction& tx, const Record& record) const {
        std::vector<store::Value> values;
        store::Value id = nullptr;
        for (const auto& each : attributes_) {
            if (moves(each)) values.push_back(each.bind(record));
            if (each.column == "id") id = each.bind(record);
        }
        values.push_back(std::move(id));
        tx.change(text_.update, values);
    }

    /// False where there was none.
    template <class AnId> bool remove(store::Transaction& tx, const AnId& id) const {
        return tx.execute("DELETE FROM " + text_.name + " WHERE id = ?", id) != 0;
    }

private:
    std::vector<store::Value> bound(const Record& record) const {
        std::vector<store::Value> values;
        for (const auto& each : attributes_)
            if (each.bind != nullptr) values.push_back(each.bind(record));
        return values;
    }

    static bool moves(const Attribute<Record>& each) {
        return each.bind != nullptr && (each.may(Put) || each.may(Moves));
    }

    std::vector<Record> all(store::Rows rows, store::Reader& db, std::size_t about = 0) const {
        std::vector<Record> records;
        records.reserve(about);
        while (rows.next()) load(records.emplace_back(), rows.row());
        if (complete_ != nullptr && !records.empty()) complete_(db, records);
        return records;
    }

    void load(Record& record, const store::Row& row) const {
        int column = 0;
        for (const auto& each : attributes_)
            if (each.load != nullptr) each.load(record, row, column++);
    }

    std::vector<Attribute<Record>> attributes_;
    Complete complete_ = nullptr;
    TableText text_;
    Words words_;
};

/// All of a record that is shown to anybody, into an object that is open.
template <class Record> void showInto(JsonWriter& out, const Table<Record>& table, const Record& record) {
    for (const auto& each : table.attributes()) {
        if (each.show == nullptr || !each.may(Show) || each.may(Guarded)) continue;
        out.key(each.name);
        each.show(out, record);
    }
}

/// The same as one object.
template <class Record> void show(JsonWriter& out, const Table<Record>& table, const Record& record) {
    const auto object = out.object();
    showInto(out, table, record);
}

/// The same where some of it depends on the request: the fields of the object that `out` is in.
template <class Record>
void showFields(JsonWriter& out, const Table<Record>& table, const Record& record, const http::Request& request) {
    for (const auto& each : table.attributes()) {
        if (!each.may(Show) || each.may(Guarded)) continue;
        if (each.write != nullptr) {
            each.write(out, record, request);
        } else if (each.show != nullptr) {
            out.key(each.name);
            each.show(out, record);
        }
    }
}

/// Puts what a body has into the record: each attribute that is read by its value alone. The body has been checked
/// before.
template <class Record> void readInto(Record& record, const std::vector<Attribute<Record>>& attributes,
                                      const Json& body, const Reading& reading) {
    for (const auto& each : attributes)
        if (each.read != nullptr)
            if (const auto value = body.find(each.name)) each.read(record, *value, reading);
}

/// The id of a record, as text.
template <class Record> const std::string& idOf(const Record& record) {
    if constexpr (requires { record.id.text; })
        return record.id.text;
    else
        return record.id;
}

}
