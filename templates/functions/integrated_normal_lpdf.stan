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
