/* int2 weights, unsigned 2-bit activations, four to a byte in and out; four pixels at a time. */
#include <arm_acle.h>

#include "tc_requantize.h"
#include "tc_window.h"

#define PIXELS 4
#define LANES 8           /* words of a column that a packed word yields */
#define LANES_AT_ONCE 900 /* what totals hold: see w2a2_dot.h */
#define START 84          /* of the field high * first in each round */

/*
 * Totals of pairs of channels, four words each: for the first and for the second two pixels the
 * sum of accumulators, from even_start on, and the sum of their odd fields. lanes is a multiple of
 * 4; columns hold two words for each of them, a word for two pixels.
 */
void tc_dot_w2a2(const void *weights, const uint32_t *columns, int32_t *totals, int32_t lanes,
                 int32_t pairs, uint32_t even_start);

/* Outputs of two pixels: see w2a2_finish.S. */
void tc_finish_w2a2(const tc_channel_un *channels, const int32_t *totals, int32_t groups,
                    uint32_t left, int32_t first_correction, int32_t second_correction,
                    uint8_t *first, uint8_t *second);

/* Masks in registers, so that one AND shifts and masks; compilers prefer constants and two. */
typedef struct {
    uint32_t six, lanes, pairs, nibbles;
} tc_masks;

TC_INLINE tc_masks masks_in_registers(void) {
    tc_masks masks = {0x003F003Fu, 0x01830183u, 0x33333333u, 0x0F0F0F0Fu};
    __asm__("" : "+r"(masks.six), "+r"(masks.lanes), "+r"(masks.pairs), "+r"(masks.nibbles));
    return masks;
}

/* Three lanes of two pixels: fields 2 bits apart of the first, and 7 bits above the second's. */
TC_INLINE uint32_t three_lanes(tc_masks masks, uint32_t first, uint32_t second, uint32_t shift) {
    return (masks.six & first >> shift) | (masks.six & second >> shift) << 7;
}

/* A packed word of two pixels into every other word of a column. */
TC_INLINE void widen(tc_masks masks, uint32_t first, uint32_t second, uint32_t *column) {
    uint32_t lanes = three_lanes(masks, first, second, 0);
    column[0] = masks.lanes & lanes;
    column[2] = masks.lanes & lanes >> 2;
    column[4] = masks.lanes & lanes >> 4;
    lanes = three_lanes(masks, first, second, 6);
    column[6] = masks.lanes & lanes;
    column[8] = masks.lanes & lanes >> 2;
    column[10] = masks.lanes & lanes >> 4;
    lanes = three_lanes(masks, first, second, 12);
    column[12] = masks.lanes & lanes;
    column[14] = masks.lanes & lanes >> 2;
}

/* sum and the sixteen fields of a packed word. */
TC_INLINE int32_t add_fields(tc_masks masks, uint32_t word, int32_t sum) {
    word = (masks.pairs & word) + (masks.pairs & word >> 2);
    word = (masks.nibbles & word) + (masks.nibbles & word >> 4);
    return (int32_t)__usada8(word, 0, (uint32_t)sum);
}

/* Where a pixel's window is: in the input or, gathered, in scratch. */
typedef struct {
    const uint8_t *from;
    int32_t step; /* bytes from row to row */
} tc_rows;

/* The columns of a block from rows of packed words, and the sum of each pixel's activations. */
static __attribute__((noinline)) void widen_windows(const tc_rows *windows, int32_t rows,
                                                    int32_t words, uint32_t *columns,
                                                    int32_t *sums) {
    const tc_masks masks = masks_in_registers();
    for (int32_t pair = 0; pair < 2; ++pair, windows += 2) {
        const uint8_t *first = windows[0].from;
        const uint8_t *second = windows[1].from;
        uint32_t *column = columns + pair;
        int32_t a = 0;
        int32_t b = 0;
        for (int32_t row = rows; row > 0; --row) {
            for (int32_t i = 0; i < words; ++i, column += 2 * LANES) {
                const uint32_t u = tc_load32(first + 4 * i);
                const uint32_t v = tc_load32(second + 4 * i);
                widen(masks, u, v, column);
                a = add_fields(masks, u, a);
                b = add_fields(masks, v, b);
                __asm__("" : "+r"(column));
            }
            first += windows[0].step;
            second += windows[1].step;
        }
        *sums++ = a;
        *sums++ = b;
    }
}

