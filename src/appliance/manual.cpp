#include "appliance/manual.hpp"
#include "platform/text/text.hpp"

#include <algorithm>
#include <map>
#include <ostream>
#include <set>
#include <sstream>
#include <utility>

#include <stratolet/error.hpp>

namespace stratolet {
namespace {

/// Text as man(7) prints it as it is: no macro at the beginning of a line, "-" as one that can be copied.
std::string plain(std::string_view text) {
    std::string out;
    if (text.starts_with('.') || text.starts_with('\'')) out = "\\&";
    for (const char each : text)
        out += each == '\\' ? std::string("\\e") : each == '-' ? std::string("\\-") : std::string(1, each);
    return out;
}

std::string bold(std::string_view text) { return "\\fB" + plain(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + plain(text) + "\\fR"; }

void writeHead(std::ostream& out, std::string_view name, int chapter, const std::string& version,
               std::string_view summary) {
    out << ".TH " << name << ' ' << chapter << " \"\" \"stratolet " << version << "\" \"Stratolet\"\n"
        << ".SH NAME\n"
        << plain(name) << " \\- " << plain(summary) << '\n';
}

/// Options that stand together below one comment.
struct Described {
    std::string section, comment;
    std::vector<std::string> keys;
};

std::vector<Described> describedIn(std::string_view commented) {
    std::vector<Described> all;
    std::string section;
    Described now;
    const auto finish = [&] {
        if (!now.keys.empty()) all.push_back(std::move(now));
        now = {};
        now.section = section;
    };
    std::istringstream lines{std::string(commented)};
    for (std::string line; std::getline(lines, line);) {
        if (line.empty()) {
            finish();
        } else if (line.starts_with('[')) {
            finish();
            section = now.section = line.substr(1, line.find(']') - 1);
        } else if (line.starts_with('#')) {
            if (!now.keys.empty()) finish();
            now.comment += line.substr(std::min<std::size_t>(2, line.size())) + "\n";
        } else {
            now.keys.push_back(line.substr(0, line.find(' ')));
        }
    }
    finish();
    return all;
}

/// As the table names it: [backend file] is one of "backend *".
std::string tableSection(const std::string& section) {
    const auto space = section.find(' ');
    return space == std::string::npos ? section : section.substr(0, space) + " *";
}

/// Lines that are indented stay as they are: they are tables.
void writeComment(std::ostream& out, const std::string& comment) {
    std::istringstream lines(comment);
    bool table = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(' ') != table) out << (table ? ".fi\n" : ".nf\n");
        table = line.starts_with(' ');
        if (!line.empty()) out << plain(line) << '\n';
    }
    if (table) out << ".fi\n";
}

/// Inside single quotes of a shell.
std::string inQuotes(std::string_view text) {
    std::string out = "'";
    for (const char each : text) out += each == '\'' ? std::string("'\\''") : std::string(1, each);
    return out + "'";
}

std::string firstWord(const CommandText& command) { return command.words.substr(0, command.words.find(' ')); }

std::string secondWord(const CommandText& command) {
    const auto space = command.words.find(' ');
    return space == std::string::npos ? "" : command.words.substr(space + 1);
}

/// By the first word, what may follow it: a second word, or options.
std::map<std::string, std::set<std::string>> wordsBehind(const std::vector<CommandText>& commands) {
    std::map<std::string, std::set<std::string>> behind;
    for (const auto& each : commands) {
        auto& words = behind[firstWord(each)];
        if (const auto second = secondWord(each); !second.empty()) words.insert(second);
        for (const auto& option : each.options) words.insert(option.name);
    }
    return behind;
}

}

