/*
 * void tc_widen_strip(uint32_t *strip, const int8_t *left, const int8_t *right, int32_t rows,
 *                     int32_t left_step, int32_t right_step, uint32_t offsets);
 *
 * Widens two columns of four channels into a strip (tc_strips.h), adding offsets to each value.
 * In the order that thumbclock schedule found for the Cortex-M4 and M7 together.
 */
#include "tc_strips.h"
    .syntax unified
    .thumb

#define STRIP   r0
#define LEFT    r1
#define RIGHT   r2
#define ROWS    r3
#define LSTEP   r4
#define RSTEP   r5
#define OFFSETS r6

    .section .text.tc_widen_strip, "ax", %progbits
    .p2align 3
    .global tc_widen_strip
    .type   tc_widen_strip, %function
    .thumb_func
tc_widen_strip:
    push    {r4-r11, lr}
    add     r7, sp, #36
    ldm     r7, {r4-r6}
    .p2align 3
.Lrow:
    ldr     r10, [LEFT]
    ldr     r12, [RIGHT]
    adds    LEFT, LEFT, LSTEP
    sxtab16 r7, OFFSETS, r10            /* channels 0 and 2 */
    sxtab16 r9, OFFSETS, r12
    adds    RIGHT, RIGHT, RSTEP
    sxtab16 r8, OFFSETS, r10, ror #8    /* 1 and 3 */
    subs    ROWS, ROWS, #1
    sxtab16 r10, OFFSETS, r12, ror #8
    pkhbt   r11, r7, r9, lsl #16
    str     r11, [STRIP], #4
    pkhbt   r12, r8, r10, lsl #16
    str     r12, [STRIP, #TC_CHANNEL_BYTES - 4]
    pkhtb   r10, r10, r8, asr #16
    str     r10, [STRIP, #3 * TC_CHANNEL_BYTES - 4]
    pkhtb   r9, r9, r7, asr #16
    str     r9, [STRIP, #2 * TC_CHANNEL_BYTES - 4]
    bne     .Lrow
    pop     {r4-r11, pc}
    .size   tc_widen_strip, . - tc_widen_strip
