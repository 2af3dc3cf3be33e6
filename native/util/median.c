#include "median.h"

#include <stdlib.h>

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t median_ns(int64_t *values, int count) {
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[(count - 1) / 2];
}
