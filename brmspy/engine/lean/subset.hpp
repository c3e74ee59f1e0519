// The part of Stan's math library behind signatures.hpp: all of what works on numbers, vectors and
// matrices, but no solvers and no densities other than those listed.
#pragma once

#define STAN_MATH_HPP
#define STAN_MATH_PRIM_HPP
#define STAN_MATH_PRIM_FUNCTOR_HPP
#define STAN_MATH_PRIM_PROB_HPP
#define STAN_MATH_REV_HPP
#define STAN_MATH_REV_FUNCTOR_HPP

#include <stan/math/rev/core.hpp>

#include <stan/math/prim/err.hpp>
#include <stan/math/prim/fun.hpp>
#include <stan/math/rev/fun.hpp>
#include <stan/math/rev/functor/apply_scalar_binary.hpp>
#include <stan/math/rev/functor/apply_scalar_unary.hpp>
#include <stan/math/rev/functor/apply_vector_unary.hpp>
#include <stan/math/rev/functor/operands_and_partials.hpp>
#include <stan/math/rev/functor/partials_propagator.hpp>

#include <stan/math/prim/prob/bernoulli_logit_glm_lpmf.hpp>
#include <stan/math/prim/prob/bernoulli_logit_lpmf.hpp>
#include <stan/math/prim/prob/bernoulli_lpmf.hpp>
#include <stan/math/prim/prob/beta_lpdf.hpp>
#include <stan/math/prim/prob/binomial_logit_glm_lpmf.hpp>
#include <stan/math/prim/prob/binomial_logit_lpmf.hpp>
#include <stan/math/prim/prob/binomial_lpmf.hpp>
#include <stan/math/prim/prob/cauchy_lpdf.hpp>
#include <stan/math/prim/prob/exponential_lpdf.hpp>
#include <stan/math/prim/prob/gamma_lpdf.hpp>
#include <stan/math/prim/prob/inv_gamma_lpdf.hpp>
#include <stan/math/prim/prob/lkj_corr_cholesky_lpdf.hpp>
#include <stan/math/prim/prob/lognormal_lpdf.hpp>
#include <stan/math/prim/prob/neg_binomial_2_log_glm_lpmf.hpp>
#include <stan/math/prim/prob/neg_binomial_2_log_lpmf.hpp>
#include <stan/math/prim/prob/neg_binomial_2_lpmf.hpp>
#include <stan/math/prim/prob/normal_id_glm_lpdf.hpp>
#include <stan/math/prim/prob/normal_lpdf.hpp>
#include <stan/math/prim/prob/poisson_log_glm_lpmf.hpp>
#include <stan/math/prim/prob/poisson_log_lpmf.hpp>
#include <stan/math/prim/prob/poisson_lpmf.hpp>
#include <stan/math/prim/prob/std_normal_lpdf.hpp>
#include <stan/math/prim/prob/student_t_lpdf.hpp>
