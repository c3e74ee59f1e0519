// Sums in parallel, for the models that have them.
#pragma once

#include <stan/math/prim/err/check_positive.hpp>
#include <stan/math/prim/functor/reduce_sum.hpp>
#include <stan/math/prim/functor/reduce_sum_static.hpp>
#include <stan/math/rev/functor/reduce_sum.hpp>
