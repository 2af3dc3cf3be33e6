/* server.h: a sink for the writer that fails, hangs and lies at command, and knows what was heard of it. */
#ifndef SERVER_H
#define SERVER_H

#include "sink.h"

#include <stdbool.h>

/* Four channels. `check` tells a user's frame from one that the writer made, whatever that is. */
struct frame {
    uint32_t number; /* from 1 on */
    uint32_t check;
};
struct frame frame_of(uint32_t number);

enum call { OPEN, WRITE, FLUSH, LEVEL, CLOSE, CALLS };

struct server {
    struct sink sink; /* first: the writer sees only this */
    uint32_t sample_rate;
    struct {
        unsigned fails_in; /* calls; 0: never */
        int64_t takes;     /* ns, of the next call; NEVER: until it is let go */
    } calls[CALLS];
    int64_t lie;                  /* ns, in what it says of its level */
    uint64_t still;               /* with so many frames left it stands still */
    uint64_t keeps;               /* so many frames a flush leaves, that are played on */
    uint64_t highest;             /* frames that it held after a write, at most */
    uint32_t last;                /* the number of the last user's frame */
    uint32_t not_before;          /* no frame before this may come any more */
    uint32_t may_skip;            /* frames up to this one may be missing: a flush has been asked for */
    uint64_t got, skipped, heard; /* users' frames */
    bool exact;                   /* it never lied, never stood still */
    uint64_t failed;              /* calls */
    bool destroyed;

    bool busy, open, usable;
    int64_t played_at;        /* up to when it has played */
    uint64_t written, played; /* frames, of either kind */
    bool *is_users;
};

void server_begin(struct server *server, uint32_t sample_rate);
void server_end(struct server *server);

/* Lets all calls go, and no more fail. */
void server_recover(struct server *server);
/* How many users' frames have been played by now. */
uint64_t server_heard(struct server *server);

#endif
