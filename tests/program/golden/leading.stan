// y ~ x + (x | g)
// family: poisson(link = 'log')
// written by brmspy
data {
  int<lower=0> N;  // observations
  array[N] int<lower=0> Y;  // response: y
  real log_lik_left_out;  // what depends on the data alone, which is dear to compute
  int<lower=1> K;  // population-level coefficients
  int<lower=1> n_coefs;  // coefficients, the intercept included
  int<lower=0> n_kept;  // coefficients whose columns vary within levels
  array[n_kept] int<lower=1> kept;
  matrix[N, n_kept] X;  // their columns, less what levels' means hold
  int<lower=1> n_std_coefs;  // coefficients of all predictors, intercepts included
  vector[n_std_coefs] coefs_location;  // where they are about,
  matrix[n_std_coefs, n_std_coefs] coefs_scale;  // and what makes them near independent
  int<lower=1> M_1;  // correlated coefficients of group g
  int<lower=0> G_1;  // its levels
  int<lower=0> n_centred_1;  // levels in centred coordinates
  int<lower=1, upper=M_1 - 1> n_lead_1;  // coefficients that are, the first ones
  matrix[n_lead_1 * n_centred_1, n_coefs] B_1;  // what the coefficients add to their means
  int<lower=1> Q;  // group-level effects
  int<lower=0> Zn;  // non-zero elements of their sparse model matrix Z
  vector[Zn] Zw;  // its values
  array[Zn] int<lower=1> Zv;  // their columns
  array[N + 1] int<lower=1> Zu;  // where each row starts
  real prior_Intercept_nu;
  real prior_Intercept_mu;
  real prior_Intercept_sigma;
  vector[M_1] prior_sd_1_nu;
  vector[M_1] prior_sd_1_mu;
  vector[M_1] prior_sd_1_sigma;
  real prior_L_1_eta;
  real log_prior_mass;  // log prior mass that the bounds leave, summed over parameters
  int<lower=0, upper=1> prior_only;  // 1: draw from the prior, ignore the response
}
parameters {
  vector[n_std_coefs] std_coefs;  // standardised coefficients, intercepts included
  vector<lower=0>[M_1] sd_1;  // standard deviations of the effects of g
  cholesky_factor_corr[M_1] L_1;  // Cholesky factor of their correlations
  matrix[n_lead_1, n_centred_1] u_1;  // hierarchical means
  matrix[M_1 - n_lead_1, n_centred_1] v_1;  // standardised rest of the same levels
  matrix[M_1, G_1] z_1;  // standardised effects
}
transformed parameters {
  vector[n_coefs] coefs = coefs_location + coefs_scale * std_coefs;
  real Intercept = coefs[1];  // intercept at the means of the columns
  vector[K] b = tail(coefs, K);  // population-level coefficients
}
model {
  matrix[M_1, M_1] scale_1 = diag_pre_multiply(sd_1, L_1);
  matrix[n_lead_1, n_centred_1] z_lead_1 = mdivide_left_tri_low(scale_1[1:n_lead_1, 1:n_lead_1], u_1 - to_matrix(B_1 * coefs, n_lead_1, n_centred_1));
  matrix[M_1, n_centred_1] r_centred_1 = scale_1 * append_row(z_lead_1, v_1);
  matrix[M_1, n_centred_1] w_1 = append_row(u_1, r_centred_1[(n_lead_1 + 1):M_1]);
  matrix[M_1, G_1] r_1 = scale_1 * z_1;
  vector[Q] w = append_row(to_vector(w_1), to_vector(r_1));
  if (!prior_only) {
    target += poisson_log_glm_lupmf(Y | X, csr_matrix_times_vector(N, Q, Zw, Zv, Zu, w), coefs[kept]);
    if (std_normal_lupdf(0) == 0) {  // constants are left out here
      target += log_lik_left_out;
    }
  }
  // priors
  // Intercept ~ student_t(3, 1.1, 2.5)
  target += student_t_lpdf(Intercept | prior_Intercept_nu, prior_Intercept_mu, prior_Intercept_sigma);
  // b[x] ~ flat
  // sd_1[Intercept], … (2) ~ student_t(3, 0, 2.5)
  target += student_t_lpdf(sd_1 | prior_sd_1_nu, prior_sd_1_mu, prior_sd_1_sigma);
  // L_1 ~ lkj(1)
  target += lkj_corr_cholesky_lpdf(L_1 | prior_L_1_eta);
  target += -log_prior_mass;
  target += std_normal_lpdf(to_vector(z_1));
  target += std_normal_lpdf(to_vector(v_1));
  target += std_normal_lpdf(to_vector(z_lead_1));
  target += -n_centred_1 * sum(log(head(diagonal(scale_1), n_lead_1)));
}
