// A smooth positive function.
real squareplus(real x) {
  return (x + sqrt(square(x) + 4)) / 2;
}
vector squareplus(vector x) {
  return (x + sqrt(square(x) + 4)) / 2;
}
