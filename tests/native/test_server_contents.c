/* The contents of the server, compared with a model that keeps one byte for each frame. */
#include "check.h"
#include "random.h"
#include "server_contents.h"

#include <string.h>

#define MODEL_FRAMES 200000

struct model {
    unsigned char is_data[MODEL_FRAMES]; /* oldest first */
    uint64_t first, end;
};

static uint64_t min_ns(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t model_length(const struct model *model) {
    return model->end - model->first;
}

static uint64_t model_data_of(const struct model *model, uint64_t newest) {
    uint64_t data = 0;
    for (uint64_t i = model->end - min_ns(newest, model_length(model)); i < model->end; i++)
        data += model->is_data[i];
    return data;
}

static uint64_t model_data(const struct model *model) {
    return model_data_of(model, UINT64_MAX);
}

static uint64_t model_tail(const struct model *model, uint64_t data) {
    uint64_t first = model->first;
    for (uint64_t left = model_data(model); left > data; first++)
        left -= model->is_data[first];
    return model->end - first;
}

static uint64_t model_runs(const struct model *model) {
    uint64_t runs = model_length(model) > 0;
    for (uint64_t i = model->first + 1; i < model->end; i++)
        runs += model->is_data[i] != model->is_data[i - 1];
    return runs;
}

static void model_forget_oldest_run(struct model *model) {
    unsigned char kind = model->is_data[model->first];
    while (model->first < model->end && model->is_data[model->first] == kind)
        model->first++;
}

static void model_append(struct model *model, uint64_t frames, int data) {
    memset(&model->is_data[model->end], data, frames);
    model->end += frames;
    if (model_runs(model) > SERVER_CONTENTS_RUNS)
        model_forget_oldest_run(model);
}

static uint64_t model_cut(struct model *model, uint64_t held) {
    uint64_t before = model_data(model);
    model->end = model->first + min_ns(held, model_length(model));
    return before - model_data(model);
}

static void check_same(const struct server_contents *contents, const struct model *model, uint64_t *random) {
    uint64_t data = model_data(model);
    CHECK_EQUAL(server_contents_data(contents, UINT64_MAX), data);
    uint64_t newest = random_below(random, model_length(model) + 2);
    CHECK_EQUAL(server_contents_data(contents, newest), model_data_of(model, newest));
    CHECK_EQUAL(server_contents_tail(contents, UINT64_MAX), model_length(model));
    CHECK_EQUAL(server_contents_tail(contents, 0), model_tail(model, 0));
    CHECK_EQUAL(server_contents_tail(contents, data), model_tail(model, data));
    uint64_t some = random_below(random, data + 2);
    CHECK_EQUAL(server_contents_tail(contents, some), model_tail(model, some));
    int ends_in_data = model_length(model) > 0 && model->is_data[model->end - 1];
    CHECK_EQUAL(!!server_contents_ends_in_data(contents), ends_in_data);
}

/* `appends`: how many of 100 operations append a run. */
static void operate(struct server_contents *contents, struct model *model, uint64_t *random,
                    uint64_t appends) {
    uint64_t operation = random_below(random, 100);
    uint64_t length = model_length(model);
    if (operation < appends) {
        uint64_t frames = random_below(random, 12);
        int data = (int)random_below(random, 2);
        server_contents_append(contents, frames, data);
        model_append(model, frames, data);
    } else if (operation == 99) {
        server_contents_clear(contents);
        model->first = model->end;
    } else if (operation % 2) {
        uint64_t held = length - min_ns(length, random_below(random, 40)) + random_below(random, 3);
        server_contents_advance(contents, held);
        model->first += length - min_ns(length, held);
    } else {
        uint64_t held = length - min_ns(length, random_below(random, 40)) + random_below(random, 3);
        uint64_t cut;
        CHECK_EQUAL(server_contents_cut(contents, held, &cut), model_cut(model, held));
        CHECK_EQUAL(cut, length - min_ns(length, held));
    }
}

static void as_the_model(uint64_t seed, uint64_t appends) {
    static struct model model;
    struct server_contents contents = {0};
    uint64_t random = seed;
    model.first = model.end = 0;
    for (int i = 0; i < 10000 && model.end < MODEL_FRAMES - 12; i++) {
        operate(&contents, &model, &random, appends);
        check_same(&contents, &model, &random);
    }
}

static void empty(void) {
    struct server_contents contents = {0};
    server_contents_append(&contents, 0, 1);
    server_contents_advance(&contents, 0);
    uint64_t cut;
    CHECK_EQUAL(server_contents_cut(&contents, 0, &cut), 0);
    CHECK_EQUAL(cut, 0);
    CHECK_EQUAL(server_contents_data(&contents, UINT64_MAX), 0);
    CHECK_EQUAL(server_contents_tail(&contents, 5), 0);
    CHECK(!server_contents_ends_in_data(&contents));
}

static void overflow_forgets_the_oldest(void) {
    struct server_contents contents = {0};
    for (unsigned i = 0; i < SERVER_CONTENTS_RUNS; i++)
        server_contents_append(&contents, 10 + i, i % 2 == 0);
    uint64_t frames = server_contents_tail(&contents, UINT64_MAX),
             data = server_contents_data(&contents, UINT64_MAX);
    server_contents_append(&contents, 3, 1);
    CHECK_EQUAL(server_contents_tail(&contents, UINT64_MAX), frames - 10 + 3);
    CHECK_EQUAL(server_contents_data(&contents, UINT64_MAX), data - 10 + 3);
    server_contents_append(&contents, 4, 1); /* the same run: nothing is forgotten */
    CHECK_EQUAL(server_contents_data(&contents, UINT64_MAX), data - 10 + 7);
}

int main(void) {
    RUN(empty);
    RUN(overflow_forgets_the_oldest);
    for (uint64_t seed = 1; seed <= 6; seed++) {
        RUN(as_the_model, seed, 50); /* mostly short */
        RUN(as_the_model, seed, 75);
        RUN(as_the_model, seed, 96); /* mostly overflowing */
    }
}
