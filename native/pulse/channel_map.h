/* channel_map.h: which loudspeaker each channel of a stream is for. */
#ifndef VMIC_CHANNEL_MAP_H
#define VMIC_CHANNEL_MAP_H

#include <pulse/channelmap.h>
#include <stdint.h>

/* Set `map` to the map of `channels` channels (1 to PA_CHANNELS_MAX). */
void channel_map_init(pa_channel_map *map, uint32_t channels);

#endif
