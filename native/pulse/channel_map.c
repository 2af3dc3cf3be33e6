#include "channel_map.h"

/* The channel orders of WAVE files. libpulse's default is the order of AIFF, where the second of six channels
 * is left of the center. In libpulse's own map for WAVE files the third of four channels is the center. */
static const char *const MAPS[] = {
    [1] = "mono",
    [2] = "front-left,front-right",
    [3] = "front-left,front-right,front-center",
    [4] = "front-left,front-right,rear-left,rear-right",
    [5] = "front-left,front-right,front-center,rear-left,rear-right",
    [6] = "front-left,front-right,front-center,lfe,rear-left,rear-right",
    [7] = "front-left,front-right,front-center,lfe,rear-center,side-left,side-right",
    [8] = "front-left,front-right,front-center,lfe,rear-left,rear-right,side-left,side-right",
};

void channel_map_init(pa_channel_map *map, uint32_t channels) {
    if (channels < sizeof MAPS / sizeof *MAPS)
        pa_channel_map_parse(map, MAPS[channels]);
    else
        pa_channel_map_init_extend(map, channels, PA_CHANNEL_MAP_DEFAULT);
}
