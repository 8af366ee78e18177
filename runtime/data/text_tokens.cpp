#include "runtime/data/text_tokens.h"

#include <algorithm>
#include <unordered_map>

namespace netc::runtime {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_punctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

// Of the UTF-8 character that begins with this byte.
size_t character_length(char first) {
  auto byte = static_cast<unsigned char>(first);
  return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

std::string standardised(std::string_view text, const TokenRule &rule) {
  std::string result;
  for (char c : text) {
    if (rule.strip_punctuation && is_punctuation(c)) continue;
    result += rule.lower && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

}  // namespace

std::vector<std::string> tokens_of(std::string_view text, const TokenRule &rule) {
  std::string standard = standardised(text, rule);
  std::vector<std::string> tokens;
  for (size_t begin = 0, end; begin < standard.size(); begin = end) {
    end = begin;
    if (rule.characters) {
      end = std::min(standard.size(), begin + character_length(standard[begin]));
    } else if (is_space(standard[begin])) {
      ++end;
      continue;
    } else {
      while (end < standard.size() && !is_space(standard[end])) ++end;
    }
    tokens.push_back(standard.substr(begin, end - begin));
  }
  return tokens;
}

std::vector<std::string> fitted_vocabulary(const std::vector<std::string> &texts, const std::vector<int64_t> &rows,
                                           const TokenRule &rule, int64_t limit) {
  std::unordered_map<std::string, int64_t> counts;
  for (int64_t row : rows)
    for (std::string &token : tokens_of(texts[static_cast<size_t>(row)], rule)) ++counts[std::move(token)];
  std::vector<std::pair<int64_t, std::string>> ordered;
  for (const auto &[token, count] : counts) ordered.emplace_back(count, token);
  std::sort(ordered.begin(), ordered.end(), std::greater<>());
  if (static_cast<int64_t>(ordered.size()) > limit) ordered.resize(static_cast<size_t>(std::max<int64_t>(0, limit)));
  std::vector<std::string> vocabulary;
  for (auto &[count, token] : ordered) vocabulary.push_back(std::move(token));
  return vocabulary;
}

Array vectorised(const std::vector<std::string> &texts, const std::vector<std::string> &vocabulary,
                 const Vectorisation &how) {
  bool numbers = how.output == TextOutput::numbers;
  std::unordered_map<std::string, int32_t> number_of;
  for (size_t i = 0; i < vocabulary.size(); ++i)
    number_of.emplace(vocabulary[i], static_cast<int32_t>(i) + (numbers ? 2 : 1));
  Array array;
  array.shape = {how.length};
  array.count = static_cast<int64_t>(texts.size());
  size_t length = static_cast<size_t>(how.length), size = texts.size() * length;
  if (numbers)
    array.values = std::vector<int32_t>(size);
  else if (how.output == TextOutput::multi_hot)
    array.values = std::vector<uint8_t>(size);
  else
    array.values = std::vector<float>(size);
  for (size_t row = 0; row < texts.size(); ++row) {
    std::vector<std::string> tokens = tokens_of(texts[row], how.rule);
    if (numbers && tokens.size() > length) tokens.resize(length);
    for (size_t i = 0; i < tokens.size(); ++i) {
      auto found = number_of.find(tokens[i]);
      int32_t number = found != number_of.end() ? found->second : numbers ? 1 : 0;
      if (numbers) {
        std::get<std::vector<int32_t>>(array.values)[row * length + i] = number;
        continue;
      }
      size_t at = row * length + static_cast<size_t>(number);
      if (how.output == TextOutput::multi_hot)
        std::get<std::vector<uint8_t>>(array.values)[at] = 1;
      else
        std::get<std::vector<float>>(array.values)[at] += 1;
    }
  }
  return array;
}

}  // namespace netc::runtime