/* The window at input row y, column x; where it is not all in the input, gathered. */
TC_INLINE tc_rows window_at(const tc_conv_shape *shape, const tc_window *window,
                            const uint8_t *input, int32_t y, int32_t x, uint8_t *gathered) {
    tc_rows rows = {gathered, window->row_bytes};
    if (tc_direct(shape, window, y, x)) {
        rows.from = input + y * window->stride_bytes + x * window->pixel_bytes;
        rows.step = window->stride_bytes;
    } else {
        tc_gather(shape, window, input, y, x, gathered);
    }
    return rows;
}

/* The sums of a pixel and a pair of channels, low still with what its bias of 2 adds. */
typedef struct {
    int32_t low, high;
} tc_two_sums;

/* From totals; odd, a constant, says whether the pixel stands in the odd fields. */
TC_INLINE tc_two_sums sums_of(const int32_t *totals, int odd) {
    const uint32_t fields =
        odd ? (uint32_t)totals[1] : (uint32_t)totals[0] - ((uint32_t)totals[1] << 7);
    const tc_two_sums sums = {(int32_t)(fields & 0x3FFF), (int32_t)fields >> 14};
    return sums;
}

TC_INLINE uint32_t two_channels(tc_two_sums sums, tc_rule rule, int32_t channel,
                                int32_t correction) {
    const uint32_t even = tc_requantized(rule, channel, sums.low - correction, 2);
    const uint32_t odd = tc_requantized(rule, channel + 1, sums.high, 2);
    return even | odd << 2;
}

/* What the even totals start with, so that the rounds' starts cancel. */
TC_INLINE uint32_t even_start(int32_t lanes) {
    return (uint32_t)(-START * (lanes / 12 * 2 + lanes % 12 / 4)) << 14;
}

/* Windows of more lanes: sums of parts, for all pixels of a block. */
typedef struct {
    tc_two_sums pixels[PIXELS];
} tc_part_sums;

static void dot_parts(const uint32_t *weights, const uint32_t *columns, int32_t *totals,
                      int32_t lanes, int32_t pairs, tc_part_sums *sums) {
    for (int32_t i = 0; i < 8 * pairs; ++i) {
        ((int32_t *)sums)[i] = 0;
        __asm__("" : "+r"(i)); /* not a call of memset */
    }
    while (lanes > 0) {
        const int32_t now = lanes < LANES_AT_ONCE ? lanes : LANES_AT_ONCE;
        tc_dot_w2a2(weights, columns, totals, now, pairs, even_start(now));
        for (int32_t i = 0; i < pairs; ++i) {
            for (int32_t pixel = 0; pixel < PIXELS; ++pixel) {
                const tc_two_sums part = sums_of(totals + 4 * i + (pixel & 2), pixel & 1);
                sums[i].pixels[pixel].low += part.low;
                sums[i].pixels[pixel].high += part.high;
            }
        }
        weights += now / 4 * pairs;
        columns += 2 * now;
        lanes -= now;
    }
}

TC_INLINE void finish_parts(tc_rule rule, int32_t channels, const tc_part_sums *sums,
                            int32_t pixel, int32_t input, uint8_t *to) {
    for (; channels > 0; channels -= 4, sums += 2, rule = tc_skip(rule, 4, 2)) {
        const uint32_t low = two_channels(sums[0].pixels[pixel], rule, 0, 2 * input);
        const uint32_t high = two_channels(sums[1].pixels[pixel], rule, 2, 2 * input);
        *to++ = (uint8_t)(low | high << 4);
    }
}

/* Called by address, so not inlined: the loops want the registers for themselves. */
typedef struct {
    /* The outputs of two pixels; a lone one is written last. */
    void (*finish)(const void *requant, int32_t channels, const int32_t *totals,
                   const int32_t *inputs, uint8_t *first, uint8_t *second);
    void (*finish_parts)(const void *requant, int32_t channels, const tc_part_sums *sums,
                         int32_t pixel, int32_t input, uint8_t *to);
} tc_epilogue;

static void finish_un(const void *requant, int32_t channels, const int32_t *totals,
                      const int32_t *inputs, uint8_t *first, uint8_t *second) {
    const tc_requant_un *const layer = requant;
    tc_finish_w2a2(layer->channels, totals, (channels + 3) >> 2, layer->left, 2 * inputs[0],
                   2 * inputs[1], first, second);
}

static void finish_parts_un(const void *requant, int32_t channels, const tc_part_sums *sums,
                            int32_t pixel, int32_t input, uint8_t *to) {
    finish_parts(tc_rule_un(requant), channels, sums, pixel, input, to);
}

