/* The frame of depthwise convolutions of any shape: quads of channels, pixel by pixel. */
#include "tc_core.h"
#include "tc_depthwise.h"
#include "tc_lanes.h"

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

/* Weights as 16-bit lanes: channels 0 and 2 of the quad, then 1 and 3. */
static void widen(const tc_depthwise_shape *shape, const tc_depthwise_parts *parts,
                  const tc_sizes *sizes, const tc_quad *quad, const uint8_t *tap,
                  uint32_t *lanes) {
    for (int32_t taps = sizes->taps; taps > 0; --taps, tap += sizes->tap_bytes, lanes += 2) {
        int32_t weight[4] = {0, 0, 0, 0};
        int32_t channel = quad->first;
        for (int32_t i = 0; i < 4 && channel < shape->in_c; ++i, channel += sizes->per_byte) {
            weight[i] = tc_lane_weight(parts, tap, channel * shape->multiplier + quad->replica);
        }
        lanes[0] = tc_pair(weight[0], weight[2]);
        lanes[1] = tc_pair(weight[1], weight[3]);
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
static void sum_run(const tc_depthwise_shape *shape, tc_core *core, const uint8_t *input,
                    const uint32_t *lanes, tc_core_window *window, int32_t y, int32_t x,
                    int32_t pixels, int32_t *sums) {
    const int32_t pixel_bytes = window->column_bytes / shape->dilation_w;
    int32_t first_row;
    window->rows = clip(y, shape->kernel_h, shape->dilation_h, shape->in_h, &first_row);
    input += (y + first_row * shape->dilation_h) * shape->in_w * pixel_bytes;
    lanes += first_row * window->row_lanes;
    for (; pixels > 0; --pixels, x += shape->stride_w, ++sums) {
        int32_t first;
        window->columns = clip(x, shape->kernel_w, shape->dilation_w, shape->in_w, &first);
        window->input = input + (x + first * shape->dilation_w) * pixel_bytes;
        window->lanes = lanes + 2 * first;
        core(window, sums);
    }
}

static void do_quad(const tc_depthwise_shape *shape, const tc_depthwise_parts *parts,
                    const tc_sizes *sizes, const tc_quad *quad, const uint8_t *input,
                    const uint32_t *lanes, const void *requant, uint8_t *output, int32_t *sums) {
    const tc_activations *const activations = &parts->activations;
    const int32_t own = sizes->input_bytes - quad->word;
    tc_core *core = activations->bits == 8 ? tc_core_s8 : tc_core_narrow;
#if defined(__ARM_FEATURE_DSP)
    core = activations->bits == 8 && own >= 4 ? tc_core_s8_words : core;
#endif
    tc_core_window window = {
        .bytes = own < 4 ? own : 4,
        .row_bytes = shape->dilation_h * shape->in_w * sizes->input_bytes,
        .column_bytes = shape->dilation_w * sizes->input_bytes,
        .row_lanes = 2 * shape->kernel_w,
        .offsets = tc_pair(activations->offset, activations->offset),
        .shift = quad->shift,
        .mask = activations->mask,
        .inverted = activations->inverted,
    };
    tc_depthwise_block block = {.rows = 1, .pixel_bytes = sizes->output_bytes, .output = output};
    for (int32_t y = 0; y < shape->out_h; ++y) {
        for (int32_t x = 0; x < shape->out_w; x += block.columns) {
            const int32_t left = shape->out_w - x;
            block.columns = left < TC_RUN_PIXELS ? left : TC_RUN_PIXELS;
            sum_run(shape, core, input + quad->word, lanes, &window,
                    y * shape->stride_h - shape->pad_top, x * shape->stride_w - shape->pad_left,
                    block.columns, sums);
            int32_t channel = quad->first;
            for (int32_t i = 0; i < 4 && channel < shape->in_c; ++i) {
                block.sums = sums + i * TC_RUN_PIXELS;
                parts->finish(requant, channel * shape->multiplier + quad->replica, &block);
                channel += sizes->per_byte;
            }
            block.output += block.columns * sizes->output_bytes;
        }
    }
}

void tc_depthwise(const tc_depthwise_shape *shape, const tc_depthwise_parts *parts,
                  const uint8_t *input, const uint8_t *weights, const void *requant,
                  uint8_t *output, void *scratch) {
    const int32_t bits = parts->activations.bits;
    const int32_t out_c = shape->in_c * shape->multiplier;
    const tc_sizes sizes = {
        .input_bytes = (shape->in_c * bits + 7) >> 3,
        .tap_bytes = (out_c * parts->weight_bits + 7) >> 3,
        .output_bytes = (out_c * parts->output_bits + 7) >> 3,
        .per_byte = 8 / bits,
        .taps = shape->kernel_h * shape->kernel_w,
    };
    int32_t *const sums = scratch;
    uint32_t *const lanes = (uint32_t *)(sums + 4 * TC_RUN_PIXELS);
    tc_quad quad;

    if (parts->output_bits < 8) {
        tc_fill(output, 0, shape->out_h * shape->out_w * sizes.output_bytes);
    }
    for (quad.word = 0; quad.word < sizes.input_bytes; quad.word += 4) {
        for (int32_t i = 0; i < sizes.per_byte; ++i) {
            quad.first = quad.word * sizes.per_byte + i;
            quad.shift = (uint32_t)(i * bits);
            for (quad.replica = 0; quad.replica < shape->multiplier; ++quad.replica) {
                if (quad.first < shape->in_c) {
                    widen(shape, parts, &sizes, &quad, weights, lanes);
                    do_quad(shape, parts, &sizes, &quad, input, lanes, requant, output, sums);
                }
            }
        }
    }
}
