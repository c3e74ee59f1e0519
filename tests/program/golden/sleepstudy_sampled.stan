// Reaction ~ Days + (Days | Subject)
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
  real Intercept;  // intercept at the means of the columns
  vector[K] b;  // population-level coefficients
  real<lower=0> sigma;  // residual standard deviation
  vector<lower=0>[M_1] sd_1;  // standard deviations of the effects of Subject
  cholesky_factor_corr[M_1] L_1;  // Cholesky factor of their correlations
  matrix[M_1, G_1] z_1;  // standardised effects
}
model {
  if (!prior_only) {
    matrix[M_1, G_1] r_1 = diag_pre_multiply(sd_1, L_1) * z_1;
    target += normal_id_glm_lpdf(Y | X, Intercept + csr_matrix_times_vector(N, Q, Zw, Zv, Zu, to_vector(r_1)), b, sigma);
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
}
