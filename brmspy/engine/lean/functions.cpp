// Stan's functions for the types listed in signatures.hpp, compiled once for each machine.
#include "subset.hpp"
#include "types.hpp"

namespace brmspy {
namespace tag {

#define NAME(name)                                   \
  struct name {                                      \
    template <typename... Arguments>                 \
    static auto apply(Arguments&... x) {             \
      return stan::math::name(x...);                 \
    }                                                \
  };
#define DENSITY(name)                                \
  struct name {                                      \
    template <typename... Arguments>                 \
    static auto apply(Arguments&... x) {             \
      return stan::math::name<false>(x...);          \
    }                                                \
  };
#define KERNEL(name)                                 \
  DENSITY(name)                                      \
  struct name##_kernel {                             \
    template <typename... Arguments>                 \
    static auto apply(Arguments&... x) {             \
      return stan::math::name<true>(x...);           \
    }                                                \
  };
#include "signatures.hpp"

}  // namespace tag

template <typename Tag, typename Result, typename... Arguments>
Result Function<Tag, Result, Arguments...>::call(const Arguments&... arguments) {
  return Tag::apply(arguments...);
}

template <typename Tag, typename Result, typename Value, typename... Bounds>
Result Transform<Tag, Result, Value, Bounds...>::call(const Value& x, var& lp,
                                                      const Bounds&... bounds) {
  return Tag::apply(x, bounds..., lp);
}

#define FUNCTION(name, ...) template struct Function<tag::name, __VA_ARGS__>;
#define TRANSFORM(name, ...) template struct Transform<tag::name, __VA_ARGS__>;
#include "signatures.hpp"

}  // namespace brmspy
