/*
 * Multiply-accumulate cores for any shape. They take four channels at a time, a quad.
 *
 * A word of activations holds 32 / bits channels; AND leaves every eighth bit's field, one to a
 * byte, so that a quad of 8-bit activations is four channels side by side, and of narrower ones
 * channels q, q + 8 / bits, q + 16 / bits ... of their word. UXTAB16 takes bytes 0 and 2, then 1
 * and 3, and adds what makes a field a value. Weights lie in scratch as 16-bit lanes in the same
 * order. Taps on padding are left out.
 */
#ifndef TC_CORE_H
#define TC_CORE_H

#include "tc_depthwise.h"

#define TC_RUN_PIXELS 16 /* of an output row, whose sums are requantized together */

/*
 * What a core sees of one output pixel: a quad of channels on the taps that lie on the input. In
 * the order that core_s8.S loads.
 */
typedef struct {
    const uint8_t *input;            /* the word of the first tap */
    const uint32_t *lanes;           /* two words of weights to a tap */
    int32_t rows, columns;           /* of taps */
    int32_t row_bytes, column_bytes; /* from tap to tap */
    int32_t row_lanes;               /* words from a row of taps to the next */
    int32_t bytes;                   /* of a word that are the pixel's own, at most 4 */
    uint32_t offsets;                /* what is added to both lanes of a word of activations */
    uint32_t shift;                  /* of the quad's fields in a word */
    uint32_t mask, inverted;         /* as in tc_activations */
} tc_core_window;

/* Writes the quad's four sums, TC_RUN_PIXELS apart. */
typedef void tc_core(const tc_core_window *window, int32_t *sums);

tc_core tc_core_s8, tc_core_narrow; /* of 8 bits, and of fewer */
#if defined(__ARM_FEATURE_DSP)
tc_core tc_core_s8_words; /* of 8 bits, where bytes is 4 */
#endif

#endif
