// For LD_AUDIT: the loader finds no library whose name contains $HIDDEN_LIBRARY, as if it were not installed.
#define _GNU_SOURCE
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

unsigned la_version(unsigned version) {
    (void)version;
    return LAV_CURRENT;
}

char *la_objsearch(const char *name, uintptr_t *cookie, unsigned flag) {
    (void)cookie;
    // Under the name that was asked for it is then reported as missing.
    bool hidden = flag != LA_SER_ORIG && strstr(name, getenv("HIDDEN_LIBRARY"));
    return hidden ? "/nonexistent" : (char *)name;
}
