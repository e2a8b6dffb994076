/*
 * The scratch of 3x3 kernels: four channels of a tile of the input, widened to 16 bits and turned
 * so that a word holds two pixels of one channel that lie side by side.
 *
 * A strip is two columns wide; strip s holds columns 2s and 2s + 1 of the tile, channel after
 * channel, row after row. An odd number of words to a strip puts the two words that a row needs
 * into different banks of the Cortex-M7's DTCM. Included by assembly, too.
 */
#ifndef TC_STRIPS_H
#define TC_STRIPS_H

#define TC_TILE_ROWS    32 /* of outputs with stride 1; with stride 2 half as many */
#define TC_TILE_COLUMNS 8
#define TC_CHANNEL_BYTES (4 * (TC_TILE_ROWS + 2))
#define TC_STRIP_BYTES   (4 * TC_CHANNEL_BYTES + 4)
#define TC_SUM_ROW_BYTES (4 * TC_TILE_COLUMNS)

#ifndef __ASSEMBLER__

#include "tc_depthwise.h"
#include "tc_lanes.h"

/* A part of the output. */
typedef struct {
    int32_t y, x;
    int32_t rows, columns;
} tc_tile;

/* Does one channel of a tile from its strips; layer is what the kernel handed over. */
typedef void tc_strip_channel(const void *layer, const tc_tile *tile, int32_t channel,
                              const uint32_t *strips);

/* Widens the input tile by tile, four channels at a time, and has each channel done. */
void tc_for_strips(const tc_depthwise_shape *shape, const tc_activations *activations,
                   const uint8_t *input, uint32_t *strips, tc_strip_channel *channel,
                   const void *layer);

#endif
#endif
