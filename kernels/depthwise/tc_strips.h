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

#define TC_TILE_ROWS    32 /* of outputs */
#define TC_TILE_COLUMNS 8  /* of outputs */
#define TC_CHANNEL_BYTES (4 * (TC_TILE_ROWS + 2))
#define TC_STRIP_BYTES   (4 * TC_CHANNEL_BYTES + 4)

#endif
