// Steps of the network chosen by name, as `freeze` and `group` in a train section do:
//   stem                 a step named with `as`: its weights, or, when it has none (-> relu as stem), those of its
//   pipeline conv_bn_1, dense     a step by the name it was given; of a block everything in it conv_bn_1.conv2d     a
//   step in a block, or one weight: head.bias "encoder.*"          every step and weight the pattern fits; * stands for
//   any text
// `if` chooses between lists.
#pragma once

#include <set>
#include <string>

#include "frontend/elaborate/interpreter.h"

namespace netc::elaborate {

struct Selection {
  std::set<std::string> steps;    // paths
  std::set<std::string> weights;  // that were chosen by themselves
  bool covers(const std::string &weight) const;
};

// Reports what names no step. The steps and weights of the network are known.
Selection select_steps(Interpreter &interpreter, const ast::Expr &expression, const char *what);

// Marks the weights and steps of the entry `freeze` as not to be trained.
void freeze(Session &session, const ast::Section &train);

// Whether `text` fits a pattern in which * stands for any text.
bool fits_pattern(std::string_view pattern, std::string_view text);

}  // namespace netc::elaborate
