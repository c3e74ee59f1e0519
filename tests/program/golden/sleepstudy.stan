// Reaction ~ Days + (Days | Subject)
// family: gaussian(link = 'identity')
// written by brmspy
functions {
  // Log density of y ~ normal(X * theta + Z * r, sigma) with r ~ normal(0, sigma * Lambda) for each
  // group integrated out, through sufficient statistics: `step` is theta less its least-squares
  // estimate, e = Z'(y - X * estimate), R'R = X'X. Groups with the same Z'Z are of one kind and share
  // a Cholesky factor; it is computed column by column for all kinds at once.
  real integrated_normal_lpdf(vector e, vector step, real sigma, matrix Lambda, real rss, matrix R,
                              matrix ZX, matrix ZZ, vector members, array[] int kind, real count) {
    int M = rows(Lambda);
    matrix[size(kind), M] S = to_matrix(e - ZX * step, size(kind), M) * Lambda;
    array[M, M] vector[rows(ZZ)] factor = rep_array(rep_vector(0, rows(ZZ)), M, M);
    array[M] vector[size(kind)] v = rep_array(rep_vector(0, size(kind)), M);
    real squares = rss + dot_self(R * step);
    real log_det = 0;
    for (j in 1:M) {
      for (i in j:M) {
        vector[rows(ZZ)] a = ZZ * to_vector(Lambda[, i] * Lambda[, j]');
        if (i == j) {
          a += 1;
        }
        for (k in 1:(j - 1)) {
          a -= factor[i, k] .* factor[j, k];
        }
        factor[i, j] = i == j ? sqrt(a) : a ./ factor[j, j];
      }
      v[j] = S[, j];
      for (k in 1:(j - 1)) {
        v[j] -= factor[j, k][kind] .* v[k];
      }
      v[j] = v[j] ./ factor[j, j][kind];
      squares -= dot_self(v[j]);
      log_det += dot_product(members, log(factor[j, j]));
    }
    return -0.5 * squares / square(sigma) - count * (log(sigma) + 0.5 * log(2 * pi())) - log_det;
  }
}
data {
  int<lower=1> K;  // population-level coefficients
  int<lower=1> n_coefs;  // coefficients, the intercept included
  int<lower=1> n_std_coefs;  // coefficients of all predictors, intercepts included
  vector[n_std_coefs] coefs_location;  // where they are about,
  matrix[n_std_coefs, n_std_coefs] coefs_scale;  // and what makes them near independent
  int<lower=1> M_1;  // coefficients of group Subject, integrated out
  int<lower=1> G_1;  // its levels
  int<lower=1> D_1;  // kinds of levels: those with the same Z'Z
  vector<lower=1>[D_1] members_1;  // levels of each kind
  array[G_1] int<lower=1, upper=D_1> kind_1;  // the kind of each level
  int<lower=1> P;  // coefficients that are not integrated out
  matrix[D_1, M_1 * M_1] ZZ;  // Z'Z of each kind
  matrix[G_1 * M_1, P] ZX;  // Z'X, coefficient after coefficient
  vector[G_1 * M_1] Ze;  // Z' times the least-squares residuals
  vector[P] estimate;  // least-squares estimate
  matrix[P, P] R;  // R'R = X'X
  real<lower=0> rss;  // least-squares residual sum of squares
  real<lower=0> count;  // number of rows, or sum of their weights
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
}
transformed parameters {
  vector[n_coefs] coefs = coefs_location + coefs_scale * std_coefs;
  real Intercept = coefs[1];  // intercept at the means of the columns
  vector[K] b = tail(coefs, K);  // population-level coefficients
}
model {
  if (!prior_only) {
    target += integrated_normal_lpdf(Ze | coefs - estimate, sigma, diag_pre_multiply(sd_1, L_1) / sigma, rss, R, ZX, ZZ, members_1, kind_1, count);
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
}
