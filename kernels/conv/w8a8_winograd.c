/*
 * 3x3 convolutions of stride 1 by Winograd's F(2x2, 3x3), exactly: int8 weights and activations
 * and TensorFlow Lite's arithmetic as in w8a8.c, with 16 products in place of 36 for each input
 * channel and four outputs.
 *
 * With B' d B of a 4x4 tile of inputs, G g G' of a kernel and A' m A of their products,
 *     B' = 1 0 -1  0    G = 2  0 0    A' = 1 1  1  0
 *          0 1  1  0        1  1 1         0 1 -1 -1
 *          0 -1 1  0        1 -1 1
 *          0 1  0 -1        0  0 2
 * all numbers are integers and the outputs four times the convolution's sums. Transformed weights
 * are 11 bits, transformed activations 10, so both are stored as 16 and meet in SMLAD. Weights take
 * 32 bytes for the 9 of a kernel: this variant trades flash for speed.
 *
 * Four tiles side by side make a block. Scratch holds their transformed activations
 * [pair of input channels][place of 16][tile], the sums of two output channels, and pointers to
 * the pixels that the block covers, those of the padding included. Input channels are a multiple of
 * four.
 */
#include <arm_acle.h>

#include "tc_conv.h"
#include "tc_requantize.h"
#include "tc_winograd.h"

#define TILES   4
#define COLUMNS (2 * TILES + 2) /* of inputs that a block covers */
#define PLACES  16

typedef struct {
    int32_t pairs;          /* of input channels */
    uint32_t *tiles;
    int32_t *sums;
    const uint8_t **pixels; /* [column][row] */
    uint8_t *padding;      /* a pixel of the input's zero point */
} tc_winograd;

TC_INLINE uint32_t add(uint32_t a, uint32_t b) {
    return (uint32_t)__sadd16((int16x2_t)a, (int16x2_t)b);
}

TC_INLINE uint32_t subtract(uint32_t a, uint32_t b) {
    return (uint32_t)__ssub16((int16x2_t)a, (int16x2_t)b);
}

/* Point at the pixels of the block whose first tile covers (y, x), which may be outside. */
static void find_pixels(const tc_conv_shape *shape, const tc_winograd *at, const uint8_t *input,
                        int32_t y, int32_t x) {
    const uint8_t **to = at->pixels;
    for (int32_t column = x; column < x + COLUMNS; ++column) {
        const int inside = column >= 0 && column < shape->in_w;
        for (int32_t row = y; row < y + 4; ++row) {
            *to++ = inside && row >= 0 && row < shape->in_h
                        ? input + (row * shape->in_w + column) * shape->in_c
                        : at->padding;
        }
    }
}

/* B' d of one column: four words of two channels each, even ones or odd ones of four. */
TC_INLINE void transform_column(const uint8_t *const *pixels, int32_t channel, int odd,
                                uint32_t t[4]) {
    uint32_t d[4];
    for (int32_t row = 0; row < 4; ++row) {
        const uint32_t word = tc_load32(pixels[row] + channel);
        d[row] = (uint32_t)__sxtb16((int8x4_t)(odd ? word >> 8 | word << 24 : word));
    }
    t[0] = subtract(d[0], d[2]);
    t[1] = add(d[1], d[2]);
    t[2] = subtract(d[2], d[1]);
    t[3] = subtract(d[1], d[3]);
}

/* (B' d) B of a tile: to[TILES * place]. */
TC_INLINE void transform_rows(const uint32_t *a, const uint32_t *b, const uint32_t *c,
                              const uint32_t *d, uint32_t *to) {
    for (int32_t row = 0; row < 4; ++row, to += 4 * TILES) {
        to[0] = subtract(a[row], c[row]);
        to[TILES] = add(b[row], c[row]);
        to[2 * TILES] = subtract(c[row], b[row]);
        to[3 * TILES] = subtract(b[row], d[row]);
    }
}

