#pragma once

#include <string>

#include "network/security/security_group.hpp"

namespace stratolet::network {

/// What a body says of a security group rule, but for its group: Error(Invalid) where it means nothing.
void readRule(SecurityGroupRule& rule, const Body& body);

/// Whether both let the same through.
bool sameRule(const SecurityGroupRule& one, const SecurityGroupRule& other);

/// The rules of a new group, by the default rules. They are not kept yet.
std::vector<SecurityGroupRule> defaultRulesOf(Core& core, store::Reader& db, const SecurityGroup& group);

/// Whether a new group of a project looks at connections, where nobody says.
bool isStatefulByDefault(store::Reader& db, const std::string& project);

void addDefaultRuleRoutes(http::Routes& routes, Core& core);
void addDefaultStatefulnessRoutes(http::Routes& routes, Core& core);

}
