#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "platform/metrics/metrics.hpp"

namespace stratolet {

namespace store {
class Store;
}

/// A family whose lines are the rows of a statement, read when somebody looks: a value for each of `labels`, in order,
/// then the number.
struct RowGauges {
    std::string_view name, help;
    std::vector<std::string_view> labels;
    std::string_view sql;
    Metrics::For whom = Metrics::For::Anybody;
};

/// `all` and the texts in it live as long as the program.
void gaugeRows(Metrics& metrics, store::Store& store, const std::vector<RowGauges>& all);

}
