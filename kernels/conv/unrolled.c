/*
 * Convolutions whose weights are constants in emitted code: from int8 rows to lines of 16-bit
 * lanes, which the emitted function reads window by window.
 *
 * A line is a padded row (or column, where that leaves fewer blocks with idle pixels) of the input.
 * Each is widened once, into a buffer that holds the lines of a few windows; when the window
 * reaches the end of the buffer, the lines that it shares with the next one move to the front.
 */
#include <arm_acle.h>

#include "tc_base.h"
#include "tc_unrolled.h"

/* Four elements to two words that stand step words apart. */
TC_INLINE uint32_t *widen_word(const int8_t *from, uint32_t *to, int32_t step) {
    const uint32_t packed = tc_load32((const uint8_t *)from);
    to[0] = (uint32_t)__sxtb16((int8x4_t)packed);
    to[step] = (uint32_t)__sxtb16((int8x4_t)(packed >> 8 | packed << 24));
    return to + 2 * step;
}

/* Lanes (0, 2) and (1, 3) of each four channels: what SXTB16 takes from a packed word. */
TC_INLINE void widen_quads(const int8_t *from, int32_t count, uint32_t *to, int32_t step) {
    for (; count >= 8; count -= 8, from += 8) {
        to = widen_word(from + 4, widen_word(from, to, step), step);
    }
    if (count > 0) {
        widen_word(from, to, step);
    }
}

/* Neighbours side by side. The second copy starts at the second element of the first. */
static void widen_each(const int8_t *from, int32_t count, int16_t *to, int32_t copy) {
    for (; count > 0; --count, ++to) {
        const int16_t value = *from++;
        if (copy > 0) {
            to[copy - 1] = value;
        }
        *to = value;
    }
}

static void widen_line(const tc_lines *lines, const int8_t *from, int16_t *to) {
    const int32_t elements = lines->run_elements;
    const int32_t step = lines->word_step;
    to += lines->pad_elements;
    for (int32_t run = lines->runs; run > 0; --run, from += lines->run_bytes) {
        if (!lines->quads) {
            widen_each(from, elements, to, lines->copy_elements);
        } else if (step == 1) {
            widen_quads(from, elements, (uint32_t *)to, 1);
        } else {
            widen_quads(from, elements, (uint32_t *)to, step);
        }
        to += step == 1 ? elements : 2;
    }
}

static void fill(uint32_t *to, uint32_t lanes, int32_t count) {
    for (; count > 0; --count) {
        *to++ = lanes;
        __asm__("" : "+r"(to)); /* not a call of memset */
    }
}

/* Towards the front; the pieces may overlap. */
static void move(uint32_t *to, const uint32_t *from, int32_t count) {
    for (; count >= 4; count -= 4, to += 4, from += 4) {
        const uint32_t a = from[0], b = from[1], c = from[2], d = from[3];
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
    }
    for (; count > 0; --count) {
        *to++ = *from++;
        __asm__("" : "+r"(to)); /* not a call of memmove */
    }
}

static int32_t least(int32_t a, int32_t b) {
    return a < b ? a : b;
}

void tc_conv_unrolled(const tc_lines *lines, const int8_t *input, tc_block block,
                      int8_t *output, uint32_t *scratch) {
    const uint32_t pad = (uint16_t)lines->pad * 0x00010001u;
    int32_t front = -lines->pad_lines; /* the line at the start of the buffer */
    int32_t next = front;              /* the first line not yet in it */
    fill(scratch, pad, lines->buffer_lines * lines->line_words);

    for (int32_t line = 0; line < lines->out_lines; ++line) {
        const int32_t top = line * lines->step_lines - lines->pad_lines;
        if (top + lines->kernel_lines > front + lines->buffer_lines) {
            move(scratch, scratch + (top - front) * lines->line_words,
                 (next - top) * lines->line_words);
            front = top;
        }
        for (next = next < top ? top : next; next < top + lines->kernel_lines; ++next) {
            uint32_t *const to = scratch + (next - front) * lines->line_words;
            if (next < 0 || next >= lines->in_lines) {
                fill(to, pad, lines->line_words);
            } else {
                const int32_t at = least(next * lines->line_bytes, lines->last_line_bytes);
                widen_line(lines, input + at, (int16_t *)to);
            }
        }
        const int16_t *const window =
            (const int16_t *)(scratch + (top - front) * lines->line_words);
        int8_t *const out =
            output + least(line * lines->out_line_bytes, lines->last_out_line_bytes);
        for (int32_t first = 0; first < lines->out_pixels; first += lines->block_pixels) {
            /* The last block overlaps the one before where pixels are left over. */
            const int32_t pixel = least(first, lines->out_pixels - lines->block_pixels);
            block(window + pixel * lines->pixel_elements, out + pixel * lines->out_pixel_bytes);
        }
    }
}
