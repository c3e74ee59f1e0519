// The whole runner as one translation unit: Stan's headers are read once.
#include "arguments.cpp"
#include "grammar.cpp"
#include "files.cpp"
#include "output.cpp"
#include "sample.cpp"
#include "main.cpp"
