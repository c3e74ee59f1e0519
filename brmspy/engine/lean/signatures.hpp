// The functions of Stan's that are compiled ahead, with the types that generated models call them
// with. NAME and DENSITY name functions (densities keep their constants), KERNEL a density that can
// leave them out, which then is called name_kernel. FUNCTION(name, result, arguments...) and TRANSFORM(name, result, value, bounds...) say for which types. A call that is
// not listed makes its model wait for all of Stan's headers: `tests/engine/test_lean.py` finds it.
#ifndef NAME
#define NAME(name)
#endif
#ifndef DENSITY
#define DENSITY(name)
#endif
#ifndef KERNEL
#define KERNEL(name)
#endif
#ifndef FUNCTION
#define FUNCTION(...)
#endif
#ifndef TRANSFORM
#define TRANSFORM(...)
#endif

// -------------------------------------------------------------------------- element by element
#define UNARY(name)               \
  NAME(name)                      \
  FUNCTION(name, var, var)        \
  FUNCTION(name, vars, vars)      \
  FUNCTION(name, double, double)  \
  FUNCTION(name, VectorXd, vec)
#define VECTORS(name)               \
  NAME(name)                        \
  FUNCTION(name, vars, vars, vars)  \
  FUNCTION(name, vars, vars, vec)   \
  FUNCTION(name, vars, vec, vars)   \
  FUNCTION(name, VectorXd, vec, vec)
#define VECTOR_AND_SCALAR(name)       \
  FUNCTION(name, vars, vars, var)     \
  FUNCTION(name, vars, vars, double)  \
  FUNCTION(name, vars, vec, var)      \
  FUNCTION(name, VectorXd, vec, double)
#define SCALAR_AND_VECTOR(name)       \
  FUNCTION(name, vars, var, vars)     \
  FUNCTION(name, vars, double, vars)  \
  FUNCTION(name, vars, var, vec)      \
  FUNCTION(name, VectorXd, double, vec)

UNARY(exp)
UNARY(expm1)
UNARY(inv)
UNARY(inv_cloglog)
UNARY(inv_logit)
UNARY(log)
UNARY(log1m)
UNARY(log1p)
UNARY(log1p_exp)
UNARY(Phi)
UNARY(sqrt)
UNARY(square)
UNARY(tanh)
NAME(minus)
FUNCTION(minus, vars, vars)
FUNCTION(minus, VectorXd, vec)

VECTORS(add)
VECTOR_AND_SCALAR(add)
SCALAR_AND_VECTOR(add)
VECTORS(subtract)
VECTOR_AND_SCALAR(subtract)
SCALAR_AND_VECTOR(subtract)
FUNCTION(subtract, mat_vars, mat_vars, mat_vars)
VECTORS(elt_multiply)
VECTORS(elt_divide)
SCALAR_AND_VECTOR(elt_divide)
NAME(divide)
VECTOR_AND_SCALAR(divide)
FUNCTION(divide, mat_vars, mat_vars, var)
FUNCTION(divide, mat_vars, mat_vars, double)
VECTORS(pow)
VECTOR_AND_SCALAR(pow)
FUNCTION(pow, var, var, var)
FUNCTION(pow, var, var, double)
FUNCTION(pow, var, double, var)
FUNCTION(pow, double, double, double)

// ------------------------------------------------------------------------------ linear algebra
NAME(multiply)
VECTOR_AND_SCALAR(multiply)
SCALAR_AND_VECTOR(multiply)
FUNCTION(multiply, VectorXd, mat, vec)
FUNCTION(multiply, vars, mat, vars)
FUNCTION(multiply, vars, mat_vars, vars)
FUNCTION(multiply, mat_vars, mat_vars, mat_vars)
FUNCTION(multiply, mat_vars, vars, row_vars)
NAME(csr_matrix_times_vector)
FUNCTION(csr_matrix_times_vector, vars, int, int, vec, ints, ints, vars)
NAME(diag_matrix)
FUNCTION(diag_matrix, mat_vars, vars)
NAME(diag_pre_multiply)
FUNCTION(diag_pre_multiply, mat_vars, vars, mat_vars)
NAME(diagonal)
FUNCTION(diagonal, vars, mat_vars)
NAME(dot_product)
FUNCTION(dot_product, var, vars, vars)
FUNCTION(dot_product, var, vec, vars)
FUNCTION(dot_product, var, vars, vec)
NAME(dot_self)
FUNCTION(dot_self, var, vars)
NAME(mdivide_left_tri_low)
FUNCTION(mdivide_left_tri_low, mat_vars, mat_vars, mat_vars)
NAME(sum)
FUNCTION(sum, var, Terms)
FUNCTION(sum, var, vars)

