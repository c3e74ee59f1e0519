// The part of Stan's math library that sampling and the other methods use. The headers of
// everything, which Stan's services ask for, take as long to read as all the rest.
#pragma once

#define STAN_MATH_HPP
#define STAN_MATH_MIX_HPP
#define STAN_MATH_PRIM_HPP
#define STAN_MATH_PRIM_FUN_HPP
#define STAN_MATH_PRIM_FUNCTOR_HPP
#define STAN_MATH_REV_HPP
#define STAN_MATH_REV_FUN_HPP
#define STAN_MATH_REV_FUNCTOR_HPP

#include <stan/math/rev/core.hpp>

#include <stan/math/prim/err.hpp>
#include <stan/math/prim/fun/expm1.hpp>
#include <stan/math/prim/fun/log_sum_exp.hpp>
#include <stan/math/prim/fun/to_matrix.hpp>
#include <stan/math/prim/fun/welford_covar_estimator.hpp>
#include <stan/math/prim/fun/welford_var_estimator.hpp>
#include <stan/math/prim/prob/normal_rng.hpp>
#include <stan/math/prim/prob/std_normal_rng.hpp>
#include <stan/math/rev/fun/grad.hpp>
#include <stan/math/rev/functor/gradient.hpp>
// Calls what is declared in the line above.
#include <stan/math/rev/functor/finite_diff_hessian_auto.hpp>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>
