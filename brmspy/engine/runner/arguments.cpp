#include "arguments.hpp"

#include <algorithm>
#include <sstream>

namespace runner {
namespace {

using Kind = Argument::Kind;

/// The words still to be read.
struct Words {
  const std::vector<std::string>& all;
  std::size_t position = 0;

  bool empty() const { return position == all.size(); }
  const std::string& front() const { return all[position]; }
};

struct Assignment {
  std::string name;
  std::string value;
};

Assignment split(const std::string& word) {
  const auto sign = word.find('=');
  if (sign == std::string::npos) return {word, ""};
  return {word.substr(0, sign), word.substr(sign + 1)};
}

Argument* find(std::vector<Argument>& arguments, const std::string& name) {
  const auto found = std::find_if(arguments.begin(), arguments.end(),
                                  [&](const Argument& a) { return a.name == name; });
  return found == arguments.end() ? nullptr : &*found;
}

std::string type_name(const Value& value) {
  static const char* names[] = {"boolean", "int", "double", "string"};
  return names[value.index()];
}

/// Every place in the grammar where an argument of this name may stand.
void find_paths(const Argument& node, const std::string& name, const std::string& prefix,
                std::vector<std::string>& paths) {
  if (node.name == name) {
    if (node.kind == Kind::value) {
      paths.push_back(prefix + name + "=<" + type_name(node.value) + ">");
    } else if (node.kind == Kind::choice) {
      paths.push_back(prefix + name + "=<list_element>");
    } else {
      paths.push_back(prefix + name);
    }
  }
  const std::string below = prefix + node.name + (node.kind == Kind::choice ? "=" : " ");
  for (const Argument& child : node.children) find_paths(child, name, below, paths);
}

[[noreturn]] void fail_unknown(const Argument& root, const std::string& word) {
  std::string message = word + " is either mistyped or misplaced.";
  std::vector<std::string> paths;
  for (const Argument& child : root.children) find_paths(child, split(word).name, "", paths);
  if (!paths.empty()) {
    message += "\nPerhaps you meant one of the following valid configurations?";
    for (const std::string& path : paths) message += "\n  " + path;
  }
  throw UsageError(message);
}

[[noreturn]] void fail_value(const Argument& argument, const std::string& value,
                             const std::string& valid) {
  throw UsageError(value + " is not a valid value for \"" + argument.name +
                   "\"\n  Valid values: " + valid);
}

template <typename T>
T read_number(const std::string& text, T (*convert)(const std::string&, std::size_t*)) {
  std::size_t used = 0;
  const T number = convert(text, &used);
  if (used != text.size()) throw std::invalid_argument(text);
  return number;
}

/// The text as a value of the same type as `type`; throws std::logic_error.
Value read_value(const std::string& text, const Value& type) {
  if (std::holds_alternative<std::string>(type)) return text;
  if (std::holds_alternative<bool>(type)) {
    if (text == "1" || text == "true") return true;
    if (text == "0" || text == "false") return false;
    throw std::invalid_argument(text);
  }
  if (std::holds_alternative<double>(type)) {
    return read_number<double>(text, [](const std::string& s, std::size_t* n) {
      return std::stod(s, n);
    });
  }
  return read_number<long long>(text, [](const std::string& s, std::size_t* n) {
    return std::stoll(s, n);
  });
}

void set_value(Argument& argument, const std::string& text) {
  try {
    Value value = read_value(text, argument.value);
    if (argument.constraint.holds(value)) {
      argument.value = std::move(value);
      return;
    }
  } catch (const std::logic_error&) {
    // Not a number, or out of range: the same message as a value outside the constraint.
  }
  fail_value(argument, text, argument.constraint.text);
}

void set_choice(Argument& argument, const std::string& text) {
  if (find(argument.children, text) == nullptr) {
    std::string valid;
    for (const Argument& child : argument.children)
      valid += (valid.empty() ? "" : ", ") + child.name;
    fail_value(argument, text, valid);
  }
  argument.value = text;
}

/// Read words for as long as they belong to this group; the rest is its parent's.
void parse_group(Argument& group, Words& words) {
  while (!words.empty()) {
    const Assignment assignment = split(words.front());
    Argument* argument = find(group.children, assignment.name);
    if (argument == nullptr) return;
    ++words.position;
    switch (argument->kind) {
      case Kind::value:
        set_value(*argument, assignment.value);
        break;
      case Kind::choice:
        set_choice(*argument, assignment.value);
        parse_group(*find(argument->children, assignment.value), words);
        break;
      case Kind::group:
      case Kind::bare:
        parse_group(*argument, words);
        break;
    }
  }
}

std::string print_value(const Value& value) {
  std::ostringstream text;
  text << std::boolalpha;
  std::visit([&](const auto& v) { text << v; }, value);
  return text.str();
}

void describe(const Argument& node, int depth, std::vector<std::string>& lines) {
  const std::string indent(2 * depth, ' ');
  switch (node.kind) {
    case Kind::bare:
      return;
    case Kind::group:
      lines.push_back(indent + node.name);
      for (const Argument& child : node.children) describe(child, depth + 1, lines);
      return;
    case Kind::choice:
    case Kind::value:
      lines.push_back(indent + node.name + " = " + print_value(node.value) +
                      (node.value == node.default_value ? " (Default)" : ""));
  }
  if (node.kind == Kind::choice)
    describe(node[std::get<std::string>(node.value)], depth + 1, lines);
}

}  // namespace

const Argument& Argument::operator[](const std::string& child) const {
  for (const Argument& candidate : children)
    if (candidate.name == child) return candidate;
  throw std::logic_error("no argument " + child + " below " + name);
}

const Argument& Argument::chosen(const std::string& child) const {
  const Argument& choice = (*this)[child];
  return choice[std::get<std::string>(choice.value)];
}

void parse(Argument& root, const std::vector<std::string>& arguments) {
  // `./model sample ...` is short for `./model method=sample ...`
  std::vector<std::string> expanded = arguments;
  Argument& method = *find(root.children, "method");
  const bool named = std::any_of(expanded.begin(), expanded.end(), [](const std::string& word) {
    return split(word).name == "method";
  });
  bool chosen = named;
  for (std::string& word : expanded) {
    if (!chosen && find(method.children, word) != nullptr) {
      word = "method=" + word;
      chosen = true;
    }
  }
  Words words{expanded};
  parse_group(root, words);
  if (!words.empty()) fail_unknown(root, words.front());
  if (!chosen) throw UsageError("A method must be specified!");
}

std::vector<std::string> describe(const Argument& root) {
  std::vector<std::string> lines;
  for (const Argument& child : root.children) describe(child, 0, lines);
  return lines;
}

}  // namespace runner
