/* Depthwise 3x3 with stride 1 or 2 of any pair of weight and activation widths, on strips. */
#include "tc_strips.h"

typedef void tc_sum_strips(const uint32_t *weights, const uint32_t *strips, int32_t *sums,
                           int32_t rows, int32_t columns);

tc_sum_strips tc_depthwise_3x3_sums, tc_depthwise_3x3_sums_stride2;

typedef struct {
    const tc_depthwise_shape *shape;
    const tc_depthwise_parts *parts;
    const uint8_t *weights;
    const void *requant;
    uint8_t *output;
    int32_t *sums;
} tc_layer;

static void do_channel(const void *of, const tc_tile *tile, int32_t channel,
                       const uint32_t *strips) {
    const tc_layer *const layer = of;
    const tc_depthwise_shape *const shape = layer->shape;
    const tc_depthwise_parts *const parts = layer->parts;
    const int32_t tap_bytes = (shape->in_c * parts->weight_bits + 7) >> 3;
    const int32_t pixel_bytes = (shape->in_c * parts->output_bits + 7) >> 3;
    const uint8_t *tap = layer->weights;
    uint32_t weights[6]; /* for each row w0 w1, then w1 w2 */
    for (int32_t row = 0; row < 3; ++row, tap += 3 * tap_bytes) {
        const int32_t w0 = tc_lane_weight(parts, tap, channel);
        const int32_t w1 = tc_lane_weight(parts, tap + tap_bytes, channel);
        const int32_t w2 = tc_lane_weight(parts, tap + 2 * tap_bytes, channel);
        weights[2 * row] = tc_pair(w0, w1);
        weights[2 * row + 1] = tc_pair(w1, w2);
    }
    (shape->stride_h == 1 ? tc_depthwise_3x3_sums : tc_depthwise_3x3_sums_stride2)(
        weights, strips, layer->sums, 4 * shape->stride_h * tile->rows, tile->columns);
    const tc_depthwise_block block = {
        .sums = layer->sums,
        .rows = tile->rows,
        .columns = tile->columns,
        .row_sums = TC_TILE_COLUMNS,
        .output = layer->output + (tile->y * shape->out_w + tile->x) * pixel_bytes,
        .pixel_bytes = pixel_bytes,
        .row_bytes = shape->out_w * pixel_bytes,
    };
    parts->finish(layer->requant, channel, &block);
}

void tc_depthwise_3x3(const tc_depthwise_shape *shape, const tc_depthwise_parts *parts,
                      const uint8_t *input, const uint8_t *weights, const void *requant,
                      uint8_t *output, void *scratch) {
    const int32_t pixel_bytes = (shape->in_c * parts->output_bits + 7) >> 3;
    int32_t *const sums = scratch;
    const int32_t most_rows = TC_TILE_ROWS / shape->stride_h;
    const int32_t rows = shape->out_h < most_rows ? shape->out_h : most_rows;
    const tc_layer layer = {shape, parts, weights, requant, output, sums};
    if (parts->output_bits < 8) {
        tc_fill(output, 0, shape->out_h * shape->out_w * pixel_bytes);
    }
    tc_for_strips(shape, &parts->activations, input,
                  (uint32_t *)(sums + ((rows + 1) & ~1) * TC_TILE_COLUMNS), do_channel, &layer);
}
