#include "network/driver/linux_numbers.hpp"

#include <stratolet/error.hpp>

#include <fstream>

namespace stratolet::network {

namespace {

constexpr int numberMax = 65535;

std::string lineOf(const std::string& kind, int number, const std::string& id) {
    return kind + ' ' + std::to_string(number) + ' ' + id + '\n';
}

}

Numbers::Numbers(std::filesystem::path file) : file_(std::move(file)) {
    std::ifstream in(file_);
    std::map<std::string, std::set<int>> taken;
    std::string kind, id;
    for (int number = 0; in >> kind >> number >> id;)
        if (number > 0 && number <= numberMax && taken[kind].insert(number).second) kinds_[kind].given[id] = number;
    for (const auto& [name, numbers] : taken) {
        auto& of = kinds_[name];
        for (const int number : numbers) {
            for (; of.next < number; ++of.next) of.free.insert(of.next);
            of.next = number + 1;
        }
    }
}

int Numbers::of(const std::string& kind, const std::string& id) {
    auto& of = kinds_[kind];
    if (const auto found = of.given.find(id); found != of.given.end()) return found->second;
    int number = of.next;
    if (!of.free.empty())
        number = of.free.extract(of.free.begin()).value();
    else if (number > numberMax)
        throw Error(Failure::Broken, "more than ", numberMax, " of kind ", kind, " on one host");
    else
        ++of.next;
    added_ += lineOf(kind, number, id);
    return of.given[id] = number;
}

void Numbers::free(const std::string& kind, const std::string& id) {
    auto& of = kinds_[kind];
    const auto found = of.given.find(id);
    if (found == of.given.end()) return;
    of.free.insert(found->second);
    of.given.erase(found);
    stale_ = true;
}

void Numbers::keepOnly(const std::string& kind, const std::set<std::string>& ids) {
    std::set<std::string> others;
    for (const auto& [id, number] : kinds_[kind].given)
        if (!ids.contains(id)) others.insert(id);
    for (const auto& id : others) free(kind, id);
}

void Numbers::save() {
    if (!stale_ && added_.empty()) return;
    const auto write = [](const std::filesystem::path& file, std::ios::openmode mode, const std::string& text) {
        std::ofstream out(file, mode);
        out << text;
        out.close();
        if (!out) throw Error(Failure::Broken, "could not write ", file.string());
    };
    if (!stale_) {
        write(file_, std::ios::app, added_);
    } else {
        std::string all;
        for (const auto& [kind, of] : kinds_)
            for (const auto& [id, number] : of.given) all += lineOf(kind, number, id);
        const auto fresh = file_.string() + ".new";
        write(fresh, std::ios::trunc, all);
        std::filesystem::rename(fresh, file_);
    }
    added_.clear();
    stale_ = false;
}

}
