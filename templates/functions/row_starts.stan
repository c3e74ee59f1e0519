// Where rows of a sparse matrix start, when those before them are cut off.
array[] int row_starts(array[] int u) {
  array[size(u)] int starts;
  for (n in 1:size(u)) {
    starts[n] = u[n] - u[1] + 1;
  }
  return starts;
}
