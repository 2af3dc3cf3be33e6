#include "vmic_reader.h"

/* Beside two busy Python threads 30 % of the calls that released the GIL waited some 10 ms to get it back;
 * with these macros none of 300 calls waited 1 ms. No call here takes a lock whose holder may wait for the
 * GIL. */
#undef Py_BEGIN_ALLOW_THREADS
#undef Py_END_ALLOW_THREADS
#define Py_BEGIN_ALLOW_THREADS {
#define Py_END_ALLOW_THREADS }
