// height ~ Asym * -expm1(-exp(lrc) * age)
// sigma ~ low + log1p(exp(lrc) * age)
// Asym + lrc + low ~ 1
// family: gaussian(link = 'identity')
// written by brmspy
data {
  int<lower=0> N;  // observations
  vector[N] Y;  // response: height
  vector[N] C_1;  // covariate age
  int<lower=1> n_coefs_Asym;  // coefficients, the intercept included
  int<lower=1> n_coefs_lrc;  // coefficients, the intercept included
  int<lower=1> n_coefs_low;  // coefficients, the intercept included
  int<lower=1> n_std_coefs;  // coefficients of all predictors, intercepts included
  vector[n_std_coefs] coefs_location;  // where they are about,
  matrix[n_std_coefs, n_std_coefs] coefs_scale;  // and what makes them near independent
  real log_prior_mass;  // log prior mass that the bounds leave, summed over parameters
  int<lower=0, upper=1> prior_only;  // 1: draw from the prior, ignore the response
}
parameters {
  vector[n_std_coefs] std_coefs;  // standardised coefficients, intercepts included
}
transformed parameters {
  vector[n_std_coefs] all_coefs = coefs_location + coefs_scale * std_coefs;
  vector[n_coefs_Asym] coefs_Asym = segment(all_coefs, 1, n_coefs_Asym);
  vector[1] b_Asym = coefs_Asym;  // population-level coefficients of Asym
  vector[n_coefs_lrc] coefs_lrc = segment(all_coefs, 1 + n_coefs_Asym, n_coefs_lrc);
  vector[1] b_lrc = coefs_lrc;  // population-level coefficients of lrc
  vector[n_coefs_low] coefs_low = segment(all_coefs, 1 + n_coefs_Asym + n_coefs_lrc, n_coefs_low);
  vector[1] b_low = coefs_low;  // population-level coefficients of low
}
model {
  if (!prior_only) {
    real nlp_Asym = b_Asym[1];
    real nlp_lrc = b_lrc[1];
    real nlp_low = b_low[1];
    // sigma ~ low + log1p(exp(lrc) * age)
    real e_sigma_1 = exp(nlp_lrc);
    vector[N] sigma = exp(nlp_low + log1p(e_sigma_1 * C_1));
    // height ~ Asym * -expm1(-exp(lrc) * age)
    vector[N] mu = nlp_Asym * -expm1(-e_sigma_1 * C_1);
    target += normal_lpdf(Y | mu, sigma);
  }
  target += -log_prior_mass;
}