// ------------------------------------------------------------------------------------- shapes
NAME(append_row)
FUNCTION(append_row, VectorXd, vec, vec)
FUNCTION(append_row, vars, vars, vars)
FUNCTION(append_row, vars, var, vars)
FUNCTION(append_row, mat_vars, mat_vars, mat_vars)
NAME(head)
FUNCTION(head, VectorXd, vec, int)
FUNCTION(head, vars, vars, int)
NAME(rep_vector)
FUNCTION(rep_vector, VectorXd, int, int)
FUNCTION(rep_vector, VectorXd, double, int)
FUNCTION(rep_vector, vars, var, int)
NAME(segment)
FUNCTION(segment, VectorXd, vec, int, int)
FUNCTION(segment, vars, vars, int, int)
NAME(tail)
FUNCTION(tail, VectorXd, vec, int)
FUNCTION(tail, vars, vars, int)
NAME(to_matrix)
FUNCTION(to_matrix, mat_vars, vars, int, int)
NAME(to_vector)
FUNCTION(to_vector, vars, mat_vars)

// -------------------------------------------------------------------------- densities, priors
#define PRIOR_1(name)                  \
  DENSITY(name)                        \
  FUNCTION(name, var, var, double)     \
  FUNCTION(name, var, vars, vec)
#define PRIOR_2(name)                          \
  DENSITY(name)                                \
  FUNCTION(name, var, var, double, double)     \
  FUNCTION(name, var, vars, vec, vec)

PRIOR_2(beta_lpdf)
PRIOR_2(cauchy_lpdf)
PRIOR_1(exponential_lpdf)
PRIOR_2(gamma_lpdf)
PRIOR_2(inv_gamma_lpdf)
PRIOR_2(lognormal_lpdf)
PRIOR_2(normal_lpdf)
DENSITY(student_t_lpdf)
FUNCTION(student_t_lpdf, var, var, double, double, double)
FUNCTION(student_t_lpdf, var, vars, vec, vec, vec)
DENSITY(lkj_corr_cholesky_lpdf)
FUNCTION(lkj_corr_cholesky_lpdf, var, mat_vars, double)
// Of standardised effects, and of effects about their means.
DENSITY(std_normal_lpdf)
FUNCTION(std_normal_lpdf, var, vars)
FUNCTION(normal_lpdf, var, vars, vars, vars)
FUNCTION(normal_lpdf, var, vars, double, vars)

// --------------------------------------------------------------------- densities, the response
DENSITY(normal_id_glm_lpdf)
FUNCTION(normal_id_glm_lpdf, var, vec, mat, var, vars, var)
FUNCTION(normal_id_glm_lpdf, var, vec, mat, vars, vars, var)
FUNCTION(normal_id_glm_lpdf, var, vec, mat, var, vars, vars)
FUNCTION(normal_id_glm_lpdf, var, vec, mat, vars, vars, vars)
FUNCTION(normal_lpdf, var, vec, var, var)
FUNCTION(normal_lpdf, var, vec, vars, var)
FUNCTION(normal_lpdf, var, vec, vars, vars)
FUNCTION(normal_lpdf, var, double, var, var)
FUNCTION(student_t_lpdf, var, vec, var, vars, var)
FUNCTION(student_t_lpdf, var, vec, vars, vars, var)

#define LOG_GLM(name)                             \
  DENSITY(name)                                   \
  FUNCTION(name, var, ints, mat, var, vars)       \
  FUNCTION(name, var, ints, mat, vars, vars)
