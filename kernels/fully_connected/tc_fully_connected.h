/*
 * Fully connected layers: each weight is used once, so a kernel's time is that of loading weights
 * and making operands of them. Weights are packed by
 * thumbclock.kernels.fully_connected.packing, in groups of four output channels.
 *
 * Scratch holds the inputs as columns: 16-bit operands, two to a word, made once for all channels.
 * They are made so that a word of weights is an operand as it stands, and half or less of the
 * weights need to be extracted from it:
 *
 * 8 bits. A 16-bit lane of four weights is 256 * odd + even, even unsigned (weight + 128). With
 *     x = odd input - 127        (-255..0)
 *     z = 256 * even input - x   (-32768..32767)
 * lane * x + even * z is 256 * (odd * x + even * even input): one extraction for four weights.
 *
 * 4 bits. A lane of eight weights is 4096 * w3 + 256 * w2 + 16 * w1 + w0, w3 signed, the others
 * unsigned (weight + 8). With x = a3 - 127,
 *     lane * x + (256 * w2) * (16 * a2 - x) + (16 * w1 + w0) * (256 * a1 - x)
 *         + (256 * w0) * (16 * a0 - a1)
 * is 4096 * (w3 * x + w2 * a2 + w1 * a1 + w0 * a0): three extractions for eight weights.
 *
 * The 127 is in the bias. What the unsigned weights have too much is the same for all channels:
 * accumulators start at minus that. They hold 256 or 4096 times a sum, and packing.py finds how
 * many steps of the layer's weights they hold before they must be added up.
 */
#ifndef TC_FULLY_CONNECTED_H
#define TC_FULLY_CONNECTED_H

#include "tc_requantize.h"

typedef struct {
    int32_t batch, in_c, out_c;
    int32_t steps_at_once; /* that accumulators hold; a step is a word of weights a channel */
} tc_fc_shape;

void tc_fc_w8a8(const tc_fc_shape *shape, const int8_t *input, const uint32_t *weights,
                const tc_requant_s8 *requant, int8_t *output, void *scratch);
void tc_fc_w4a8(const tc_fc_shape *shape, const int8_t *input, const uint32_t *weights,
                const tc_requant_s8 *requant, int8_t *output, void *scratch);

/* Without DSP instructions; needs no scratch, and steps_at_once says nothing. */
void tc_fc_w8a8_portable(const tc_fc_shape *shape, const int8_t *input, const uint8_t *weights,
                         const tc_requant_s8 *requant, int8_t *output, void *scratch);

/* Widens count inputs to columns; returns what accumulators start at. */
typedef uint32_t tc_fc_widen(const int8_t *input, int32_t count, uint32_t *columns);

/* An inner loop: sums of groups of four channels over at most steps_at_once steps. */
typedef void tc_fc_dot(const uint32_t *weights, const uint32_t *columns, int32_t *sums,
                       int32_t steps, int32_t groups, uint32_t start);

tc_fc_dot tc_fc_dot_w8a8, tc_fc_dot_w4a8;

/* A kernel for int8 inputs: inputs of a step, words of columns that they become. */
typedef struct {
    int32_t inputs, column_words;
    tc_fc_widen *widen;
    tc_fc_dot *dot;
} tc_fc_kernel;

extern const tc_fc_kernel tc_fc_kernel_w8[1], tc_fc_kernel_w4[1];

/* A vector's columns, and what accumulators start at in each part of steps_at_once steps. */
void tc_fc_columns(const tc_fc_kernel *kernel, const tc_fc_shape *shape, const int8_t *input,
                   uint32_t *columns, uint32_t *starts);

/* Sums of groups of four channels. */
void tc_fc_sums(const tc_fc_kernel *kernel, const uint32_t *weights, const uint32_t *columns,
                const uint32_t *starts, int32_t *sums, int32_t steps, int32_t at_once,
                int32_t groups);

void tc_fc_s8(const tc_fc_kernel *kernel, const tc_fc_shape *shape, const int8_t *input,
              const uint32_t *weights, const tc_requant_s8 *requant, int8_t *output,
              void *scratch);

/* Outputs of sums, which are rounded up to an even number, as is the table. */
void tc_fc_requantize_s8(const tc_requant_s8 *requant, const tc_channel_s8 *table,
                         const int32_t *sums, int32_t channels, int8_t *output);

/* The last bytes of a vector, below zeros. */
TC_INLINE uint32_t tc_load_part(const uint8_t *from, int32_t bytes) {
    uint32_t word = 0;
    while (bytes > 0) {
        word = word << 8 | from[--bytes];
    }
    return word;
}

#endif
