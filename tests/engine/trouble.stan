// Known answers, and trouble on request.
data {
  int<lower=0> N;
  int<lower=0> K;
  vector[N] y;
  matrix[N, K] X;
  matrix[K, 3] E;
  array[K] int e;
  vector[3] odd;
  int<lower=0, upper=2> trouble;
  int<lower=0> work;
}
transformed data {
  if (trouble == 1) {
    reject("no luck with trouble = ", trouble);
  }
}
parameters {
  real mu;
  real v;
  matrix[2, 3] z;
  real<lower=0> s;
}
model {
  if (trouble == 2) {
    target += negative_infinity();
  }
  for (i in 1 : work) {
    target += 1e-9 * sin(mu + i);
  }
  mu ~ normal(0, 1);
  y ~ normal(mu, 1);
  v ~ normal(0, 3);
  s ~ exponential(1);
  z[1] ~ normal(0, exp(v / 2));
  z[2] ~ normal(5, 2);
}
generated quantities {
  array[6] int shapes = {dims(X)[1], dims(X)[2], dims(E)[1], dims(E)[2], size(e), size(y)};
  array[3] int seen = {is_nan(odd[1]), is_inf(odd[2]) && odd[2] > 0, is_inf(odd[3]) && odd[3] < 0};
  matrix[2, 3] twice = 2 * z;
}
