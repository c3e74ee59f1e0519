// Reaction ~ Days + (1 | p | Subject)
// sigma ~ Days + (1 | p | Subject)
// family: gaussian(link = 'identity')
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
      int N, data vector Y, data matrix X_sigma, real Intercept_sigma, vector b_sigma,
      data matrix X, real Intercept, vector b, int Q_sigma, data vector Zw_sigma,
      array[] int Zv_sigma, array[] int Zu_sigma, vector w_sigma, int Q, data vector Zw,
      array[] int Zv, array[] int Zu, vector w) {
    real log_lik = 0;
    vector[N] sigma = exp(Intercept_sigma + csr_matrix_times_vector(N, Q_sigma, Zw_sigma, Zv_sigma, Zu_sigma, w_sigma) + X_sigma * b_sigma);
    log_lik += normal_id_glm_lpdf(Y | X, Intercept + csr_matrix_times_vector(N, Q, Zw, Zv, Zu, w), b, sigma);
    return log_lik;
  }
  // Log likelihood of rows start to end.
  real partial_log_lik(
      array[] int row_numbers, int start, int end, data vector Y, data matrix X_sigma,
      real Intercept_sigma, vector b_sigma, data matrix X, real Intercept, vector b, int Q_sigma,
      data vector Zw_sigma, array[] int Zv_sigma, array[] int Zu_sigma, vector w_sigma, int Q,
      data vector Zw, array[] int Zv, array[] int Zu, vector w) {
    return rows_log_lik(
      end - start + 1, Y[start:end], X_sigma[start:end], Intercept_sigma, b_sigma, X[start:end],
      Intercept, b, Q_sigma, Zw_sigma[Zu_sigma[start]:(Zu_sigma[end + 1] - 1)],
      Zv_sigma[Zu_sigma[start]:(Zu_sigma[end + 1] - 1)], row_starts(Zu_sigma, start, end), w_sigma,
      Q, Zw[Zu[start]:(Zu[end + 1] - 1)], Zv[Zu[start]:(Zu[end + 1] - 1)],
      row_starts(Zu, start, end), w);
  }
}
data {
  int<lower=0> N;  // observations
  vector[N] Y;  // response: Reaction
  int<lower=1> K_sigma;  // population-level coefficients of sigma
  int<lower=1> n_coefs_sigma;  // coefficients, the intercept included
  matrix[N, K_sigma] X_sigma;  // columns, centred
  int<lower=1> K;  // population-level coefficients
  int<lower=1> n_coefs;  // coefficients, the intercept included
  matrix[N, K] X;  // columns, centred
  int<lower=1> n_std_coefs;  // coefficients of all predictors, intercepts included
  vector[n_std_coefs] coefs_location;  // where they are about,
  matrix[n_std_coefs, n_std_coefs] coefs_scale;  // and what makes them near independent
  int<lower=1> M_1;  // correlated coefficients of group Subject
  int<lower=0> G_1;  // its levels
  array[2] int<lower=1, upper=M_1> span_1_mu;  // first and last coefficient that enter mu
  array[2] int<lower=1, upper=M_1> span_1_sigma;  // first and last coefficient that enter sigma
  int<lower=1> Q_sigma;  // group-level effects of sigma
  int<lower=0> Zn_sigma;  // non-zero elements of their sparse model matrix Z
  vector[Zn_sigma] Zw_sigma;  // its values
  array[Zn_sigma] int<lower=1> Zv_sigma;  // their columns
  array[N + 1] int<lower=1> Zu_sigma;  // where each row starts
  int<lower=1> Q;  // group-level effects
  int<lower=0> Zn;  // non-zero elements of their sparse model matrix Z
  vector[Zn] Zw;  // its values
  array[Zn] int<lower=1> Zv;  // their columns
  array[N + 1] int<lower=1> Zu;  // where each row starts
  real prior_Intercept_sigma_nu;
  real prior_Intercept_sigma_mu;
  real prior_Intercept_sigma_sigma;
  real prior_Intercept_nu;
  real prior_Intercept_mu;
  real prior_Intercept_sigma;
  vector[M_1] prior_sd_1_nu;
  vector[M_1] prior_sd_1_mu;
  vector[M_1] prior_sd_1_sigma;
  real prior_L_1_eta;
  int<lower=1> grainsize;  // largest number of rows that a thread takes at once
  real log_prior_mass;  // log prior mass that the bounds leave, summed over parameters
  int<lower=0, upper=1> prior_only;  // 1: draw from the prior, ignore the response
}
transformed data {
  array[N] int row_numbers = linspaced_int_array(N, 1, N);
}
parameters {
  vector[n_std_coefs] std_coefs;  // standardised coefficients, intercepts included
  vector<lower=0>[M_1] sd_1;  // standard deviations of the effects of Subject
  cholesky_factor_corr[M_1] L_1;  // Cholesky factor of their correlations
  matrix[M_1, G_1] z_1;  // standardised effects
}
transformed parameters {
  vector[n_std_coefs] all_coefs = coefs_location + coefs_scale * std_coefs;
  vector[n_coefs_sigma] coefs_sigma = segment(all_coefs, 1, n_coefs_sigma);
  real Intercept_sigma = coefs_sigma[1];  // intercept of sigma at the means of the columns
  vector[K_sigma] b_sigma = tail(coefs_sigma, K_sigma);  // population-level coefficients of sigma
  vector[n_coefs] coefs = segment(all_coefs, 1 + n_coefs_sigma, n_coefs);
  real Intercept = coefs[1];  // intercept at the means of the columns
  vector[K] b = tail(coefs, K);  // population-level coefficients
}
model {
  matrix[M_1, G_1] r_1 = diag_pre_multiply(sd_1, L_1) * z_1;
  vector[Q_sigma] w_sigma = to_vector(r_1[span_1_sigma[1]:span_1_sigma[2]]);
  vector[Q] w = to_vector(r_1[span_1_mu[1]:span_1_mu[2]]);
  if (!prior_only) {
    target += reduce_sum_static(
      partial_log_lik, row_numbers, grainsize, Y, X_sigma, Intercept_sigma, b_sigma, X, Intercept,
      b, Q_sigma, Zw_sigma, Zv_sigma, Zu_sigma, w_sigma, Q, Zw, Zv, Zu, w);
  }
  // priors
  // Intercept_sigma ~ student_t(3, 0, 2.5)
  target += student_t_lpdf(Intercept_sigma | prior_Intercept_sigma_nu, prior_Intercept_sigma_mu, prior_Intercept_sigma_sigma);
  // b_sigma[Days] ~ flat
  // Intercept ~ student_t(3, 288.7, 59.3)
  target += student_t_lpdf(Intercept | prior_Intercept_nu, prior_Intercept_mu, prior_Intercept_sigma);
  // b[Days] ~ flat
  // sd_1[Intercept], … (2) ~ student_t(3, 0, 59.3)
  target += student_t_lpdf(sd_1 | prior_sd_1_nu, prior_sd_1_mu, prior_sd_1_sigma);
  // L_1 ~ lkj(1)
  target += lkj_corr_cholesky_lpdf(L_1 | prior_L_1_eta);
  target += -log_prior_mass;
  target += std_normal_lpdf(to_vector(z_1));
}
