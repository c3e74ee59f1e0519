// Inverse of the softit link: softplus(x) / (1 + softplus(x)).
real inv_softit(real x) {
  return log1p_exp(x) / (1 + log1p_exp(x));
}
vector inv_softit(vector x) {
  return log1p_exp(x) ./ (1 + log1p_exp(x));
}