/* The transformed activations of two channels, for all tiles of the block. */
TC_INLINE void transform_pair(const uint8_t *const *pixels, int32_t channel, int odd,
                              uint32_t *to) {
    uint32_t a[4], b[4], c[4], d[4];
    transform_column(pixels, channel, odd, a);
    transform_column(pixels + 4, channel, odd, b);
    for (int32_t tile = 0; tile < TILES; tile += 2, pixels += 16, to += 2) {
        transform_column(pixels + 8, channel, odd, c);
        transform_column(pixels + 12, channel, odd, d);
        transform_rows(a, b, c, d, to);
        transform_column(pixels + 16, channel, odd, a);
        transform_column(pixels + 20, channel, odd, b);
        transform_rows(c, d, a, b, to + 1);
    }
}

static __attribute__((noinline)) void transform_even(const uint8_t *const *pixels,
                                                     int32_t channel, uint32_t *to) {
    transform_pair(pixels, channel, 0, to);
}

static __attribute__((noinline)) void transform_odd(const uint8_t *const *pixels, int32_t channel,
                                                    uint32_t *to) {
    transform_pair(pixels, channel, 1, to);
}

static void transform_block(const tc_winograd *at) {
    uint32_t *to = at->tiles;
    for (int32_t channel = 0; channel < 2 * at->pairs; channel += 4) {
        transform_even(at->pixels, channel, to);
        transform_odd(at->pixels, channel, to + TILES * PLACES);
        to += 2 * TILES * PLACES;
    }
}

/* How a channel's fourfold sums become outputs; its bias, too, is fourfold. */
typedef struct {
    int32_t bias, multiplier, left, right, offset, low, high;
} tc_finish;

/* Most channels shift by right > 0 after the multiplication, not before it, and use all of int8. */
TC_INLINE int8_t requantize(int32_t fourfold, const tc_finish *by, int usual) {
    if (usual) {
        const int32_t y = tc_smmulr(fourfold >> 1, by->multiplier);
        return (int8_t)tc_round_s8(y, by->right, 2 * by->offset + 1);
    }
    const int32_t y = tc_smmulr((fourfold >> 2) << by->left, by->multiplier);
    const int32_t value =
        by->right ? tc_round_s8(y, by->right, 2 * by->offset + 1) : y + by->offset;
    return (int8_t)tc_clamp(value, by->low, by->high);
}

/* A' m A of one tile, requantized; rows and columns: how many outputs exist, 1 or 2. */
TC_INLINE void finish_tile(const int32_t *m, const tc_finish *by, int usual, int32_t rows,
                           int32_t columns, int8_t *to, int32_t row_bytes, int32_t pixel_bytes) {
    int32_t upper[4], lower[4];
    for (int32_t i = 0; i < 4; ++i, m += 2 * TILES) {
        /* Each output has the middle of the tile once. */
        const int32_t second = m[8 * TILES] + (i == 1 ? by->bias : 0);
        upper[i] = m[0] + second + m[16 * TILES];
        lower[i] = second - m[16 * TILES] - m[24 * TILES];
    }
    to[0] = requantize(upper[0] + upper[1] + upper[2], by, usual);
    if (columns > 1) {
        to[pixel_bytes] = requantize(upper[1] - upper[2] - upper[3], by, usual);
    }
    if (rows > 1) {
        to += row_bytes;
        to[0] = requantize(lower[0] + lower[1] + lower[2], by, usual);
        if (columns > 1) {
            to[pixel_bytes] = requantize(lower[1] - lower[2] - lower[3], by, usual);
        }
    }
}

