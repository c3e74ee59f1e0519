// Reaction ~ Days + I(Days^2) + (Days | Subject)
// family: gaussian(link = 'identity')
// written by brmspy
data {
  int<lower=0> N;  // observations
  vector[N] Y;  // response: Reaction
  int<lower=1> K;  // population-level coefficients
  matrix[N, K] X;  // columns, centred
  int<lower=1> M_1;  // correlated coefficients of group Subject
  int<lower=1> G_1;  // its levels
  int<lower=1> Q;  // group-level effects
  int<lower=0> Zn;  // non-zero elements of their sparse model matrix Z
  vector[Zn] Zw;  // its values
  array[Zn] int<lower=1> Zv;  // their columns
  array[N + 1] int<lower=1> Zu;  // where each row starts
  real prior_Intercept_nu;
  real prior_Intercept_mu;
  real prior_Intercept_sigma;
  int<lower=1> n_free_b;  // elements of b that are not fixed
  array[n_free_b] int<lower=1> which_free_b;
  vector[K] fixed_b;  // the fixed elements' values
  vector[n_free_b] lb_b;
  vector[n_free_b] ub_b;
  int<lower=1> n_prior_b;
  array[n_prior_b] int<lower=1> which_prior_b;
  vector[n_prior_b] prior_b_mu;
  vector[n_prior_b] prior_b_sigma;
  real sigma;  // fixed by constant()
  int<lower=1> n_free_sd_1;  // elements of sd_1 that are not fixed
  array[n_free_sd_1] int<lower=1> which_free_sd_1;
  vector[M_1] fixed_sd_1;  // the fixed elements' values
  int<lower=1> n_prior_sd_1;
  array[n_prior_sd_1] int<lower=1> which_prior_sd_1;
  vector[n_prior_sd_1] prior_sd_1_nu;
  vector[n_prior_sd_1] prior_sd_1_mu;
  vector[n_prior_sd_1] prior_sd_1_sigma;
  real prior_L_1_eta;
  real log_prior_mass;  // log prior mass that the bounds leave, summed over parameters
  int<lower=0, upper=1> prior_only;  // 1: draw from the prior, ignore the response
}
parameters {
  real Intercept;  // intercept at the means of the columns
  vector<lower=lb_b, upper=ub_b>[n_free_b] free_b;  // population-level coefficients
  vector<lower=0>[n_free_sd_1] free_sd_1;  // standard deviations of the effects of Subject
  cholesky_factor_corr[M_1] L_1;  // Cholesky factor of their correlations
  matrix[M_1, G_1] z_1;  // standardised effects
}
transformed parameters {
  vector[K] b = fixed_b;
  b[which_free_b] = free_b;
  vector[M_1] sd_1 = fixed_sd_1;
  sd_1[which_free_sd_1] = free_sd_1;
}
model {
  if (!prior_only) {
    matrix[M_1, G_1] r_1 = diag_pre_multiply(sd_1, L_1) * z_1;
    target += normal_id_glm_lpdf(Y | X, Intercept + csr_matrix_times_vector(N, Q, Zw, Zv, Zu, to_vector(r_1)), b, sigma);
  }
  // priors
  // Intercept ~ student_t(3, 288.7, 59.3)
  target += student_t_lpdf(Intercept | prior_Intercept_nu, prior_Intercept_mu, prior_Intercept_sigma);
  // b[Days] ~ constant(10)
  // b[I(Days^2)] ~ cauchy(0, 5)
  target += cauchy_lpdf(b[which_prior_b] | prior_b_mu, prior_b_sigma);
  // sd_1[Intercept] ~ student_t(3, 0, 59.3)
  // sd_1[Days] ~ constant(5)
  target += student_t_lpdf(sd_1[which_prior_sd_1] | prior_sd_1_nu, prior_sd_1_mu, prior_sd_1_sigma);
  // L_1 ~ lkj(1)
  target += lkj_corr_cholesky_lpdf(L_1 | prior_L_1_eta);
  target += -log_prior_mass;
  target += std_normal_lpdf(to_vector(z_1));
}
