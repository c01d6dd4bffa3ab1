#include "platform/metrics/gauge_rows.hpp"

#include "platform/store/store.hpp"

namespace stratolet {

void gaugeRows(Metrics& metrics, store::Store& store, const std::vector<RowGauges>& all) {
    for (const auto& each : all)
        metrics.gauges(
            each.name, each.help,
            [&store, &each] {
                return store.reader().query(each.sql).all<Metrics::Sample>([&](const store::Row& row) {
                    Metrics::Sample sample;
                    int column = 0;
                    for (const auto label : each.labels)
                        sample.labels = metricLabel(label, row.text(column++), sample.labels);
                    sample.value = row.real(column);
                    return sample;
                });
            },
            each.whom);
}

}
