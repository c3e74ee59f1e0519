// height ~ SSasymp(age, Asym, R0, lrc)
// Asym + lrc ~ 1 + (1 | Seed)
// R0 ~ 1
// family: gaussian(link = 'identity')
// written by brmspy
functions {
  // Standardised effects of levels, effect after effect, from the coordinates of combinations T of
  // them, and at the end the log determinant of that map, level by level. A combination that the data
  // know is given, less `move`; the others are standardised, given those before them. The rotation
  // between combinations and effects is that of Gram and Schmidt.
  vector joint_levels(vector x, vector move, data vector T, data vector known, vector sd, int G) {
    int M = size(sd);
    array[M * M] vector[G] q;
    array[M] vector[G] y;
    vector[G] added = rep_vector(0, G);
    for (i in 1:M) {
      vector[G] own = segment(x, (i - 1) * G + 1, G);
      vector[G] is_known = segment(known, (i - 1) * G + 1, G);
      vector[G] left = own + segment(move, (i - 1) * G + 1, G);
      vector[G] size_i = rep_vector(0, G);
      for (j in 1:M) {
        q[(i - 1) * M + j] = segment(T, ((i - 1) * M + j - 1) * G + 1, G) * sd[j];
      }
      for (k in 1:(i - 1)) {
        vector[G] share = rep_vector(0, G);
        for (j in 1:M) {
          share = share + q[(i - 1) * M + j] .* q[(k - 1) * M + j];
        }
        for (j in 1:M) {
          q[(i - 1) * M + j] = q[(i - 1) * M + j] - share .* q[(k - 1) * M + j];
        }
        left = left - share .* y[k];
      }
      for (j in 1:M) {
        size_i = size_i + square(q[(i - 1) * M + j]);
      }
      size_i = sqrt(size_i);
      for (j in 1:M) {
        q[(i - 1) * M + j] = q[(i - 1) * M + j] ./ size_i;
      }
      y[i] = own + is_known .* (left ./ size_i - own);
      added = added - is_known .* log(size_i);
    }
    vector[(M + 1) * G] z;
    for (j in 1:M) {
      vector[G] effects = rep_vector(0, G);
      for (i in 1:M) {
        effects = effects + q[(i - 1) * M + j] .* y[i];
      }
      z[((j - 1) * G + 1):(j * G)] = effects;
    }
    z[(M * G + 1):((M + 1) * G)] = added;
    return z;
  }
}
data {
  int<lower=0> N;  // observations
  vector[N] Y;  // response: height
  vector[N] C_1;  // covariate age
  int<lower=1> n_coefs_Asym;  // coefficients, the intercept included
  int<lower=1> n_coefs_lrc;  // coefficients, the intercept included
  int<lower=1> n_coefs_R0;  // coefficients, the intercept included
  int<lower=1> n_std_coefs;  // coefficients of all predictors, intercepts included
  vector[n_std_coefs] coefs_location;  // where they are about,
  matrix[n_std_coefs, n_std_coefs] coefs_scale;  // and what makes them near independent
  int<lower=1> joint1_M;  // effects of each level of Seed that are sampled together
  int<lower=0> joint1_G;  // levels
  vector[joint1_M * joint1_M * joint1_G] joint1_T;  // combinations of them
  vector[joint1_M * joint1_G] joint1_known;  // 1: the data know this combination of this level
  matrix[joint1_M * joint1_G, n_std_coefs] joint1_shift;  // how it moves with all coefficients
  int<lower=1> M_Asym;  // uncorrelated group-level coefficients of Asym
  int<lower=0> G_Asym;  // their levels, one coefficient after the other
  array[G_Asym] int<lower=1, upper=M_Asym> coef_Asym;  // the coefficient that a level belongs to
  int<lower=1> M_lrc;  // uncorrelated group-level coefficients of lrc
  int<lower=0> G_lrc;  // their levels, one coefficient after the other
  array[G_lrc] int<lower=1, upper=M_lrc> coef_lrc;  // the coefficient that a level belongs to
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
  vector[M_Asym] prior_sd_Asym_nu;
  vector[M_Asym] prior_sd_Asym_mu;
  vector[M_Asym] prior_sd_Asym_sigma;
  vector[M_lrc] prior_sd_lrc_nu;
  vector[M_lrc] prior_sd_lrc_mu;
  vector[M_lrc] prior_sd_lrc_sigma;
  real log_prior_mass;  // log prior mass that the bounds leave, summed over parameters
  int<lower=0, upper=1> prior_only;  // 1: draw from the prior, ignore the response
}
parameters {
  vector[n_std_coefs] std_coefs;  // standardised coefficients, intercepts included
  real<lower=0> sigma;  // residual standard deviation
  vector[joint1_M * joint1_G] joint1;  // combinations of effects that the data know, and the rest
  vector<lower=0>[M_Asym] sd_Asym;  // standard deviations of the uncorrelated group-level effects of Asym
  vector<lower=0>[M_lrc] sd_lrc;  // standard deviations of the uncorrelated group-level effects of lrc
}
transformed parameters {
  vector[n_std_coefs] all_coefs = coefs_location + coefs_scale * std_coefs;
  vector[n_coefs_Asym] coefs_Asym = segment(all_coefs, 1, n_coefs_Asym);
  vector[1] b_Asym = coefs_Asym;  // population-level coefficients of Asym
  vector[n_coefs_lrc] coefs_lrc = segment(all_coefs, 1 + n_coefs_Asym, n_coefs_lrc);
  vector[1] b_lrc = coefs_lrc;  // population-level coefficients of lrc
  vector[n_coefs_R0] coefs_R0 = segment(all_coefs, 1 + n_coefs_Asym + n_coefs_lrc, n_coefs_R0);
  vector[1] b_R0 = coefs_R0;  // population-level coefficients of R0
  vector[(joint1_M + 1) * joint1_G] joint1_z = joint_levels(joint1, joint1_shift * std_coefs, joint1_T, joint1_known, append_row(sd_Asym, sd_lrc), joint1_G);  // standardised effects, and what the map adds to the log density
  vector[G_Asym] z_Asym = segment(joint1_z, 0 * joint1_G + 1, 1 * joint1_G);  // standardised effects
  vector[G_lrc] z_lrc = segment(joint1_z, 1 * joint1_G + 1, 1 * joint1_G);  // standardised effects
}
model {
  if (!prior_only) {
    vector[N] nlp_Asym = b_Asym[1] + csr_matrix_times_vector(N, Q_Asym, Zw_Asym, Zv_Asym, Zu_Asym, sd_Asym[coef_Asym] .* z_Asym);
    vector[N] nlp_lrc = b_lrc[1] + csr_matrix_times_vector(N, Q_lrc, Zw_lrc, Zv_lrc, Zu_lrc, sd_lrc[coef_lrc] .* z_lrc);
    real nlp_R0 = b_R0[1];
    // height ~ SSasymp(age, Asym, R0, lrc)
    vector[N] mu = nlp_Asym + (nlp_R0 - nlp_Asym) .* exp(-exp(nlp_lrc) .* C_1);
    target += normal_lpdf(Y | mu, sigma);
  }
  // priors
  // b_Asym[Intercept] ~ normal(102, 20)
  target += normal_lpdf(b_Asym | prior_b_Asym_mu, prior_b_Asym_sigma);
  // b_lrc[Intercept] ~ normal(-3.25, 0.3)
  target += normal_lpdf(b_lrc | prior_b_lrc_mu, prior_b_lrc_sigma);
  // b_R0[Intercept] ~ normal(-8.5, 3)
  target += normal_lpdf(b_R0 | prior_b_R0_mu, prior_b_R0_sigma);
  // sigma ~ student_t(3, 0, 32.8)
  target += student_t_lpdf(sigma | prior_sigma_nu, prior_sigma_mu, prior_sigma_sigma);
  // sd_Asym[Seed, Asym_Intercept] ~ student_t(3, 0, 16)
  target += student_t_lpdf(sd_Asym | prior_sd_Asym_nu, prior_sd_Asym_mu, prior_sd_Asym_sigma);
  // sd_lrc[Seed, lrc_Intercept] ~ student_t(3, 0, 0.21)
  target += student_t_lpdf(sd_lrc | prior_sd_lrc_nu, prior_sd_lrc_mu, prior_sd_lrc_sigma);
  target += -log_prior_mass;
  target += sum(tail(joint1_z, joint1_G));
  target += std_normal_lpdf(z_Asym);
  target += std_normal_lpdf(z_lrc);
}
