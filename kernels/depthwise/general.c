/* The frame of depthwise convolutions of any shape: quads of channels, pixel by pixel. */
#include "tc_depthwise.h"

#define RUN_PIXELS 16 /* of a row, whose sums are requantized together */

/* Sizes that follow from the shape. */
typedef struct {
    int32_t input_bytes, tap_bytes, output_bytes; /* a pixel, packed; of weights a tap */
    int32_t per_byte;                             /* activations */
    int32_t taps;
} tc_sizes;

/* The channels that a core takes together: in each byte of a word of activations, one field. */
typedef struct {
    int32_t first; /* the others follow at a distance of sizes.per_byte */
    int32_t word;  /* bytes from a pixel to the word that holds them */
    uint32_t shift;
    int32_t replica; /* which of an input channel's output channels */
} tc_quad;

static int32_t weight_at(const uint8_t *tap, int32_t channel, int32_t bits) {
    const int32_t bit = channel * bits;
    const int32_t field = (tap[bit >> 3] >> (bit & 7)) & ((1 << bits) - 1);
    const int32_t top = 1 << (bits - 1);
    return bits == 1 ? 2 * field - 1 : (field ^ top) - top;
}

/*
 * Weights as 16-bit lanes: channels 0 and 2 of the quad, then 1 and 3. Of binary activations, which
 * come as 0 and 1 where -1 and +1 are meant, they count twice.
 */
static void widen(const tc_depthwise_shape *shape, const tc_depthwise_parts *parts,
                  const tc_sizes *sizes, const tc_quad *quad, const uint8_t *weights,
                  uint32_t *lanes) {
    for (int32_t tap = 0; tap < sizes->taps; ++tap, weights += sizes->tap_bytes, lanes += 2) {
        uint32_t weight[4];
        for (int32_t i = 0; i < 4; ++i) {
            const int32_t channel = quad->first + i * sizes->per_byte;
            const int32_t from = channel * shape->multiplier + quad->replica;
            const int32_t value =
                channel < shape->in_c ? weight_at(weights, from, parts->weight_bits) : 0;
            weight[i] = (uint32_t)(parts->activation_bits == 1 ? 2 * value : value);
        }
        lanes[0] = (weight[0] & 0xFFFF) | weight[2] << 16;
        lanes[1] = (weight[1] & 0xFFFF) | weight[3] << 16;
    }
}

/* Which taps lie on the input, along one axis, where the first is at a position. */
TC_INLINE int32_t clip(int32_t at, int32_t taps, int32_t dilation, int32_t extent,
                       int32_t *first) {
    int32_t last = taps;
    *first = 0;
    while (*first < taps && at + *first * dilation < 0) {
        ++*first;
    }
    while (last > *first && at + (last - 1) * dilation >= extent) {
        --last;
    }
    return last - *first;
}

/* Sums of the quad along a run of output pixels in a row. */
static void sum_run(const tc_depthwise_shape *shape, tc_depthwise_core *core,
                    const tc_sizes *sizes, const uint8_t *input, const uint32_t *lanes,
                    tc_depthwise_window *window, int32_t y, int32_t x, int32_t pixels,
                    int32_t *sums) {
    int32_t first_row;
    window->rows = clip(y, shape->kernel_h, shape->dilation_h, shape->in_h, &first_row);
    y += first_row * shape->dilation_h;
    lanes += first_row * window->row_lanes;
    for (; pixels > 0; --pixels, x += shape->stride_w, sums += 4) {
        int32_t first;
        window->columns = clip(x, shape->kernel_w, shape->dilation_w, shape->in_w, &first);
        const int32_t pixel = y * shape->in_w + x + first * shape->dilation_w;
        window->input = input + pixel * sizes->input_bytes;
        window->lanes = lanes + 2 * first;
        core(window, sums);
    }
}

static void do_quad(const tc_depthwise_shape *shape, const tc_depthwise_parts *parts,
                    const tc_sizes *sizes, const tc_quad *quad, const uint8_t *input,
                    const uint32_t *lanes, const void *requant, uint8_t *output, int32_t *sums) {
    const int32_t own = sizes->input_bytes - quad->word;
    tc_depthwise_window window = {
        .bytes = own < 4 ? own : 4,
        .shift = quad->shift,
        .row_bytes = shape->dilation_h * shape->in_w * sizes->input_bytes,
        .column_bytes = shape->dilation_w * sizes->input_bytes,
        .row_lanes = 2 * shape->kernel_w,
        .offsets = ((uint32_t)parts->offset & 0xFFFF) | (uint32_t)parts->offset << 16,
    };
    for (int32_t y = 0; y < shape->out_h; ++y) {
        int32_t pixels;
        for (int32_t x = 0; x < shape->out_w; x += pixels) {
            pixels = shape->out_w - x < RUN_PIXELS ? shape->out_w - x : RUN_PIXELS;
            sum_run(shape, parts->core, sizes, input + quad->word, lanes, &window,
                    y * shape->stride_h - shape->pad_top, x * shape->stride_w - shape->pad_left,
                    pixels, sums);
            for (int32_t i = 0; i < 4; ++i) {
                const int32_t channel = quad->first + i * sizes->per_byte;
                if (channel < shape->in_c) {
                    parts->finish(requant, channel * shape->multiplier + quad->replica, sums + i,
                                  pixels, output, sizes->output_bytes);
                }
            }
            output += pixels * sizes->output_bytes;
        }
    }
}

void tc_depthwise(const tc_depthwise_shape *shape, const tc_depthwise_parts *parts,
                  const uint8_t *input, const uint8_t *weights, const void *requant,
                  uint8_t *output, void *scratch) {
    const int32_t out_c = shape->in_c * shape->multiplier;
    const int32_t run = shape->out_w < RUN_PIXELS ? shape->out_w : RUN_PIXELS;
    const tc_sizes sizes = {
        .input_bytes = (shape->in_c * parts->activation_bits + 7) >> 3,
        .tap_bytes = (out_c * parts->weight_bits + 7) >> 3,
        .output_bytes = (out_c * parts->output_bits + 7) >> 3,
        .per_byte = 8 / parts->activation_bits,
        .taps = shape->kernel_h * shape->kernel_w,
    };
    int32_t *const sums = scratch;
    uint32_t *const lanes = (uint32_t *)(sums + 4 * run);
    tc_quad quad;

    if (parts->output_bits < 8) {
        tc_fill(output, 0, shape->out_h * shape->out_w * sizes.output_bytes);
    }
    for (int32_t word = 0; word < sizes.input_bytes; word += 4) {
        quad.word = word;
        for (int32_t i = 0; i < sizes.per_byte; ++i) {
            quad.first = word * sizes.per_byte + i;
            quad.shift = (uint32_t)(i * parts->activation_bits);
            for (quad.replica = 0; quad.replica < shape->multiplier; ++quad.replica) {
                if (quad.first < shape->in_c) {
                    widen(shape, parts, &sizes, &quad, weights, lanes);
                    do_quad(shape, parts, &sizes, &quad, input, lanes, requant, output, sums);
                }
            }
        }
    }
}