LOG_GLM(bernoulli_logit_glm_lpmf)
KERNEL(poisson_log_glm_lpmf)
FUNCTION(poisson_log_glm_lpmf, var, ints, mat, var, vars)
FUNCTION(poisson_log_glm_lpmf, var, ints, mat, vars, vars)
FUNCTION(poisson_log_glm_lpmf_kernel, var, ints, mat, var, vars)
FUNCTION(poisson_log_glm_lpmf_kernel, var, ints, mat, vars, vars)
KERNEL(binomial_logit_glm_lpmf)
FUNCTION(binomial_logit_glm_lpmf, var, ints, ints, mat, var, vars)
FUNCTION(binomial_logit_glm_lpmf, var, ints, ints, mat, vars, vars)
FUNCTION(binomial_logit_glm_lpmf_kernel, var, ints, ints, mat, var, vars)
FUNCTION(binomial_logit_glm_lpmf_kernel, var, ints, ints, mat, vars, vars)
DENSITY(neg_binomial_2_log_glm_lpmf)
FUNCTION(neg_binomial_2_log_glm_lpmf, var, ints, mat, var, vars, var)
FUNCTION(neg_binomial_2_log_glm_lpmf, var, ints, mat, vars, vars, var)
DENSITY(bernoulli_lpmf)
FUNCTION(bernoulli_lpmf, var, ints, vars)
DENSITY(bernoulli_logit_lpmf)
FUNCTION(bernoulli_logit_lpmf, var, int, var)
FUNCTION(bernoulli_logit_lpmf, var, ints, vars)
KERNEL(binomial_lpmf)
FUNCTION(binomial_lpmf, var, ints, ints, vars)
FUNCTION(binomial_lpmf_kernel, var, ints, ints, vars)
KERNEL(binomial_logit_lpmf)
FUNCTION(binomial_logit_lpmf, var, int, int, var)
FUNCTION(binomial_logit_lpmf, var, ints, ints, vars)
FUNCTION(binomial_logit_lpmf_kernel, var, int, int, var)
FUNCTION(binomial_logit_lpmf_kernel, var, ints, ints, vars)
DENSITY(neg_binomial_2_lpmf)
FUNCTION(neg_binomial_2_lpmf, var, ints, vars, var)
DENSITY(neg_binomial_2_log_lpmf)
FUNCTION(neg_binomial_2_log_lpmf, var, int, var, var)
FUNCTION(neg_binomial_2_log_lpmf, var, ints, vars, var)
FUNCTION(neg_binomial_2_log_lpmf, var, ints, vars, vars)
KERNEL(poisson_lpmf)
FUNCTION(poisson_lpmf, var, ints, vars)
FUNCTION(poisson_lpmf_kernel, var, ints, vars)
KERNEL(poisson_log_lpmf)
FUNCTION(poisson_log_lpmf, var, int, var)
FUNCTION(poisson_log_lpmf, var, ints, vars)
FUNCTION(poisson_log_lpmf_kernel, var, int, var)
FUNCTION(poisson_log_lpmf_kernel, var, ints, vars)

// --------------------------------------------------------------------------------- constraints
#define BOUND(name)                            \
  NAME(name##_constrain)                       \
  NAME(name##_free)                            \
  TRANSFORM(name##_constrain, var, var, double)        \
  TRANSFORM(name##_constrain, vars, vars, double)      \
  FUNCTION(name##_constrain, var, var, double)         \
  FUNCTION(name##_constrain, vars, vars, double)       \
  FUNCTION(name##_constrain, double, double, double)   \
  FUNCTION(name##_constrain, VectorXd, vec, double)    \
  FUNCTION(name##_free, double, double, double)        \
  FUNCTION(name##_free, VectorXd, vec, double)
BOUND(lb)
BOUND(ub)
NAME(lub_constrain)
NAME(lub_free)
TRANSFORM(lub_constrain, var, var, double, double)
TRANSFORM(lub_constrain, vars, vars, vec, vec)
FUNCTION(lub_constrain, var, var, double, double)
FUNCTION(lub_constrain, vars, vars, vec, vec)
FUNCTION(lub_constrain, double, double, double, double)
FUNCTION(lub_constrain, VectorXd, vec, vec, vec)
FUNCTION(lub_free, double, double, double, double)
FUNCTION(lub_free, VectorXd, vec, vec, vec)
NAME(cholesky_corr_constrain)
NAME(cholesky_corr_free)
TRANSFORM(cholesky_corr_constrain, mat_vars, vars, int)
FUNCTION(cholesky_corr_constrain, mat_vars, vars, int)
FUNCTION(cholesky_corr_constrain, MatrixXd, vec, int)
FUNCTION(cholesky_corr_free, VectorXd, mat)

#undef UNARY
#undef VECTORS
#undef VECTOR_AND_SCALAR
#undef SCALAR_AND_VECTOR
#undef PRIOR_1
#undef PRIOR_2
#undef LOG_GLM
#undef BOUND
#undef NAME
#undef DENSITY
#undef KERNEL
#undef FUNCTION
#undef TRANSFORM
