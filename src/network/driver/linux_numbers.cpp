#include "network/driver/linux_numbers.hpp"

#include <stratolet/error.hpp>

#include <fstream>

namespace stratolet::network {

namespace {

constexpr int numberMax = 65535;

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
    saved_ = false;
    return of.given[id] = number;
}

void Numbers::free(const std::string& kind, const std::string& id) {
    auto& of = kinds_[kind];
    const auto found = of.given.find(id);
    if (found == of.given.end()) return;
    of.free.insert(found->second);
    of.given.erase(found);
    saved_ = false;
}

void Numbers::keepOnly(const std::string& kind, const std::set<std::string>& ids) {
    std::set<std::string> others;
    for (const auto& [id, number] : kinds_[kind].given)
        if (!ids.contains(id)) others.insert(id);
    for (const auto& id : others) free(kind, id);
}

void Numbers::save() {
    if (saved_) return;
    std::string all;
    for (const auto& [kind, of] : kinds_)
        for (const auto& [id, number] : of.given) all += kind + ' ' + std::to_string(number) + ' ' + id + '\n';
    const auto fresh = file_.string() + ".new";
    std::ofstream out(fresh, std::ios::trunc);
    out << all;
    out.close();
    if (!out) throw Error(Failure::Broken, "could not write ", fresh);
    std::filesystem::rename(fresh, file_);
    saved_ = true;
}

}
