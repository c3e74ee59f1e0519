// Where rows start to end of a sparse matrix start, when those before them are cut off.
array[] int row_starts(array[] int u, int start, int end) {
  array[end - start + 2] int starts;
  int before = u[start] - 1;
  for (n in 1:(end - start + 2)) {
    starts[n] = u[start + n - 1] - before;
  }
  return starts;
}
