// A smooth positive function, (x + sqrt(x^2 + 4)) / 2, in a form that does not cancel.
real squareplus(real x) {
  return fmax(x, 0) + 2 / (sqrt(square(x) + 4) + abs(x));
}
vector squareplus(vector x) {
  return fmax(x, 0) + 2 ./ (sqrt(square(x) + 4) + abs(x));
}