static void finish_thresholds(const void *requant, int32_t channels, const int32_t *totals,
                              const int32_t *inputs, uint8_t *first, uint8_t *second) {
    const int32_t a = 2 * inputs[0];
    const int32_t b = 2 * inputs[1];
    tc_rule rule = tc_rule_thresholds(requant);
    for (; channels > 0; channels -= 4, totals += 8, rule = tc_skip(rule, 4, 2)) {
        const uint32_t a01 = two_channels(sums_of(totals, 0), rule, 0, a);
        const uint32_t b01 = two_channels(sums_of(totals, 1), rule, 0, b);
        const uint32_t a23 = two_channels(sums_of(totals + 4, 0), rule, 2, a);
        const uint32_t b23 = two_channels(sums_of(totals + 4, 1), rule, 2, b);
        *second++ = (uint8_t)(b01 | b23 << 4);
        *first++ = (uint8_t)(a01 | a23 << 4);
    }
}

static void finish_parts_thresholds(const void *requant, int32_t channels,
                                    const tc_part_sums *sums, int32_t pixel, int32_t input,
                                    uint8_t *to) {
    finish_parts(tc_rule_thresholds(requant), channels, sums, pixel, input, to);
}

static const tc_epilogue un = {finish_un, finish_parts_un};
static const tc_epilogue thresholds = {finish_thresholds, finish_parts_thresholds};

/* scratch: columns and what is read behind them, totals, sums of parts, gathered windows. */
static void conv(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                 const tc_epilogue *epilogue, const void *requant, uint8_t *output,
                 void *scratch) {
    const tc_window window = tc_window_of(shape, 2, 1);
    const int32_t groups = (shape->out_c + 3) >> 2;
    const int32_t lanes = LANES * window.words;
    const int in_parts = lanes > LANES_AT_ONCE;
    const int whole_words = (window.row_bytes & 3) == 0;
    const int32_t rows = whole_words ? shape->kernel_h : 1;
    const int32_t row_words = whole_words ? window.row_bytes >> 2 : window.words;
    uint32_t *const columns = scratch;
    int32_t *const totals = (int32_t *)(columns + 2 * lanes + 2);
    tc_part_sums *const sums = (tc_part_sums *)(totals + 8 * groups);
    uint8_t *const gathered = (uint8_t *)(sums + (in_parts ? 2 * groups : 0));
    tc_rows windows[PIXELS];
    int32_t inputs[PIXELS];

    int32_t x = -shape->pad_left;
    int32_t y = -shape->pad_top;
    int32_t column = 0;
    for (int32_t left = shape->out_h * shape->out_w; left > 0; left -= PIXELS) {
        const int32_t now = left < PIXELS ? left : PIXELS;
        for (int32_t pixel = 0; pixel < now; ++pixel) {
            windows[pixel] = window_at(shape, &window, input, y, x,
                                       gathered + 4 * pixel * window.words);
            x += shape->stride_w;
            if (++column == shape->out_w) {
                column = 0;
                x = -shape->pad_left;
                y += shape->stride_h;
            }
        }
        for (int32_t pixel = now; pixel < PIXELS; ++pixel) {
            windows[pixel] = windows[0];
        }
        widen_windows(windows, rows, row_words, columns, inputs);
        if (in_parts) {
            dot_parts(weights, columns, totals, lanes, 2 * groups, sums);
            for (int32_t pixel = 0; pixel < now; ++pixel, output += groups) {
                epilogue->finish_parts(requant, shape->out_c, sums, pixel, inputs[pixel], output);
            }
            continue;
        }
        tc_dot_w2a2(weights, columns, totals, lanes, 2 * groups, even_start(lanes));
        for (int32_t pixel = 0; pixel < now; pixel += 2) {
            uint8_t *const second = pixel + 1 < now ? output + groups : output;
            epilogue->finish(requant, shape->out_c, totals + pixel, inputs + pixel, output,
                             second);
            output = second + groups;
        }
    }
}

void tc_conv_w2a2(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                  const tc_requant_un *requant, uint8_t *output, void *scratch) {
    conv(shape, input, weights, &un, requant, output, scratch);
}

void tc_conv_w2a2_thresholds(const tc_conv_shape *shape, const uint8_t *input, const void *weights,
                             const tc_requant_thresholds *requant, uint8_t *output,
                             void *scratch) {
    conv(shape, input, weights, &thresholds, requant, output, scratch);
}
