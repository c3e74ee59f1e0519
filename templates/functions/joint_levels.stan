// Standardised effects of levels, effect after effect, from the coordinates of combinations T of
// them, and at the end the log determinant of that map, level by level. A combination that the data
// know is given, less `move`; the others are standardised, given those before them. The rotation
// between combinations and effects is that of Gram and Schmidt.
vector joint_levels(vector x, vector move, data vector T, data vector known, vector sd, int G) {
  int M = size(sd);
  array[M * M] vector[G] q;
  array[M] vector[G] y;
  vector[G] added = rep_vector(0, G);
  for (i in 1:M) {
    vector[G] own = segment(x, (i - 1) * G + 1, G);
    vector[G] is_known = segment(known, (i - 1) * G + 1, G);
    vector[G] left = own + segment(move, (i - 1) * G + 1, G);
    vector[G] size_i = rep_vector(0, G);
    for (j in 1:M) {
      q[(i - 1) * M + j] = segment(T, ((i - 1) * M + j - 1) * G + 1, G) * sd[j];
    }
    for (k in 1:(i - 1)) {
      vector[G] share = rep_vector(0, G);
      for (j in 1:M) {
        share = share + q[(i - 1) * M + j] .* q[(k - 1) * M + j];
      }
      for (j in 1:M) {
        q[(i - 1) * M + j] = q[(i - 1) * M + j] - share .* q[(k - 1) * M + j];
      }
      left = left - share .* y[k];
    }
    for (j in 1:M) {
      size_i = size_i + square(q[(i - 1) * M + j]);
    }
    size_i = sqrt(size_i);
    for (j in 1:M) {
      q[(i - 1) * M + j] = q[(i - 1) * M + j] ./ size_i;
    }
    y[i] = own + is_known .* (left ./ size_i - own);
    added = added - is_known .* log(size_i);
  }
  vector[(M + 1) * G] z;
  for (j in 1:M) {
    vector[G] effects = rep_vector(0, G);
    for (i in 1:M) {
      effects = effects + q[(i - 1) * M + j] .* y[i];
    }
    z[((j - 1) * G + 1):(j * G)] = effects;
  }
  z[(M * G + 1):((M + 1) * G)] = added;
  return z;
}
