// The command line as data: a tree of typed arguments, its parser and its printer.
#pragma once

#include <functional>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace runner {

using Value = std::variant<bool, long long, double, std::string>;

/// Which values an argument takes, in words (for the message) and as a test.
struct Constraint {
  std::string text = "All";
  std::function<bool(const Value&)> holds = [](const Value&) { return true; };
};

/// One node of the tree.
///
/// A `group` holds arguments of its own (`adapt engaged=1 delta=0.9`), a `choice` takes the
/// name of one of its children (`algorithm=hmc`), a `bare` choice has nothing below it and is
/// not printed again (`metric=diag_e`), a `value` is `name=value`.
struct Argument {
  enum class Kind { group, choice, bare, value };

  std::string name;
  Kind kind = Kind::group;
  Value value{};
  Value default_value{};
  Constraint constraint{};
  std::vector<Argument> children{};

  /// The child or chosen alternative of this name; throws if the grammar has none.
  const Argument& operator[](const std::string& child) const;

  template <typename T>
  T get(const std::string& child) const {
    return std::get<T>((*this)[child].value);
  }
  bool flag(const std::string& child) const { return get<bool>(child); }
  int integer(const std::string& child) const { return static_cast<int>(get<long long>(child)); }
  double real(const std::string& child) const { return get<double>(child); }
  const std::string& text(const std::string& child) const {
    return std::get<std::string>((*this)[child].value);
  }
  /// The alternative a choice stands at.
  const Argument& chosen(const std::string& child) const;
};

/// A command line that does not fit the grammar; the message is for the user.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Read the command line into the tree; throws UsageError.
void parse(Argument& root, const std::vector<std::string>& words);

/// The tree as CmdStan prints it, one string for each line.
std::vector<std::string> describe(const Argument& root);

}  // namespace runner
