/* int8 depthwise 3x3 with stride 1 or 2, weights of any width: TensorFlow Lite's arithmetic. */
#include "tc_bytes.h"
#include "tc_strips.h"

typedef struct {
    uint32_t weights[6]; /* for each row w0 w1, then w1 w2 */
    int32_t bias, multiplier;
    int32_t scale; /* 2^(32 - right shift) */
    int32_t offset;
    int32_t column, row;   /* bytes from an output to the one on its right, and below */
    int32_t rows, columns; /* of outputs: bytes of a strip to behind the last one, and number */
} tc_dot_3x3;

typedef void tc_dot_strips(const tc_dot_3x3 *dot, const uint32_t *strips, int8_t *output);

tc_dot_strips tc_depthwise_3x3_s8, tc_depthwise_3x3_s8_stride2;

typedef struct {
    const tc_depthwise_shape *shape;
    const uint8_t *weights;
    int32_t weight_bits;
    const tc_requant_s8 *requant;
    int8_t *output;
} tc_layer;

/*
 * The inner loop saturates to int8; an activation with closer bounds takes another pass. It is
 * seldom needed, so smaller than tc_clamp_outputs.
 */
static void clamp(int8_t *output, int32_t bytes, int32_t low, int32_t high) {
    const uint32_t lows = tc_four_times(low);
    const uint32_t highs = tc_four_times(high);
    uint8_t *at = (uint8_t *)output;
    for (; bytes >= 4; bytes -= 4, at += 4) {
        tc_store32(at, tc_min_s8x4(tc_max_s8x4(tc_load32(at), lows), highs));
    }
    for (; bytes > 0; --bytes, ++at) {
        *at = (uint8_t)tc_clamp((int8_t)*at, low, high);
    }
}

/* Weights of one channel, and its requantization. */
static void prepare(tc_dot_3x3 *dot, const tc_layer *layer, int32_t index) {
    const tc_channel_s8 *const channel = layer->requant->channels + index;
    const int32_t bits = layer->weight_bits;
    const int32_t tap_bytes = (layer->shape->in_c * bits + 7) >> 3;
    const int32_t scale = 1 << channel->left;
    const uint8_t *tap = layer->weights;
    for (int32_t row = 0; row < 3; ++row, tap += 3 * tap_bytes) {
        const int32_t w0 = tc_weight(tap, index, bits) * scale;
        const int32_t w1 = tc_weight(tap + tap_bytes, index, bits) * scale;
        const int32_t w2 = tc_weight(tap + 2 * tap_bytes, index, bits) * scale;
        dot->weights[2 * row] = tc_pair(w0, w1);
        dot->weights[2 * row + 1] = tc_pair(w1, w2);
    }
    dot->bias = channel->bias * scale;
    dot->multiplier = channel->multiplier;
    dot->scale = (int32_t)(1u << (32 - channel->right));
}

static void do_channel(const void *of, const tc_tile *tile, int32_t channel,
                       const uint32_t *strips) {
    const tc_layer *const layer = of;
    const tc_depthwise_shape *const shape = layer->shape;
    tc_dot_3x3 dot;
    prepare(&dot, layer, channel);
    dot.offset = layer->requant->output_offset;
    dot.column = shape->in_c;
    dot.row = shape->out_w * shape->in_c;
    dot.rows = 4 * shape->stride_h * tile->rows;
    dot.columns = tile->columns;
    int8_t *const output =
        layer->output + (tile->y * shape->out_w + tile->x) * shape->in_c + channel;
    (shape->stride_h == 1 ? tc_depthwise_3x3_s8 : tc_depthwise_3x3_s8_stride2)(&dot, strips,
                                                                               output);
}

void tc_depthwise_s8_3x3(const tc_depthwise_shape *shape, const int8_t *input,
                         const uint8_t *weights, int32_t weight_bits,
                         const tc_requant_s8 *requant, int8_t *output, void *scratch) {
    const tc_activations activations = {.bits = 8, .offset = -requant->pad};
    const tc_layer layer = {shape, weights, weight_bits, requant, output};
    tc_for_strips(shape, &activations, (const uint8_t *)input, scratch, do_channel, &layer);
    if (requant->activation_min > -128 || requant->activation_max < 127) {
        clamp(output, shape->out_h * shape->out_w * shape->in_c, requant->activation_min,
              requant->activation_max);
    }
}
