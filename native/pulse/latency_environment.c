#include "latency_environment.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define NAME "PULSE_LATENCY_MSEC"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned users;
static char *emptied; /* the variable's text; NULL: there was none */
static char first;    /* its first character */

/* Store `character` with read(). Unlike a plain store, read() fails where memory is read-only, as a literal
 * given to putenv() is. */
static bool put(char *at, char character) {
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    bool done = write(ends[1], &character, 1) == 1 && read(ends[0], at, 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return done;
}

void latency_environment_empty(void) {
    pthread_mutex_lock(&lock);
    char *text = getenv(NAME);
    if (users++ == 0)
        emptied = NULL;
    if (text && *text) {
        char character = *text;
        if (put(text, '\0')) {
            emptied = text;
            first = character;
        }
    }
    pthread_mutex_unlock(&lock);
}

void latency_environment_restore(void) {
    pthread_mutex_lock(&lock);
    /* A variable that was set again meanwhile has another text. */
    if (--users == 0 && emptied && getenv(NAME) == emptied && *emptied == '\0')
        *emptied = first;
    pthread_mutex_unlock(&lock);
}
