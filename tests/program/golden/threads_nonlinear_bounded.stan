// height ~ Asym + (R0 - Asym) * exp(-exp(lrc) * age)
// Asym + lrc ~ 1 + (1 | s | Seed)
// R0 ~ 1
// family: gaussian(link = 'identity')
// written by brmspy
functions {
  // Values between bounds from values without, as Stan's own constraints have them; bounds may be
  // infinite.
  vector within_bounds(vector y, vector lb, vector ub) {
    vector[size(y)] x = y;
    for (n in 1:size(y)) {
      if (is_inf(lb[n]) && is_inf(ub[n])) {
        continue;
      } else if (is_inf(ub[n])) {
        x[n] = lb[n] + exp(y[n]);
      } else if (is_inf(lb[n])) {
        x[n] = ub[n] - exp(y[n]);
      } else {
        x[n] = lb[n] + (ub[n] - lb[n]) * inv_logit(y[n]);
      }
    }
    return x;
  }
  // Log determinant of its Jacobian, at the values between the bounds.
  real within_bounds_log_jacobian(vector x, vector lb, vector ub) {
    real total = 0;
    for (n in 1:size(x)) {
      if (is_inf(lb[n]) && is_inf(ub[n])) {
        continue;
      } else if (is_inf(ub[n])) {
        total += log(x[n] - lb[n]);
      } else if (is_inf(lb[n])) {
        total += log(ub[n] - x[n]);
      } else {
        total += log(x[n] - lb[n]) + log(ub[n] - x[n]) - log(ub[n] - lb[n]);
      }
    }
    return total;
  }
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
      int N, data vector Y, data vector C_1, vector b_Asym, vector b_lrc, vector b_R0, int Q_Asym,
      data vector Zw_Asym, array[] int Zv_Asym, array[] int Zu_Asym, vector w_Asym, int Q_lrc,
      data vector Zw_lrc, array[] int Zv_lrc, array[] int Zu_lrc, vector w_lrc, real sigma) {
    real log_lik = 0;
    vector[N] nlp_Asym = b_Asym[1] + csr_matrix_times_vector(N, Q_Asym, Zw_Asym, Zv_Asym, Zu_Asym, w_Asym);
    vector[N] nlp_lrc = b_lrc[1] + csr_matrix_times_vector(N, Q_lrc, Zw_lrc, Zv_lrc, Zu_lrc, w_lrc);
    real nlp_R0 = b_R0[1];
    // height ~ Asym + (R0 - Asym) * exp(-exp(lrc) * age)
    vector[N] mu = nlp_Asym + (nlp_R0 - nlp_Asym) .* exp(-exp(nlp_lrc) .* C_1);
    log_lik += normal_lpdf(Y | mu, sigma);
    return log_lik;
  }
  // Log likelihood of rows start to end.
  real partial_log_lik(
      array[] int row_numbers, int start, int end, data vector Y, data vector C_1, vector b_Asym,
      vector b_lrc, vector b_R0, int Q_Asym, data vector Zw_Asym, array[] int Zv_Asym,
      array[] int Zu_Asym, vector w_Asym, int Q_lrc, data vector Zw_lrc, array[] int Zv_lrc,
      array[] int Zu_lrc, vector w_lrc, real sigma) {
    return rows_log_lik(
      end - start + 1, Y[start:end], C_1[start:end], b_Asym, b_lrc, b_R0, Q_Asym,
      Zw_Asym[Zu_Asym[start]:(Zu_Asym[end + 1] - 1)],
      Zv_Asym[Zu_Asym[start]:(Zu_Asym[end + 1] - 1)], row_starts(Zu_Asym, start, end), w_Asym,
      Q_lrc, Zw_lrc[Zu_lrc[start]:(Zu_lrc[end + 1] - 1)],
      Zv_lrc[Zu_lrc[start]:(Zu_lrc[end + 1] - 1)], row_starts(Zu_lrc, start, end), w_lrc, sigma);
  }
}
data {
  int<lower=0> N;  // observations
  vector[N] Y;  // response: height
  vector[N] C_1;  // covariate age
  int<lower=1> n_coefs_Asym;  // coefficients, the intercept included
  vector[n_coefs_Asym] lb_coefs_Asym;  // their bounds
  vector[n_coefs_Asym] ub_coefs_Asym;
  int<lower=1> n_coefs_lrc;  // coefficients, the intercept included
  int<lower=1> n_coefs_R0;  // coefficients, the intercept included
  int<lower=1> n_std_coefs;  // coefficients of all predictors, intercepts included
  vector[n_std_coefs] coefs_location;  // where they are about,
  matrix[n_std_coefs, n_std_coefs] coefs_scale;  // and what makes them near independent
  int<lower=1> M_1;  // correlated coefficients of group Seed
  int<lower=0> G_1;  // its levels
  array[2] int<lower=1, upper=M_1> span_1_Asym;  // first and last coefficient that enter Asym
  array[2] int<lower=1, upper=M_1> span_1_lrc;  // first and last coefficient that enter lrc
  int<lower=1> Q_Asym;  // group-level effects of Asym
  int<lower=0> Zn_Asym;  // non-zero elements of their sparse model matrix Z
  vector[Zn_Asym] Zw_Asym;  // its values
  array[Zn_Asym] int<lower=1> Zv_Asym;  // their columns
  array[N + 1] int<lower=1> Zu_Asym;  // where each row starts
  int<lower=1> Q_lrc;  // group-level effects of lrc
  int<lower=0> Zn_lrc;  // non-zero elements of their sparse model matrix Z
  vector[Zn_lrc] Zw_lrc;  // its values
  array[Zn_lrc] int<lower=1> Zv_lrc;  // their columns
  array[N + 1] int<lower=1> Zu_lrc;  // where each row starts
  vector[1] prior_b_Asym_mu;
  vector[1] prior_b_Asym_sigma;
  vector[1] prior_b_lrc_mu;
  vector[1] prior_b_lrc_sigma;
  vector[1] prior_b_R0_mu;
  vector[1] prior_b_R0_sigma;
  real prior_sigma_nu;
  real prior_sigma_mu;
  real prior_sigma_sigma;
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
  real<lower=0> sigma;  // residual standard deviation
  vector<lower=0>[M_1] sd_1;  // standard deviations of the effects of Seed
  cholesky_factor_corr[M_1] L_1;  // Cholesky factor of their correlations
  matrix[M_1, G_1] z_1;  // standardised effects
}
transformed parameters {
  vector[n_std_coefs] all_coefs = coefs_location + coefs_scale * std_coefs;
  vector[n_coefs_Asym] coefs_Asym = within_bounds(segment(all_coefs, 1, n_coefs_Asym), lb_coefs_Asym, ub_coefs_Asym);
  vector[1] b_Asym = coefs_Asym;  // population-level coefficients of Asym
  vector[n_coefs_lrc] coefs_lrc = segment(all_coefs, 1 + n_coefs_Asym, n_coefs_lrc);
  vector[1] b_lrc = coefs_lrc;  // population-level coefficients of lrc
  vector[n_coefs_R0] coefs_R0 = segment(all_coefs, 1 + n_coefs_Asym + n_coefs_lrc, n_coefs_R0);
  vector[1] b_R0 = coefs_R0;  // population-level coefficients of R0
}
model {
  matrix[M_1, G_1] r_1 = diag_pre_multiply(sd_1, L_1) * z_1;
  vector[Q_Asym] w_Asym = to_vector(r_1[span_1_Asym[1]:span_1_Asym[2]]);
  vector[Q_lrc] w_lrc = to_vector(r_1[span_1_lrc[1]:span_1_lrc[2]]);
  if (!prior_only) {
    target += reduce_sum_static(
      partial_log_lik, row_numbers, grainsize, Y, C_1, b_Asym, b_lrc, b_R0, Q_Asym, Zw_Asym,
      Zv_Asym, Zu_Asym, w_Asym, Q_lrc, Zw_lrc, Zv_lrc, Zu_lrc, w_lrc, sigma);
  }
  // priors
  // b_Asym[Intercept] ~ normal(101, 0.1)
  target += normal_lpdf(b_Asym | prior_b_Asym_mu, prior_b_Asym_sigma);
  // b_lrc[Intercept] ~ normal(-3, 1)
  target += normal_lpdf(b_lrc | prior_b_lrc_mu, prior_b_lrc_sigma);
  // b_R0[Intercept] ~ normal(-8, 2)
  target += normal_lpdf(b_R0 | prior_b_R0_mu, prior_b_R0_sigma);
  // sigma ~ student_t(3, 0, 32.8)
  target += student_t_lpdf(sigma | prior_sigma_nu, prior_sigma_mu, prior_sigma_sigma);
  // sd_1[Asym_Intercept], … (2) ~ student_t(3, 0, 32.8)
  target += student_t_lpdf(sd_1 | prior_sd_1_nu, prior_sd_1_mu, prior_sd_1_sigma);
  // L_1 ~ lkj(1)
  target += lkj_corr_cholesky_lpdf(L_1 | prior_L_1_eta);
  target += -log_prior_mass;
  target += within_bounds_log_jacobian(coefs_Asym, lb_coefs_Asym, ub_coefs_Asym);
  target += std_normal_lpdf(to_vector(z_1));
}
