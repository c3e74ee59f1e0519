// A smooth positive function, (x + sqrt(x^2 + 4)) / 2, in the form that does not cancel.
real squareplus(real x) {
  return x < 0 ? 2 / (sqrt(square(x) + 4) - x) : (x + sqrt(square(x) + 4)) / 2;
}
vector squareplus(vector x) {
  vector[size(x)] y;
  for (n in 1:size(x)) {
    y[n] = squareplus(x[n]);
  }
  return y;
}
