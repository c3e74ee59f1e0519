// Distribution function of Cauchy's distribution; atan2 keeps the lower tail.
real inv_cauchit(real x) {
  return atan2(1, -x) / pi();
}
vector inv_cauchit(vector x) {
  return atan2(rep_vector(1, size(x)), -x) / pi();
}
