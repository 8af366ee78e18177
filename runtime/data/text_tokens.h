// Texts as numbers: words or characters, the vocabulary, and what a network is given. As the layer TextVectorization of
// Keras does it (https://keras.io/api/layers/preprocessing_layers/text/text_vectorization/).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/array.h"

namespace netc::runtime {

struct TokenRule {
  bool lower = true;              // A .. Z become a .. z, other letters stay
  bool strip_punctuation = true;  // of ASCII
  bool characters = false;        // instead of words between white space
};
// The tokens of a UTF-8 text.
std::vector<std::string> tokens_of(std::string_view text, const TokenRule &rule);

// What a sample becomes: the numbers of its tokens in order, cut or filled up with 0 to a length; or for each token of
// the vocabulary whether, or how often, it is there.
enum class TextOutput { numbers, multi_hot, count };
struct Vectorisation {
  TokenRule rule;
  TextOutput output = TextOutput::numbers;
  int64_t length = 0;  // of a sample: tokens, or the vocabulary with its reserved entries
};

// The most frequent tokens of these texts, at most `limit` of them; of equally frequent ones the last in the alphabet
// comes first, as in Keras.
std::vector<std::string> fitted_vocabulary(const std::vector<std::string> &texts, const std::vector<int64_t> &rows,
                                           const TokenRule &rule, int64_t limit);

// Numbers: 0 fills up, 1 is an unknown token, the vocabulary follows: i32 [length]. Otherwise 0 is an unknown token and
// the vocabulary follows: [length], u8 for multi_hot, f32 for count.
Array vectorised(const std::vector<std::string> &texts, const std::vector<std::string> &vocabulary,
                 const Vectorisation &how);

}  // namespace netc::runtime
