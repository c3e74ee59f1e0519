// incidence | trials(size) + weights(size) ~ (1 | herd)
// family: binomial(link = 'logit')
// written by brmspy
functions {
  // Where rows start to end of a sparse matrix start, when those before them are cut off.
  array[] int row_starts(array[] int u, int start, int end) {
    array[end - start + 2] int starts;
    int before = u[start] - 1;
    for (n in 1:(end - start + 2)) {
      starts[n] = u[start + n - 1] - before;
    }
    return starts;
  }
  // Log likelihood of N rows.
  real rows_log_lik(
      int N, array[] int Y, array[] int trials, data vector weights, data matrix X,
      array[] int kept, vector coefs, int Q, data vector Zw, array[] int Zv, array[] int Zu,
      vector w) {
    real log_lik = 0;
    vector[N] mu = csr_matrix_times_vector(N, Q, Zw, Zv, Zu, w) + X * coefs[kept];
    for (n in 1:N) {
      log_lik += weights[n] * binomial_logit_lpmf(Y[n] | trials[n], mu[n]);
    }
    return log_lik;
  }
  // Log likelihood of rows start to end.
  real partial_log_lik(
      array[] int Y, int start, int end, array[] int trials, data vector weights, data matrix X,
      array[] int kept, vector coefs, int Q, data vector Zw, array[] int Zv, array[] int Zu,
      vector w) {
    return rows_log_lik(
      end - start + 1, Y, trials[start:end], weights[start:end], X[start:end], kept, coefs, Q,
      Zw[Zu[start]:(Zu[end + 1] - 1)], Zv[Zu[start]:(Zu[end + 1] - 1)], row_starts(Zu, start, end),
      w);
  }
}
data {
  int<lower=0> N;  // observations
  array[N] int<lower=0> Y;  // response: incidence
  array[N] int<lower=0> trials;  // number of trials
  vector<lower=0>[N] weights;  // likelihood weights
  int<lower=1> n_coefs;  // coefficients, the intercept included
  int<lower=0> n_kept;  // coefficients whose columns vary within levels
  array[n_kept] int<lower=1> kept;
  matrix[N, n_kept] X;  // their columns, less what levels' means hold
  int<lower=1> n_std_coefs;  // coefficients of all predictors, intercepts included
  vector[n_std_coefs] coefs_location;  // where they are about,
  matrix[n_std_coefs, n_std_coefs] coefs_scale;  // and what makes them near independent
  int<lower=1> M;  // uncorrelated group-level coefficients
  int<lower=0> G;  // their levels, one coefficient after the other
  array[G] int<lower=1, upper=M> coef;  // the coefficient that a level belongs to
  int<lower=0> n_centred;  // levels in centred coordinates
  array[n_centred] int<lower=1, upper=M> coef_centred;
  matrix[n_centred, n_coefs] B;  // what the coefficients add to their means
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
  int<lower=1> grainsize;  // largest number of rows that a thread takes at once
  real log_prior_mass;  // log prior mass that the bounds leave, summed over parameters
  int<lower=0, upper=1> prior_only;  // 1: draw from the prior, ignore the response
}
parameters {
  vector[n_std_coefs] std_coefs;  // standardised coefficients, intercepts included
  vector<lower=0>[M] sd;  // standard deviations of the uncorrelated group-level effects
  vector[n_centred] u;  // hierarchical means
  vector[G] z;  // standardised effects
}
transformed parameters {
  vector[n_coefs] coefs = coefs_location + coefs_scale * std_coefs;
  real Intercept = coefs[1];  // intercept at the means of the columns
}
model {
  vector[Q] w = append_row(u, sd[coef] .* z);
  if (!prior_only) {
    target += reduce_sum_static(
      partial_log_lik, Y, grainsize, trials, weights, X, kept, coefs, Q, Zw, Zv, Zu, w);
  }
  // priors
  // Intercept ~ student_t(3, 0, 2.5)
  target += student_t_lpdf(Intercept | prior_Intercept_nu, prior_Intercept_mu, prior_Intercept_sigma);
  // sd[herd, Intercept] ~ student_t(3, 0, 2.5)
  target += student_t_lpdf(sd | prior_sd_nu, prior_sd_mu, prior_sd_sigma);
  target += -log_prior_mass;
  target += std_normal_lpdf(z);
  target += normal_lpdf(u | B * coefs, sd[coef_centred]);
}
