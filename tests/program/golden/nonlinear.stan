// height ~ SSasymp(age, Asym, R0, lrc)
// Asym ~ 1 + (1 | Seed)
// R0 + lrc ~ 1
// family: gaussian(link = 'identity')
// written by brmspy
data {
  int<lower=0> N;  // observations
  vector[N] Y;  // response: height
  vector[N] C_1;  // covariate age
  int<lower=1> n_coefs_Asym;  // coefficients, the intercept included
  int<lower=0> n_kept_Asym;  // coefficients whose columns vary within levels
  array[n_kept_Asym] int<lower=1> kept_Asym;
  matrix[N, n_kept_Asym] X_Asym;  // their columns, less what levels' means hold
  int<lower=1> n_coefs_R0;  // coefficients, the intercept included
  int<lower=1> n_coefs_lrc;  // coefficients, the intercept included
  int<lower=1> n_std_coefs;  // coefficients of all predictors, intercepts included
  vector[n_std_coefs] coefs_location;  // where they are about,
  matrix[n_std_coefs, n_std_coefs] coefs_scale;  // and what makes them near independent
  int<lower=1> M_Asym;  // uncorrelated group-level coefficients of Asym
  int<lower=0> G_Asym;  // their levels, one coefficient after the other
  array[G_Asym] int<lower=1, upper=M_Asym> coef_Asym;  // the coefficient that a level belongs to
  int<lower=0> n_centred_Asym;  // levels in centred coordinates
  array[n_centred_Asym] int<lower=1, upper=M_Asym> coef_centred_Asym;
  matrix[n_centred_Asym, n_coefs_Asym] B_Asym;  // what the coefficients add to their means
  matrix[n_centred_Asym, n_std_coefs] shift_Asym;  // how they move with all coefficients
  int<lower=1> Q_Asym;  // group-level effects of Asym
  int<lower=0> Zn_Asym;  // non-zero elements of their sparse model matrix Z
  vector[Zn_Asym] Zw_Asym;  // its values
  array[Zn_Asym] int<lower=1> Zv_Asym;  // their columns
  array[N + 1] int<lower=1> Zu_Asym;  // where each row starts
  vector[1] prior_b_Asym_mu;
  vector[1] prior_b_Asym_sigma;
  vector[1] prior_b_R0_mu;
  vector[1] prior_b_R0_sigma;
  vector[1] prior_b_lrc_mu;
  vector[1] prior_b_lrc_sigma;
  real prior_sigma_nu;
  real prior_sigma_mu;
  real prior_sigma_sigma;
  vector[M_Asym] prior_sd_Asym_nu;
  vector[M_Asym] prior_sd_Asym_mu;
  vector[M_Asym] prior_sd_Asym_sigma;
  real log_prior_mass;  // log prior mass that the bounds leave, summed over parameters
  int<lower=0, upper=1> prior_only;  // 1: draw from the prior, ignore the response
}
parameters {
  vector[n_std_coefs] std_coefs;  // standardised coefficients, intercepts included
  real<lower=0> sigma;  // residual standard deviation
  vector<lower=0>[M_Asym] sd_Asym;  // standard deviations of the uncorrelated group-level effects of Asym
  vector[n_centred_Asym] d_Asym;  // hierarchical means, less what moves with the coefficients
  vector[G_Asym] z_Asym;  // standardised effects
}
transformed parameters {
  vector[n_std_coefs] all_coefs = coefs_location + coefs_scale * std_coefs;
  vector[n_coefs_Asym] coefs_Asym = segment(all_coefs, 1, n_coefs_Asym);
  vector[1] b_Asym = coefs_Asym;  // population-level coefficients of Asym
  vector[n_coefs_R0] coefs_R0 = segment(all_coefs, 1 + n_coefs_Asym, n_coefs_R0);
  vector[1] b_R0 = coefs_R0;  // population-level coefficients of R0
  vector[n_coefs_lrc] coefs_lrc = segment(all_coefs, 1 + n_coefs_Asym + n_coefs_R0, n_coefs_lrc);
  vector[1] b_lrc = coefs_lrc;  // population-level coefficients of lrc
  vector[n_centred_Asym] u_Asym = d_Asym + shift_Asym * std_coefs;  // hierarchical means
}
model {
  vector[Q_Asym] w_Asym = append_row(u_Asym, sd_Asym[coef_Asym] .* z_Asym);
  if (!prior_only) {
    vector[N] nlp_Asym = csr_matrix_times_vector(N, Q_Asym, Zw_Asym, Zv_Asym, Zu_Asym, w_Asym) + X_Asym * coefs_Asym[kept_Asym];
    real nlp_R0 = b_R0[1];
    real nlp_lrc = b_lrc[1];
    // height ~ SSasymp(age, Asym, R0, lrc)
    vector[N] mu = nlp_Asym + (nlp_R0 - nlp_Asym) .* exp(-exp(nlp_lrc) * C_1);
    target += normal_lpdf(Y | mu, sigma);
  }
  // priors
  // b_Asym[Intercept] ~ normal(100, 10)
  target += normal_lpdf(b_Asym | prior_b_Asym_mu, prior_b_Asym_sigma);
  // b_R0[Intercept] ~ normal(-8, 2)
  target += normal_lpdf(b_R0 | prior_b_R0_mu, prior_b_R0_sigma);
  // b_lrc[Intercept] ~ normal(-3, 1)
  target += normal_lpdf(b_lrc | prior_b_lrc_mu, prior_b_lrc_sigma);
  // sigma ~ student_t(3, 0, 32.8)
  target += student_t_lpdf(sigma | prior_sigma_nu, prior_sigma_mu, prior_sigma_sigma);
  // sd_Asym[Seed, Asym_Intercept] ~ student_t(3, 0, 7.8)
  target += student_t_lpdf(sd_Asym | prior_sd_Asym_nu, prior_sd_Asym_mu, prior_sd_Asym_sigma);
  target += -log_prior_mass;
  target += std_normal_lpdf(z_Asym);
  target += normal_lpdf(u_Asym | B_Asym * coefs_Asym, sd_Asym[coef_centred_Asym]);
}