void writeProgramPage(std::ostream& out, const std::vector<CommandText>& commands, const std::string& version) {
    writeHead(out, "stratolet", 8, version, "an OpenStack-compatible cloud in one process");
    out << ".SH SYNOPSIS\n.B stratolet\n.I COMMAND\n.RI [ OPTION ]...\n"
        << ".SH DESCRIPTION\n"
        << "One process hosts identity (Keystone v3), image (Glance v2), block storage (Cinder v3), network (Neutron\n"
        << "v2.0) and compute (Nova v2.1) on one store, and drives libvirt, bridges, network namespaces, nftables and\n"
        << "dnsmasq of the host. Clients are those of OpenStack.\n"
        << ".SH COMMANDS\n";
    for (const auto& each : commands) {
        out << ".TP\n" << bold("stratolet " + each.words);
        if (!each.operands.empty()) out << ' ' << italic(each.operands);
        out << '\n' << plain(each.summary) << ".\n.RS\n";
        for (const auto& option : each.options) {
            out << ".TP\n" << bold(option.name);
            if (!option.value.empty()) out << ' ' << italic(option.value);
            out << '\n' << plain(option.description) << '\n';
        }
        out << ".RE\n";
    }
    out << ".SH EXIT STATUS\n0: it is done, all is well, or the answer is yes. 1: it failed, something should not be,\n"
        << "or the answer is no. 2: the command line or the configuration is wrong, and nothing was done.\n"
        << ".SH FILES\n"
        << ".TP\n.I /etc/stratolet/stratolet.conf\nThe configuration.\n"
        << ".TP\n.I /etc/stratolet/policy.d\nFiles that override single rules of the policies.\n"
        << ".TP\n.I /var/lib/stratolet\nAll that is kept: the store, keys, images, volumes and disks of servers.\n"
        << ".TP\n.I /var/lib/stratolet/admin\\-openrc\nThe administrator's variables, for a shell.\n"
        << ".TP\n.I /var/lib/stratolet/clouds.yaml\nThe same for clients that read such a file: the cloud "
           "\\(lqstratolet\\(rq.\n"
        << ".TP\n.I /var/lib/stratolet/tls/ca.pem\nThe authority that has signed the certificate of the listener, "
           "where "
           "it is the cloud's own.\n"
        << ".TP\n.I /var/lib/stratolet/previous\nThe version before the last upgrade, with a copy of its store, for\n"
           ".BR \"stratolet rollback\" .\n"
        << ".TP\n.I /var/lib/stratolet/operator.sock\nWhere the commands ask the cloud that runs: HTTP, for root and "
           "the "
           "cloud's own user.\n"
        << ".SH SIGNALS\nSIGHUP reads policy and certificates again. SIGTERM and SIGINT end the process; guests go "
           "on.\n"
        << ".SH SEE ALSO\n.BR stratolet.conf (5)\n";
}

void writeConfigPage(std::ostream& out, std::string_view commented, const std::vector<ConfigOption>& options,
                     const std::string& version) {
    std::map<std::pair<std::string, std::string>, const ConfigOption*> left;
    for (const auto& each : options) left[{each.section, each.key}] = &each;
    writeHead(out, "stratolet.conf", 5, version, "the configuration of stratolet");
    out << ".SH DESCRIPTION\n"
        << "Lines are\n.IR \"key \" = \" value\" ,\nbelow the name of a section in brackets; \"#\" begins a comment. "
           "Each "
        << "option has a default. What is not\nunderstood is refused at start, by file and line.\n";
    std::string section;
    for (const auto& each : describedIn(commented)) {
        if (each.section != section) {
            section = each.section;
            out << ".SH " << plain("[" + section + "]") << '\n';
        }
        for (std::size_t at = 0; at < each.keys.size(); ++at) {
            const auto found = left.find({tableSection(section), each.keys[at]});
            if (found == left.end())
                throw Error(Failure::Broken, "the commented configuration has [", section, "] ", each.keys[at],
                            ", which is no option");
            const auto& option = *found->second;
            out << (at == 0 ? ".TP\n" : ".TQ\n") << bold(option.key) << " = " << italic(option.type.description);
            if (!option.otherwise.empty()) out << "  (" << plain(option.otherwise) << ")";
            out << '\n';
            left.erase(found);
        }
        writeComment(out, each.comment);
    }
    if (!left.empty())
        throw Error(Failure::Broken, "the commented configuration lacks [", left.begin()->first.first, "] ",
                    left.begin()->first.second);
    out << ".SH SEE ALSO\n.BR stratolet (8)\n";
}

void writeBashCompletion(std::ostream& out, const std::vector<CommandText>& commands) {
    const auto behind = wordsBehind(commands);
    std::set<std::string> first;
    for (const auto& [word, rest] : behind) first.insert(word);
    out << "# What follows \"stratolet\" on a command line of bash.\n"
        << "_stratolet() {\n    local words\n"
        << "    if ((COMP_CWORD == 1)); then\n        words=" << inQuotes(joined(first, " ") + " --help --version")
        << "\n    else\n        case ${COMP_WORDS[1]} in\n";
    for (const auto& [word, rest] : behind)
        out << "            " << word << ") words=" << inQuotes(joined(rest, " ")) << " ;;\n";
    out << "            *) words= ;;\n        esac\n    fi\n"
        << "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
        << "    ((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
        << "}\ncomplete -F _stratolet stratolet\n";
}

void writeZshCompletion(std::ostream& out, const std::vector<CommandText>& commands) {
    out << "#compdef stratolet\n# What follows \"stratolet\" on a command line of zsh.\n"
        << "if ((CURRENT == 2)); then\n    compadd -- --help --version";
    const auto behind = wordsBehind(commands);
    for (const auto& [word, rest] : behind) out << ' ' << word;
    out << "\nelse\n    case ${words[2]} in\n";
    for (const auto& [word, rest] : behind)
        out << "        " << word << ") compadd -- " << joined(rest, " ") << "; _files ;;\n";
    out << "    esac\nfi\n";
}

}
