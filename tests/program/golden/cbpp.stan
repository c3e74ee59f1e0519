// incidence | trials(size) ~ period + (1 | herd)
// family: binomial(link = 'logit')
// written by brmspy
data {
  int<lower=0> N;  // observations
  array[N] int<lower=0> Y;  // response: incidence
  array[N] int<lower=0> trials;  // number of trials
  int<lower=1> K;  // population-level coefficients
  matrix[N, K] X;  // columns, centred
  int<lower=1> M;  // uncorrelated group-level coefficients
  int<lower=1> G;  // their levels, one coefficient after the other
  array[G] int<lower=1, upper=M> coef;  // the coefficient that a level belongs to
  int<lower=1> Q;  // group-level effects
  int<lower=0> Zn;  // non-zero elements of their sparse model matrix Z
  vector[Zn] Zw;  // its values
  array[Zn] int<lower=1> Zv;  // their columns
  array[N + 1] int<lower=1> Zu;  // where each row starts
  real prior_Intercept_nu;
  real prior_Intercept_mu;
  real prior_Intercept_sigma;
  vector[M] prior_sd_nu;
  vector[M] prior_sd_mu;
  vector[M] prior_sd_sigma;
  real log_prior_mass;  // log prior mass that the bounds leave, summed over parameters
  int<lower=0, upper=1> prior_only;  // 1: draw from the prior, ignore the response
}
parameters {
  real Intercept;  // intercept at the means of the columns
  vector[K] b;  // population-level coefficients
  vector<lower=0>[M] sd;  // standard deviations of the uncorrelated group-level effects
  vector[G] z;  // standardised effects
}
model {
  if (!prior_only) {
    target += binomial_logit_glm_lpmf(Y | trials, X, Intercept + csr_matrix_times_vector(N, Q, Zw, Zv, Zu, sd[coef] .* z), b);
  }
  // priors
  // Intercept ~ student_t(3, 0, 2.5)
  target += student_t_lpdf(Intercept | prior_Intercept_nu, prior_Intercept_mu, prior_Intercept_sigma);
  // b[period2], … (3) ~ flat
  // sd[herd, Intercept] ~ student_t(3, 0, 2.5)
  target += student_t_lpdf(sd | prior_sd_nu, prior_sd_mu, prior_sd_sigma);
  target += -log_prior_mass;
  target += std_normal_lpdf(z);
}
