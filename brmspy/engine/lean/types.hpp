// The types that precompiled functions take and return, and how a function is named.
#pragma once

#include <stan/math/rev/core.hpp>

#include <vector>

namespace brmspy {

using var = stan::math::var;
// Data: a look at numbers that lie elsewhere.
using vec = Eigen::Map<const Eigen::VectorXd>;
using row = Eigen::Map<const Eigen::RowVectorXd>;
using mat = Eigen::Map<const Eigen::MatrixXd, Eigen::Unaligned, Eigen::OuterStride<>>;
using ints = std::vector<int>;
// What depends on parameters.
using vars = Eigen::Matrix<var, Eigen::Dynamic, 1>;
using row_vars = Eigen::Matrix<var, 1, Eigen::Dynamic>;
using mat_vars = Eigen::Matrix<var, Eigen::Dynamic, Eigen::Dynamic>;
// Numbers that a function returns.
using Eigen::MatrixXd;
using Eigen::RowVectorXd;
using Eigen::VectorXd;
/// The terms of a log density.
using Terms = std::vector<var, stan::math::arena_allocator<var>>;

/// A function of Stan's for one combination of types; the tag says which function.
template <typename Tag, typename Result, typename... Arguments>
struct Function {
  static Result call(const Arguments&... arguments);
};

/// A constraint that adds its log Jacobian to `lp`.
template <typename Tag, typename Result, typename Value, typename... Bounds>
struct Transform {
  static Result call(const Value& x, var& lp, const Bounds&... bounds);
};

}  // namespace brmspy
