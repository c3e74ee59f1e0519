// What generated models include in place of stan/model/model_header.hpp, which takes longer to
// read than everything else takes to compile: autodiff's core and indexing as they are, the rest of
// Stan's functions as declarations of what functions.cpp holds.
#pragma once

// The headers of everything, which those below ask for.
#define STAN_MATH_HPP
#define STAN_MATH_PRIM_HPP
#define STAN_MATH_PRIM_ERR_HPP
#define STAN_MATH_PRIM_FUN_HPP
#define STAN_MATH_PRIM_FUNCTOR_HPP
#define STAN_MATH_REV_HPP
#define STAN_MATH_REV_FUN_HPP

#include "base.hpp"
#include "call.hpp"
#include "reader.hpp"

#include <stan/math/prim/err/check_greater_or_equal.hpp>
#include <stan/math/prim/err/check_less_or_equal.hpp>
#include <stan/math/prim/err/check_matching_dims.hpp>
#include <stan/math/prim/err/check_nonnegative.hpp>
#include <stan/math/prim/err/check_range.hpp>
#include <stan/math/prim/err/check_size_match.hpp>
#include <stan/math/prim/err/validate_non_negative_index.hpp>
#include <stan/math/prim/fun/cols.hpp>
#include <stan/math/prim/fun/eval.hpp>
#include <stan/math/prim/fun/linspaced_int_array.hpp>
#include <stan/math/prim/fun/logical_eq.hpp>
#include <stan/math/prim/fun/logical_gt.hpp>
#include <stan/math/prim/fun/logical_gte.hpp>
#include <stan/math/prim/fun/logical_lt.hpp>
#include <stan/math/prim/fun/logical_lte.hpp>
#include <stan/math/prim/fun/logical_negation.hpp>
#include <stan/math/prim/fun/logical_neq.hpp>
#include <stan/math/prim/fun/primitive_value.hpp>
#include <stan/math/prim/fun/rep_array.hpp>
#include <stan/math/prim/fun/rows.hpp>
#include <stan/math/prim/fun/size.hpp>
#include <stan/math/prim/fun/to_ref.hpp>
#include <stan/math/prim/fun/transpose.hpp>
#include <stan/math/prim/functor/for_each.hpp>
#include <stan/model/indexing.hpp>
#include <stan/model/rethrow_located.hpp>
#include <stan/services/util/create_rng.hpp>

#include <cmath>
#include <sstream>
#include <vector>
