// Values between bounds from values without, as Stan's own constraints have them; bounds may be
// infinite.
vector within_bounds(vector y, vector lb, vector ub) {
  vector[size(y)] x = y;
  for (n in 1:size(y)) {
    if (is_inf(lb[n]) && is_inf(ub[n])) {
      continue;
    } else if (is_inf(ub[n])) {
      x[n] = lb[n] + exp(y[n]);
    } else if (is_inf(lb[n])) {
      x[n] = ub[n] - exp(y[n]);
    } else {
      x[n] = lb[n] + (ub[n] - lb[n]) * inv_logit(y[n]);
    }
  }
  return x;
}
// Log determinant of its Jacobian, at the values between the bounds.
real within_bounds_log_jacobian(vector x, vector lb, vector ub) {
  real total = 0;
  for (n in 1:size(x)) {
    if (is_inf(lb[n]) && is_inf(ub[n])) {
      continue;
    } else if (is_inf(ub[n])) {
      total += log(x[n] - lb[n]);
    } else if (is_inf(lb[n])) {
      total += log(ub[n] - x[n]);
    } else {
      total += log(x[n] - lb[n]) + log(ub[n] - x[n]) - log(ub[n] - lb[n]);
    }
  }
  return total;
}
