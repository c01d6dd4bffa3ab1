#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "platform/config/config.hpp"

namespace stratolet {

/// An option of the command line, as people read of it.
struct OptionText {
    std::string name;  ///< "--config"
    std::string value; ///< "FILE"; empty: it has none
    std::string description;
};

/// A command of the program, as people read of it.
struct CommandText {
    std::string words;    ///< "fernet rotate"
    std::string operands; ///< "FILE…"; empty: there are none
    std::string summary;
    std::vector<OptionText> options;
};

/// stratolet(8), in the language of man(7).
void writeProgramPage(std::ostream& out, const std::vector<CommandText>& commands, const std::string& version);

/// stratolet.conf(5): what the commented configuration (config/stratolet.conf) says of each option, with what the
/// option table knows of it. Error(Broken) where one has an option that the other hasn't.
void writeConfigPage(std::ostream& out, std::string_view commented, const std::vector<ConfigOption>& options,
                     const std::string& version);

/// What bash and zsh complete on a command line; in the language of each.
void writeBashCompletion(std::ostream& out, const std::vector<CommandText>& commands);
void writeZshCompletion(std::ostream& out, const std::vector<CommandText>& commands);

}