/* The outputs of one channel in a block of rows by columns, at most 2 by 2 * TILES. */
TC_INLINE void finish_tiles(const int32_t *sums, tc_finish by, int usual, int32_t rows,
                            int32_t columns, int8_t *to, int32_t row_bytes, int32_t pixel_bytes) {
    for (; rows > 1 && columns > 1; columns -= 2, to += 2 * pixel_bytes) {
        finish_tile(sums++, &by, usual, 2, 2, to, row_bytes, pixel_bytes);
    }
    for (; columns > 0; columns -= 2, to += 2 * pixel_bytes) {
        finish_tile(sums++, &by, usual, rows, columns, to, row_bytes, pixel_bytes);
    }
}

static __attribute__((noinline)) void finish_usual(const int32_t *sums, const tc_finish *by,
                                                   int32_t rows, int32_t columns, int8_t *to,
                                                   int32_t row_bytes, int32_t pixel_bytes) {
    finish_tiles(sums, *by, 1, rows, columns, to, row_bytes, pixel_bytes);
}

static __attribute__((noinline)) void finish_any(const int32_t *sums, const tc_finish *by,
                                                 int32_t rows, int32_t columns, int8_t *to,
                                                 int32_t row_bytes, int32_t pixel_bytes) {
    finish_tiles(sums, *by, 0, rows, columns, to, row_bytes, pixel_bytes);
}

/* The outputs of one channel, from (y, x) on. */
static void finish_channel(const tc_conv_shape *shape, const int32_t *sums,
                           const tc_channel_s8 *channel, const tc_requant_s8 *requant, int32_t y,
                           int32_t x, int8_t *output) {
    const tc_finish by = {
        .bias = 4 * channel->bias,
        .multiplier = channel->multiplier,
        .left = channel->left,
        .right = channel->right,
        .offset = requant->output_offset,
        .low = requant->activation_min,
        .high = requant->activation_max,
    };
    const int32_t row_bytes = shape->out_w * shape->out_c;
    const int32_t columns = shape->out_w - x < 2 * TILES ? shape->out_w - x : 2 * TILES;
    int8_t *const to = output + y * row_bytes + x * shape->out_c;
    if (by.left == 1 && by.right > 0 && by.low == -128 && by.high == 127) {
        finish_usual(sums, &by, shape->out_h - y, columns, to, row_bytes, shape->out_c);
    } else {
        finish_any(sums, &by, shape->out_h - y, columns, to, row_bytes, shape->out_c);
    }
}

TC_INLINE tc_winograd winograd_of(const tc_conv_shape *shape, uint32_t pad, void *scratch) {
    tc_winograd at;
    at.pairs = shape->in_c / 2;
    at.tiles = scratch;
    at.sums = (int32_t *)(at.tiles + TILES * PLACES * at.pairs);
    at.pixels = (const uint8_t **)(at.sums + 2 * TILES * PLACES);
    at.padding = (uint8_t *)(at.pixels + 4 * COLUMNS);
    tc_fill(at.padding, pad, 2 * at.pairs);
    return at;
}

void tc_conv_w8a8_winograd(const tc_conv_shape *shape, const int8_t *input, const void *weights,
                           const tc_requant_s8 *requant, int8_t *output, void *scratch) {
    const uint32_t pad = (uint8_t)requant->pad * 0x01010101u;
    const tc_winograd at = winograd_of(shape, pad, scratch);
    for (int32_t y = 0; y < shape->out_h; y += 2) {
        for (int32_t x = 0; x < shape->out_w; x += 2 * TILES) {
            find_pixels(shape, &at, (const uint8_t *)input, y - shape->pad_top,
                        x - shape->pad_left);
            transform_block(&at);
            const uint32_t *w = weights;
            for (int32_t c = 0; c < shape->out_c; c += 2) {
                w = tc_winograd_dot(w, at.tiles, at.sums, at.pairs);
                const tc_channel_s8 *channel = requant->channels + c;
                finish_channel(shape, at.sums, channel, requant, y, x, output + c);
                if (c + 1 < shape->out_c) {
                    finish_channel(shape, at.sums + TILES, channel + 1, requant, y, x,
                                   output + c + 1);
                }
            }
        }
    }
}
