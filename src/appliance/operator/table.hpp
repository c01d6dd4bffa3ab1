#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "platform/json/json.hpp"

namespace stratolet {

/// Rows with columns of the same width for people to read; a cell of two lines is one line. Without rows: nothing but
/// its head.
class Table {
public:
    explicit Table(std::vector<std::string> head) : head_(std::move(head)) {}
    void add(std::vector<std::string> row);
    bool empty() const { return rows_.empty(); }
    void print(std::ostream& out, const std::string& indent = "") const;

private:
    std::vector<std::string> head_;
    std::vector<std::vector<std::string>> rows_;
};

/// A value for a cell: a text as it is, a number or a truth as JSON writes it, nothing for null and what isn't there.
std::string cell(const Json& object, std::string_view name);

/// Time between two of our ISO times with microseconds, for people: "12.3 ms", "4.56 s", "3 min 20 s". Empty where one
/// is missing.
std::string timeBetween(const std::string& from, const std::string& until);
std::string durationText(std::int64_t micros);
std::string sizeText(std::int64_t bytes); ///< "1.5 GiB"

}
