/* Tiles of 3x3 kernels: which there are, and how their activations become strips. */
#include "tc_strips.h"

/* Two columns of four channels; see strip.S. */
void tc_widen_strip(uint32_t *strip, const uint8_t *left, const uint8_t *right, int32_t rows,
                    int32_t left_step, int32_t right_step, uint32_t offsets);

/* The words of four channels, and their fields in them. */
typedef struct {
    const uint8_t *input; /* of the first pixel */
    int32_t pixel_bytes;
    uint32_t shift;
} tc_plane;

TC_INLINE int32_t tc_min(int32_t a, int32_t b) {
    return a < b ? a : b;
}

TC_INLINE int32_t tc_max(int32_t a, int32_t b) {
    return a > b ? a : b;
}

/* Padding is the same for all channels: zero. */
static void clear(uint32_t *strips, int32_t count) {
    tc_fill((uint8_t *)strips, 0, count * TC_STRIP_BYTES);
}

/* As tc_widen_strip, of fields that share a byte. */
static void widen_fields(const tc_activations *activations, uint32_t shift, uint32_t *strip,
                         const uint8_t *left, const uint8_t *right, int32_t rows,
                         int32_t left_step, int32_t right_step) {
    const uint32_t offsets = tc_pair(activations->offset, activations->offset);
    const uint32_t mask = activations->mask;
    const uint32_t inverted = activations->inverted;
    for (; rows > 0; --rows, left += left_step, right += right_step, ++strip) {
        const uint32_t a = (tc_load32(left) >> shift & mask) ^ inverted;
        const uint32_t b = (tc_load32(right) >> shift & mask) ^ inverted;
        const uint32_t a02 = tc_uxtab16(offsets, a), a13 = tc_uxtab16_ror8(offsets, a);
        const uint32_t b02 = tc_uxtab16(offsets, b), b13 = tc_uxtab16_ror8(offsets, b);
        strip[0] = (a02 & 0xFFFF) | b02 << 16;
        strip[TC_CHANNEL_BYTES / 4] = (a13 & 0xFFFF) | b13 << 16;
        strip[2 * TC_CHANNEL_BYTES / 4] = a02 >> 16 | (b02 & 0xFFFF0000u);
        strip[3 * TC_CHANNEL_BYTES / 4] = a13 >> 16 | (b13 & 0xFFFF0000u);
    }
}

/* Widens what a tile covers of the input; rows and columns outside stay as they are. */
static void widen(const tc_depthwise_shape *shape, const tc_activations *activations,
                  const tc_plane *plane, const tc_tile *tile, uint32_t *strips) {
    /* What becomes zero; the fields of narrow activations are inverted until they do. */
    const uint32_t zero =
        activations->bits == 8 ? ((uint32_t)-activations->offset & 0xFF) * 0x01010101u : 0;
    const uint8_t *const padding = (const uint8_t *)&zero;
    const int32_t y = tile->y * shape->stride_h - shape->pad_top;
    const int32_t first = tc_max(-y, 0);
    const int32_t rows = tc_min((tile->rows - 1) * shape->stride_h + 3, shape->in_h - y) - first;
    const int32_t step = shape->in_w * plane->pixel_bytes;
    const uint8_t *const row = plane->input + (y + first) * step;
    int32_t x = tile->x * shape->stride_w - shape->pad_left;
    if (rows <= 0) {
        return;
    }
    for (const int32_t end = x + (tile->columns - 1) * shape->stride_w + 3; x < end; x += 2) {
        const int has_left = x >= 0 && x < shape->in_w;
        const int has_right = x + 1 >= 0 && x + 1 < shape->in_w;
        const uint8_t *const left = has_left ? row + x * plane->pixel_bytes : padding;
        const uint8_t *const right = has_right ? row + (x + 1) * plane->pixel_bytes : padding;
        const int32_t left_step = has_left ? step : 0;
        const int32_t right_step = has_right ? step : 0;
        if (!has_left && !has_right) {
            /* The strip stays as clear left it. */
        } else if (activations->bits == 8) {
            tc_widen_strip(strips + first, left, right, rows, left_step, right_step,
                           tc_pair(activations->offset, activations->offset));
        } else {
            widen_fields(activations, plane->shift, strips + first, left, right, rows, left_step,
                         right_step);
        }
        strips += TC_STRIP_BYTES / 4;
    }
}

static void do_tile(const tc_depthwise_shape *shape, const tc_activations *activations,
                    const uint8_t *input, const tc_tile *tile, uint32_t *strips,
                    tc_strip_channel *channel, const void *layer) {
    const int32_t per_byte = 8 / activations->bits;
    tc_plane plane;
    plane.pixel_bytes = (shape->in_c * activations->bits + 7) >> 3;
    clear(strips, ((tile->columns - 1) * shape->stride_w + 4) >> 1);
    for (int32_t next = 0; next < plane.pixel_bytes; next += 4) {
        /* A pixel's last word may overlap the one before, whose channels are then done again. */
        const int32_t word = tc_min(next, plane.pixel_bytes - 4);
        plane.input = input + word;
        for (int32_t i = 0; i < per_byte; ++i) {
            plane.shift = (uint32_t)(i * activations->bits);
            widen(shape, activations, &plane, tile, strips);
            for (int32_t j = 0; j < 4; ++j) {
                const int32_t c = (word + j) * per_byte + i;
                if (c < shape->in_c) {
                    channel(layer, tile, c, strips + j * (TC_CHANNEL_BYTES / 4));
                }
            }
        }
    }
}

void tc_for_strips(const tc_depthwise_shape *shape, const tc_activations *activations,
                   const uint8_t *input, uint32_t *strips, tc_strip_channel *channel,
                   const void *layer) {
    const int32_t most_rows = TC_TILE_ROWS / shape->stride_h;
    const int32_t most_columns = TC_TILE_COLUMNS / shape->stride_w;
    tc_tile tile;
    for (tile.y = 0; tile.y < shape->out_h; tile.y += tile.rows) {
        const int32_t left = shape->out_h - tile.y;
        /* Kernels do two rows at a time: no tile is left with one. */
        tile.rows = left == most_rows + 1 ? most_rows - 2 : tc_min(left, most_rows);
        for (tile.x = 0; tile.x < shape->out_w; tile.x += tile.columns) {
            tile.columns = tc_min(shape->out_w - tile.x, most_columns);
            do_tile(shape, activations, input, &tile, strips, channel, layer);
        }
    }
}
