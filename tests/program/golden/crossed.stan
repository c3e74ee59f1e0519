// Mate ~ 0 + Cross + (1 | Female) + (1 | Male)
// family: bernoulli(link = 'logit')
// written by brmspy
data {
  int<lower=0> N;  // observations
  array[N] int<lower=0, upper=1> Y;  // response: Mate
  int<lower=1> K;  // population-level coefficients
  int<lower=1> n_coefs;  // coefficients, the intercept included
  matrix[N, K] X;  // columns
  int<lower=1> n_std_coefs;  // coefficients of all predictors, intercepts included
  vector[n_std_coefs] coefs_location;  // where they are about,
  matrix[n_std_coefs, n_std_coefs] coefs_scale;  // and what makes them near independent
  int<lower=1> M;  // uncorrelated group-level coefficients
  int<lower=0> G;  // their levels, one coefficient after the other
  array[G] int<lower=1, upper=M> coef;  // the coefficient that a level belongs to
  int<lower=1> Q;  // group-level effects
  int<lower=0> Zn;  // non-zero elements of their sparse model matrix Z
  vector[Zn] Zw;  // its values
  array[Zn] int<lower=1> Zv;  // their columns
  array[N + 1] int<lower=1> Zu;  // where each row starts
  vector[M] prior_sd_nu;
  vector[M] prior_sd_mu;
  vector[M] prior_sd_sigma;
  real log_prior_mass;  // log prior mass that the bounds leave, summed over parameters
  int<lower=0, upper=1> prior_only;  // 1: draw from the prior, ignore the response
}
parameters {
  vector[n_std_coefs] std_coefs;  // standardised coefficients, intercepts included
  vector<lower=0>[M] sd;  // standard deviations of the uncorrelated group-level effects
  vector[G] z;  // standardised effects
}
transformed parameters {
  vector[n_coefs] coefs = coefs_location + coefs_scale * std_coefs;
  vector[K] b = coefs;  // population-level coefficients
}
model {
  if (!prior_only) {
    target += bernoulli_logit_glm_lpmf(Y | X, csr_matrix_times_vector(N, Q, Zw, Zv, Zu, sd[coef] .* z), b);
  }
  // priors
  // b[CrossR/R], … (4) ~ flat
  // sd[Female, Intercept], … (2) ~ student_t(3, 0, 2.5)
  target += student_t_lpdf(sd | prior_sd_nu, prior_sd_mu, prior_sd_sigma);
  target += -log_prior_mass;
  target += std_normal_lpdf(z);
}
