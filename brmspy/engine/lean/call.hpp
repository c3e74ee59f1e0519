// Calls of precompiled functions: arguments are brought to the types of signatures.hpp.
#pragma once

#include "types.hpp"

#include <type_traits>

namespace brmspy {

namespace tag {
#define NAME(name) struct name;
#define DENSITY(name) struct name;
#define KERNEL(name) \
  struct name;       \
  struct name##_kernel;
#include "signatures.hpp"
}  // namespace tag

/// What is precompiled; a call of anything else does not compile.
template <typename Tag, typename... Arguments>
struct Precompiled;
template <typename Tag, typename... Arguments>
struct PrecompiledTransform;

#define FUNCTION(name, result, ...) \
  template <>                       \
  struct Precompiled<tag::name, __VA_ARGS__> : Function<tag::name, result, __VA_ARGS__> {};
#define TRANSFORM(name, result, ...)                    \
  template <>                                           \
  struct PrecompiledTransform<tag::name, __VA_ARGS__>   \
      : Transform<tag::name, result, __VA_ARGS__> {};
#include "signatures.hpp"

template <typename T, typename = void>
constexpr bool is_matrix = false;
template <typename T>
constexpr bool is_matrix<T, std::void_t<decltype(T::ColsAtCompileTime)>> = true;

/// Whether columns lie in memory, each number behind the one above.
template <typename T, bool = is_matrix<T>>
constexpr bool has_columns = false;
template <typename T>
constexpr bool has_columns<T, true> =
    bool(T::Flags& Eigen::DirectAccessBit) && T::InnerStrideAtCompileTime == 1 &&
    (T::IsVectorAtCompileTime || !T::IsRowMajor);

template <typename T>
using Plain =
    Eigen::Matrix<typename T::Scalar, T::RowsAtCompileTime == 1 ? 1 : Eigen::Dynamic,
                  T::ColsAtCompileTime == 1 ? 1 : Eigen::Dynamic>;

/// Parameters in storage of their own, data in any storage, everything else as it is.
template <typename T>
decltype(auto) evaluated(const T& x) {
  if constexpr (!is_matrix<T>)
    return (x);
  else if constexpr (std::is_same<T, Plain<T>>::value)
    return (x);
  else if constexpr (std::is_same<typename T::Scalar, double>::value && has_columns<T>)
    return (x);
  else
    return Plain<T>(x);
}

/// Data are looked at, never copied.
template <typename T>
decltype(auto) view(const T& x) {
  if constexpr (std::is_same<T, std::size_t>::value)
    return static_cast<int>(x);
  else if constexpr (!is_matrix<T>)
    return (x);
  else if constexpr (!std::is_same<typename T::Scalar, double>::value)
    return (x);
  else if constexpr (T::IsVectorAtCompileTime)
    return Eigen::Map<const Plain<T>>(x.data(), x.size());
  else
    return mat(x.data(), x.rows(), x.cols(), Eigen::OuterStride<>(x.outerStride()));
}

template <typename T, typename = void>
constexpr bool is_complete = false;
template <typename T>
constexpr bool is_complete<T, std::void_t<decltype(sizeof(T))>> = true;

template <typename T>
using Real = std::conditional_t<std::is_same<T, int>::value, double, T>;
template <typename T>
using Variable = std::conditional_t<std::is_arithmetic<T>::value, var, T>;

/// With the types as they are, else with integers for real numbers, else with numbers as variables.
template <template <typename...> class Code, typename Tag, typename... Arguments>
using Found = std::conditional_t<
    is_complete<Code<Tag, Arguments...>>, Code<Tag, Arguments...>,
    std::conditional_t<is_complete<Code<Tag, Real<Arguments>...>>, Code<Tag, Real<Arguments>...>,
                       Code<Tag, Variable<Arguments>...>>>;

template <typename Tag, typename... Arguments>
auto call_plain(const Arguments&... x) {
  return Found<Precompiled, Tag, Arguments...>::call(x...);
}
template <typename Tag, typename... Arguments>
auto call(const Arguments&... x) {
  return call_plain<Tag>(view(evaluated(x))...);
}

template <typename Tag, typename Value, typename... Bounds>
auto transform_plain(const Value& x, var& lp, const Bounds&... bounds) {
  return Found<PrecompiledTransform, Tag, Value, Bounds...>::call(x, lp, bounds...);
}
template <typename Tag, typename Value, typename... Bounds>
auto transform(const Value& x, var& lp, const Bounds&... bounds) {
  return transform_plain<Tag>(x, lp, view(evaluated(bounds))...);
}

#define NAME(name)                                \
  template <typename... Arguments>                \
  auto name(const Arguments&... x) {              \
    return call<tag::name>(x...);                 \
  }
// Without constants, the density of data is zero; of the others only kernels leave them out.
#define DENSITY(name)                                                    \
  template <bool propto, typename... Arguments>                          \
  auto name(const Arguments&... x) {                                     \
    if constexpr (propto && (std::is_arithmetic<Arguments>::value && ...)) \
      return 0.0;                                                        \
    else                                                                 \
      return call<tag::name>(x...);                                      \
  }
#define KERNEL(name)                                                              \
  template <bool propto, typename... Arguments>                                   \
  auto name(const Arguments&... x) {                                              \
    return call<std::conditional_t<propto, tag::name##_kernel, tag::name>>(x...); \
  }
#include "signatures.hpp"

}  // namespace brmspy
