// Reaction ~ Days + (Days | Subject)
// family: gaussian(link = 'identity')
// written by brmspy
data {
  int<lower=0> N;  // observations
  vector[N] Y;  // response: Reaction
  int<lower=1> K;  // population-level coefficients
  int<lower=1> n_coefs;  // coefficients, the intercept included
  int<lower=0> n_kept;  // coefficients whose columns vary within levels
  array[n_kept] int<lower=1> kept;
  matrix[N, n_kept] X;  // their columns, less what levels' means hold
  int<lower=1> n_std_coefs;  // coefficients of all predictors, intercepts included
  vector[n_std_coefs] coefs_location;  // where they are about,
  matrix[n_std_coefs, n_std_coefs] coefs_scale;  // and what makes them near independent
  int<lower=1> M_1;  // correlated coefficients of group Subject
  int<lower=0> G_1;  // its levels
  int<lower=0> n_centred_1;  // levels in centred coordinates
  int<lower=0> Cn_1;  // from the coordinates of a level to its means, in compressed rows
  vector[Cn_1] Cw_1;
  array[Cn_1] int<lower=1> Cv_1;
  array[M_1 * n_centred_1 + 1] int<lower=1> Cu_1;
  matrix[M_1 * n_centred_1, n_coefs] B_1;  // what the coefficients add to their means
  int<lower=1> Q;  // group-level effects
  int<lower=0> Zn;  // non-zero elements of their sparse model matrix Z
  vector[Zn] Zw;  // its values
  array[Zn] int<lower=1> Zv;  // their columns
  array[N + 1] int<lower=1> Zu;  // where each row starts
  real prior_Intercept_nu;
  real prior_Intercept_mu;
  real prior_Intercept_sigma;
  real prior_sigma_nu;
  real prior_sigma_mu;
  real prior_sigma_sigma;
  vector[M_1] prior_sd_1_nu;
  vector[M_1] prior_sd_1_mu;
  vector[M_1] prior_sd_1_sigma;
  real prior_L_1_eta;
  real log_prior_mass;  // log prior mass that the bounds leave, summed over parameters
  int<lower=0, upper=1> prior_only;  // 1: draw from the prior, ignore the response
}
parameters {
  vector[n_std_coefs] std_coefs;  // standardised coefficients, intercepts included
  real<lower=0> sigma;  // residual standard deviation
  vector<lower=0>[M_1] sd_1;  // standard deviations of the effects of Subject
  cholesky_factor_corr[M_1] L_1;  // Cholesky factor of their correlations
  matrix[M_1, n_centred_1] d_1;  // hierarchical means, less what those before them say
  matrix[M_1, G_1] z_1;  // standardised effects
}
transformed parameters {
  vector[n_coefs] coefs = coefs_location + coefs_scale * std_coefs;
  real Intercept = coefs[1];  // intercept at the means of the columns
  vector[K] b = tail(coefs, K);  // population-level coefficients
}
model {
  matrix[M_1, M_1] scale_1 = diag_pre_multiply(sd_1, L_1);
  matrix[M_1, n_centred_1] u_1 = d_1;
  if (n_centred_1 > 0) {
    u_1 = to_matrix(csr_matrix_times_vector(M_1 * n_centred_1, M_1 * n_centred_1, Cw_1, Cv_1, Cu_1, to_vector(d_1)), M_1, n_centred_1);
  }
  matrix[M_1, G_1] r_1 = scale_1 * z_1;
  vector[Q] w = append_row(to_vector(u_1), to_vector(r_1));
  if (!prior_only) {
    target += normal_id_glm_lpdf(Y | X, csr_matrix_times_vector(N, Q, Zw, Zv, Zu, w), coefs[kept], sigma);
  }
  // priors
  // Intercept ~ student_t(3, 288.7, 59.3)
  target += student_t_lpdf(Intercept | prior_Intercept_nu, prior_Intercept_mu, prior_Intercept_sigma);
  // b[Days] ~ flat
  // sigma ~ student_t(3, 0, 59.3)
  target += student_t_lpdf(sigma | prior_sigma_nu, prior_sigma_mu, prior_sigma_sigma);
  // sd_1[Intercept], … (2) ~ student_t(3, 0, 59.3)
  target += student_t_lpdf(sd_1 | prior_sd_1_nu, prior_sd_1_mu, prior_sd_1_sigma);
  // L_1 ~ lkj(1)
  target += lkj_corr_cholesky_lpdf(L_1 | prior_L_1_eta);
  target += -log_prior_mass;
  target += std_normal_lpdf(to_vector(z_1));
  target += std_normal_lpdf(to_vector(mdivide_left_tri_low(scale_1, u_1 - to_matrix(B_1 * coefs, M_1, n_centred_1))));
  target += -n_centred_1 * sum(log(diagonal(scale_1)));
}
