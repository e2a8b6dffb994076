/*
 * The middle of w8a8_winograd.c in assembly: for a block of four tiles and two output channels the
 * products of all 16 places, summed over the input channels.
 */
#ifndef TC_WINOGRAD_H
#define TC_WINOGRAD_H

#include <stdint.h>

/*
 * sums[8 * place + 4 * channel + tile] over an even number of pairs of input channels; tiles holds
 * [pair][place][tile], weights [place][pair][channel], a pair of channels in the lanes of a word.
 * Returns where the next weights begin. Reads 8 bytes of weights ahead, and of tiles up to 256.
 */
const uint32_t *tc_winograd_dot(const uint32_t *weights, const uint32_t *tiles, int32_t *sums,
                                int32_t pairs);

#endif
