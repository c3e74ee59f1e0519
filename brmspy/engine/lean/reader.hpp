// What generated models read parameters with, write values with, and add a log density up in: of
// Stan's deserializer, serializer and accumulator the part that models need, for plain types.
#pragma once

#include "call.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace brmspy {

template <typename T>
class deserializer {
 public:
  template <typename Reals, typename Integers>
  deserializer(const Reals& reals, const Integers&)
      : next_(reals.data()), end_(reals.data() + reals.size()) {}

  template <typename Result>
  Result read() {
    return *take(1);
  }
  template <typename Result>
  Result read(Eigen::Index size) {
    return Eigen::Map<const Result>(take(size), size);
  }
  template <typename Result>
  Result read(Eigen::Index rows, Eigen::Index columns) {
    return Eigen::Map<const Result>(take(rows * columns), rows, columns);
  }

  template <typename Result, bool jacobian, typename Lower, typename... Sizes>
  Result read_constrain_lb(const Lower& lower, T& lp, Sizes... sizes) {
    return constrained<tag::lb_constrain, jacobian>(read<Result>(sizes...), lp, lower);
  }
  template <typename Result, bool jacobian, typename Upper, typename... Sizes>
  Result read_constrain_ub(const Upper& upper, T& lp, Sizes... sizes) {
    return constrained<tag::ub_constrain, jacobian>(read<Result>(sizes...), lp, upper);
  }
  template <typename Result, bool jacobian, typename Lower, typename Upper, typename... Sizes>
  Result read_constrain_lub(const Lower& lower, const Upper& upper, T& lp, Sizes... sizes) {
    return constrained<tag::lub_constrain, jacobian>(read<Result>(sizes...), lp, lower, upper);
  }
  template <typename Result, bool jacobian>
  Result read_constrain_cholesky_factor_corr(T& lp, int size) {
    const auto free = read<Eigen::Matrix<T, Eigen::Dynamic, 1>>(size * (size - 1) / 2);
    return constrained<tag::cholesky_corr_constrain, jacobian>(free, lp, size);
  }

 private:
  template <typename Tag, bool jacobian, typename Value, typename... Bounds>
  static auto constrained(const Value& x, T& lp, const Bounds&... bounds) {
    if constexpr (jacobian)
      return transform<Tag>(x, lp, bounds...);
    else
      return call<Tag>(x, bounds...);
  }

  const T* take(Eigen::Index count) {
    if (end_ - next_ < count) throw std::runtime_error("no more scalars to read");
    return std::exchange(next_, next_ + count);
  }

  const T* next_;
  const T* end_;
};

template <typename T>
class serializer {
 public:
  template <typename Values>
  explicit serializer(Values& values)
      : next_(values.data()), end_(values.data() + values.size()) {}

  void write(T x) { *take(1) = x; }
  template <int rows, int columns>
  void write(const Eigen::Matrix<T, rows, columns>& x) {
    std::copy_n(x.data(), x.size(), take(x.size()));
  }

  template <typename Lower, typename Value>
  void write_free_lb(const Lower& lower, const Value& x) {
    write(call<tag::lb_free>(x, lower));
  }
  template <typename Upper, typename Value>
  void write_free_ub(const Upper& upper, const Value& x) {
    write(call<tag::ub_free>(x, upper));
  }
  template <typename Lower, typename Upper, typename Value>
  void write_free_lub(const Lower& lower, const Upper& upper, const Value& x) {
    write(call<tag::lub_free>(x, lower, upper));
  }
  template <typename Value>
  void write_free_cholesky_factor_corr(const Value& x) {
    write(call<tag::cholesky_corr_free>(x));
  }

 private:
  T* take(Eigen::Index count) {
    if (end_ - next_ < count) throw std::runtime_error("no room for more scalars");
    return std::exchange(next_, next_ + count);
  }

  T* next_;
  T* end_;
};

template <typename T>
class accumulator;

/// Adds in blocks, as Stan's does.
template <>
class accumulator<var> {
 public:
  accumulator() { terms_.reserve(block); }
  void add(const var& term) {
    if (terms_.size() == block) terms_.assign(1, sum());
    terms_.push_back(term);
  }
  var sum() const { return call<tag::sum>(terms_); }

 private:
  static constexpr std::size_t block = 128;
  Terms terms_;
};

/// Declared where values are written, which adds nothing up.
template <>
class accumulator<double> {};

}  // namespace brmspy
