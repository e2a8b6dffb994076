/* int8 depthwise 3x3, stride 1: tiles of four channels, widened and turned into strips. */
#include <arm_acle.h>

#include "tc_depthwise.h"
#include "tc_strips.h"

typedef struct {
    uint32_t weights[6]; /* for each row w0 w1, then w1 w2 */
    int32_t bias, multiplier;
    int32_t scale; /* 2^(32 - right shift) */
    int32_t offset;
    int32_t column, row;   /* bytes from an output to the one on its right, and below */
    int32_t rows, columns; /* of outputs: bytes of a strip's column, and number */
} tc_dot_3x3;

/* A part of the input and of the output. */
typedef struct {
    int32_t y, x;          /* of the first output, and of the input on its upper left */
    int32_t rows, columns; /* of outputs */
} tc_tile;

void tc_widen_strip(uint32_t *strip, const int8_t *left, const int8_t *right, int32_t rows,
                    int32_t left_step, int32_t right_step, uint32_t offsets);
void tc_depthwise_3x3_s8(const tc_dot_3x3 *dot, const uint32_t *strips, int8_t *output);

TC_INLINE int32_t tc_min(int32_t a, int32_t b) {
    return a < b ? a : b;
}

TC_INLINE int32_t tc_max(int32_t a, int32_t b) {
    return a > b ? a : b;
}

TC_INLINE uint32_t tc_pair(int32_t low, int32_t high) {
    return ((uint32_t)low & 0xFFFF) | ((uint32_t)high << 16);
}

/* Padding is the same for all channels: zero, as activations come without their zero point. */
static void clear(uint32_t *strips, int32_t columns) {
    const uint32_t *const end = strips + ((columns + 3) >> 1) * (TC_STRIP_BYTES / 4);
    while (strips != end) {
        *strips++ = 0;
        __asm__("" : "+r"(strips)); /* keeps compilers from calling a memset */
    }
}

/* Widen what four channels of the input have in a tile. */
static void widen(const tc_depthwise_shape *shape, const tc_tile *tile, const int8_t *input,
                  int32_t zero_point, uint32_t *strips) {
    const uint32_t outside = ((uint32_t)zero_point & 0xFF) * 0x01010101u;
    const int32_t first = tc_max(-tile->y, 0);
    const int32_t rows = tc_min(tile->rows + 2, shape->in_h - tile->y) - first;
    const int32_t step = shape->in_w * shape->in_c;
    const int8_t *row = input + (tile->y + first) * step;
    if (rows <= 0) {
        return;
    }
    for (int32_t x = tile->x; x < tile->x + tile->columns + 2; x += 2) {
        const int left = x >= 0 && x < shape->in_w;
        const int right = x + 1 >= 0 && x + 1 < shape->in_w;
        if (left || right) {
            tc_widen_strip(strips + first,
                           left ? row + x * shape->in_c : (const int8_t *)&outside,
                           right ? row + (x + 1) * shape->in_c : (const int8_t *)&outside, rows,
                           left ? step : 0, right ? step : 0, tc_pair(-zero_point, -zero_point));
        }
        strips += TC_STRIP_BYTES / 4;
    }
}

/* The inner loop saturates to int8; an activation with closer bounds takes another pass. */
static void clamp(int8_t *output, int32_t bytes, int32_t low, int32_t high) {
    const uint32_t lows = ((uint32_t)low & 0xFF) * 0x01010101u;
    const uint32_t highs = ((uint32_t)high & 0xFF) * 0x01010101u;
    uint8_t *at = (uint8_t *)output;
    for (; bytes >= 4; bytes -= 4, at += 4) {
        uint32_t word = tc_load32(at);
        uint32_t spare;
        __asm__("ssub8 %1, %0, %2\n\tsel %0, %0, %2\n\tssub8 %1, %3, %0\n\tsel %0, %0, %3"
                : "+&r"(word), "=&r"(spare)
                : "r"(lows), "r"(highs)
                : "cc");
        tc_store32(at, word);
    }
    for (; bytes > 0; --bytes, ++at) {
        *at = (uint8_t)tc_clamp((int8_t)*at, low, high);
    }
}

/* Weights of one channel, every step'th byte, and its requantization. */
static void prepare(tc_dot_3x3 *dot, const int8_t *weights, int32_t step,
                    const tc_channel_s8 *channel) {
    const int32_t left = channel->left;
    for (int32_t row = 0; row < 3; ++row, weights += 3 * step) {
        const int32_t w0 = weights[0] * (1 << left);
        const int32_t w1 = weights[step] * (1 << left);
        const int32_t w2 = weights[2 * step] * (1 << left);
        dot->weights[2 * row] = tc_pair(w0, w1);
        dot->weights[2 * row + 1] = tc_pair(w1, w2);
    }
    dot->bias = channel->bias * (1 << left);
    dot->multiplier = channel->multiplier;
    dot->scale = (int32_t)(1u << (32 - channel->right));
}

static void do_tile(const tc_depthwise_shape *shape, const tc_tile *tile, const int8_t *input,
                    const int8_t *weights, const tc_requant_s8 *requant, int8_t *output,
                    uint32_t *strips) {
    const int32_t channels = shape->in_c;
    tc_dot_3x3 dot;
    dot.offset = requant->output_offset;
    dot.column = channels;
    dot.row = shape->out_w * channels;
    dot.rows = 4 * tile->rows;
    clear(strips, tile->columns);
    for (int32_t next = 0; next < channels; next += 4) {
        /* The last four channels may overlap those before. */
        const int32_t first = tc_min(next, channels - 4);
        widen(shape, tile, input + first, requant->pad, strips);
        for (int32_t c = first; c < first + 4; ++c) {
            prepare(&dot, weights + c, channels, requant->channels + c);
            dot.columns = tile->columns;
            tc_depthwise_3x3_s8(&dot, strips + (c - first) * (TC_CHANNEL_BYTES / 4), output + c);
        }
    }
}

void tc_depthwise_w8a8_3x3(const tc_depthwise_shape *shape, const int8_t *input,
                           const int8_t *weights, const tc_requant_s8 *requant, int8_t *output,
                           void *scratch) {
    tc_tile tile;
    for (int32_t y = 0; y < shape->out_h; y += tile.rows) {
        const int32_t left = shape->out_h - y;
        /* Two rows at a time: none may be left alone. */
        tile.rows = left == TC_TILE_ROWS + 1 ? TC_TILE_ROWS - 2 : tc_min(left, TC_TILE_ROWS);
        tile.y = y - shape->pad_top;
        for (int32_t x = 0; x < shape->out_w; x += tile.columns) {
            tile.columns = tc_min(shape->out_w - x, TC_TILE_COLUMNS);
            tile.x = x - shape->pad_left;
            do_tile(shape, &tile, input, weights, requant,
                    output + (y * shape->out_w + x) * shape->in_c, scratch);
        }
    }
    if (requant->activation_min > -128 || requant->activation_max < 127) {
        clamp(output, shape->out_h * shape->out_w * shape->in_c, requant->activation_min,
              requant->activation_max);
    }
}
