// Reaction ~ Days + (Days || Subject)
// family: gaussian(link = 'identity')
// written by brmspy
functions {
  // Log density of y ~ normal(X * theta + Z * r, sigma) with the effects r of nested factors, the
  // finest first, integrated out: r ~ normal(0, scale * scale') for one level of each, block-diagonal.
  // Where the data enter: R'R = e'e for e = (y - X * estimate, X), W = Z'e for each level of the
  // finest factor, ZZ = Z'Z for each kind of them (levels of a kind share what is computed). Columns
  // are eliminated one after the other, for all levels of a factor at once; then its levels' sums go
  // up to the levels they are nested in. E and S hold Lambda'Z'(y - X * theta) of all rows, and
  // Lambda'Z'Z Lambda of all kinds, for each column and pair of columns; Lambda is scale / sigma.
  // Plain vectors and one operation at a time keep the compiler's work small.
  real integrated_normal(vector theta, real sigma, matrix scale, vector estimate, matrix R, matrix W,
                         matrix ZZ, real count, array[] int first_column,
                         array[] int last_correlated, array[] int first_row, array[] int kind,
                         array[,] int row_children, vector row_weight, array[] int first_kind,
                         vector members, array[,] int kind_children, array[] int child_kind,
                         vector child_count) {
    int M = rows(scale);
    int G = size(kind);
    int D = size(kind_children);
    int n = first_row[2] - 1;
    int done = 0;
    matrix[M, M] Lambda;
    vector[M * G] E;
    vector[M * M * D] S;
    vector[rows(members)] pivots;
    vector[cols(R)] step;
    step[1] = 1;
    step[2:cols(R)] = estimate - theta;
    vector[rows(R)] residuals = R * step;
    vector[rows(W)] sums = W * step;
    real squares = dot_self(residuals);
    for (j in 1:M) {
      for (i in j:last_correlated[j]) {
        Lambda[i, j] = scale[i, j] / sigma;
      }
    }
    for (j in 1:M) {
      vector[n] e = sums[(j * n - n + 1):(j * n)];
      e = Lambda[j, j] * e;
      for (i in (j + 1):last_correlated[j]) {
        vector[n] x = sums[(i * n - n + 1):(i * n)];
        x = Lambda[i, j] * x;
        e = e + x;
      }
      E[((j - 1) * G + 1):((j - 1) * G + n)] = e;
      for (i in j:M) {
        vector[M * M] products = rep_vector(0, M * M);
        int at = (j * M - M + i - 1) * D;
        for (k in j:last_correlated[j]) {
          for (l in i:last_correlated[i]) {
            products[k * M - M + l] = Lambda[k, j] * Lambda[l, i];
          }
        }
        S[(at + 1):(at + rows(ZZ))] = ZZ * products;
      }
    }
    for (f in 1:(size(first_column) - 1)) {
      int g = first_row[f] - 1;
      int d = first_kind[f] - 1;
      int m = first_kind[f + 1] - 1 - d;
      n = first_row[f + 1] - 1 - g;
      array[n] int own_kind = kind[(g + 1):(g + n)];
      for (j in first_column[f]:(first_column[f + 1] - 1)) {
        int at = (j * M - M + j - 1) * D + d;
        vector[m] pivot = S[(at + 1):(at + m)];
        pivot = pivot + 1;
        pivots[(done + 1):(done + m)] = pivot;
        done += m;
        vector[n] e = E[((j - 1) * G + g + 1):((j - 1) * G + g + n)];
        vector[n] v = pivot[own_kind];
        v = e ./ v;
        squares -= dot_product(e, v);
        for (i in (j + 1):M) {
          at = (j * M - M + i - 1) * D + d;
          vector[m] ratio = S[(at + 1):(at + m)];
          vector[n] x = ratio[own_kind];
          x = x .* v;
          e = E[((i - 1) * G + g + 1):((i - 1) * G + g + n)];
          E[((i - 1) * G + g + 1):((i - 1) * G + g + n)] = e - x;
          ratio = ratio ./ pivot;
          for (l in i:M) {
            at = (j * M - M + l - 1) * D + d;
            vector[m] y = S[(at + 1):(at + m)];
            y = ratio .* y;
            at = (i * M - M + l - 1) * D + d;
            vector[m] s = S[(at + 1):(at + m)];
            S[(at + 1):(at + m)] = s - y;
          }
        }
      }
      for (i in first_column[f + 1]:M) {
        for (h in first_row[f + 1]:(first_row[f + 2] - 1)) {
          int a = row_children[h, 1];
          int b = row_children[h, 2];
          vector[b - a + 1] e = E[((i - 1) * G + a):((i - 1) * G + b)];
          E[(i - 1) * G + h] = dot_product(row_weight[a:b], e);
        }
        for (l in i:M) {
          int at = (i * M - M + l - 1) * D;
          vector[m] s = S[(at + d + 1):(at + d + m)];
          for (h in first_kind[f + 1]:(first_kind[f + 2] - 1)) {
            int a = kind_children[h, 1];
            int b = kind_children[h, 2];
            vector[b - a + 1] x = s[child_kind[a:b]];
            S[at + h] = dot_product(child_count[a:b], x);
          }
        }
      }
    }
    squares /= square(sigma);
    return -0.5 * (squares + dot_product(members, log(pivots)))
           - count * (log(sigma) + 0.5 * log(2 * pi()));
  }
}
data {
  int<lower=1> K;  // population-level coefficients
  int<lower=1> n_coefs;  // coefficients, the intercept included
  int<lower=1> n_std_coefs;  // coefficients of all predictors, intercepts included
  vector[n_std_coefs] coefs_location;  // where they are about,
  matrix[n_std_coefs, n_std_coefs] coefs_scale;  // and what makes them near independent
  int<lower=1> M_1;  // coefficients of Subject, integrated out
  array[M_1] int<lower=1, upper=M_1> last_correlated;  // the last one that each is correlated with
  int<lower=1> F;  // factors, each nested in the next
  array[F + 1] int<lower=1> first_column;  // where the coefficients of each start,
  array[F + 1] int<lower=1> first_row;  // its rows (levels, or rotations of levels of a kind),
  array[F + 1] int<lower=1> first_kind;  // and its kinds of levels, which share what is computed
  array[first_row[F + 1] - 1] int<lower=1> kind;  // the kind of each row, counted within the factor
  array[first_row[F + 1] - 1, 2] int<lower=0> row_children;  // first and last row beneath each row
  vector<lower=0>[first_row[F + 1] - 1] row_weight;  // weight in the row above
  int<lower=1> n_members;
  vector<lower=0>[n_members] members;  // levels of each kind, once for each coefficient of the factor
  array[first_kind[F + 1] - 1, 2] int<lower=0> kind_children;  // first and last kind of children
  int<lower=0> n_child_kinds;
  array[n_child_kinds] int<lower=1> child_kind;  // the kinds, counted within the finer factor,
  vector<lower=1>[n_child_kinds] child_count;  // and how many children of each a level has
  int<lower=1> P;  // coefficients that are not integrated out
  matrix[(first_row[2] - 1) * M_1, P + 1] W;  // Z'(y - X * estimate) and Z'X, coefficient after coefficient
  matrix[first_kind[2] - 1, M_1 * M_1] ZZ;  // Z'Z of each kind
  vector[P] estimate;  // least-squares estimate
  matrix[P + 1, P + 1] R;  // R'R = (y - X * estimate, X)'(y - X * estimate, X)
  real<lower=0> count;  // number of rows of the data, or sum of their weights
  real prior_Intercept_nu;
  real prior_Intercept_mu;
  real prior_Intercept_sigma;
  real prior_sigma_nu;
  real prior_sigma_mu;
  real prior_sigma_sigma;
  vector[M_1] prior_sd_1_nu;
  vector[M_1] prior_sd_1_mu;
  vector[M_1] prior_sd_1_sigma;
  real log_prior_mass;  // log prior mass that the bounds leave, summed over parameters
  int<lower=0, upper=1> prior_only;  // 1: draw from the prior, ignore the response
}
parameters {
  vector[n_std_coefs] std_coefs;  // standardised coefficients, intercepts included
  real<lower=0> sigma;  // residual standard deviation
  vector<lower=0>[M_1] sd_1;  // standard deviations of the effects of Subject
}
transformed parameters {
  vector[n_coefs] coefs = coefs_location + coefs_scale * std_coefs;
  real Intercept = coefs[1];  // intercept at the means of the columns
  vector[K] b = tail(coefs, K);  // population-level coefficients
}
model {
  matrix[M_1, M_1] scale_1;  // Cholesky factor of the effects' covariance, as far as it is read
  for (j in 1:M_1) {
    scale_1[j, j] = sd_1[j];
  }
  if (!prior_only) {
    target += integrated_normal(coefs, sigma, scale_1, estimate, R, W, ZZ, count, first_column, last_correlated, first_row, kind, row_children, row_weight, first_kind, members, kind_children, child_kind, child_count);
  }
  // priors
  // Intercept ~ student_t(3, 288.7, 59.3)
  target += student_t_lpdf(Intercept | prior_Intercept_nu, prior_Intercept_mu, prior_Intercept_sigma);
  // b[Days] ~ flat
  // sigma ~ student_t(3, 0, 59.3)
  target += student_t_lpdf(sigma | prior_sigma_nu, prior_sigma_mu, prior_sigma_sigma);
  // sd_1[Intercept], … (2) ~ student_t(3, 0, 59.3)
  target += student_t_lpdf(sd_1 | prior_sd_1_nu, prior_sd_1_mu, prior_sd_1_sigma);
  target += -log_prior_mass;
}
