/*
 * void tc_depthwise_3x3_s8(const tc_dot_3x3 *dot, const uint32_t *strips, int8_t *output);
 *
 * One channel of a tile: two rows and two columns of outputs at a time, going down each strip.
 * D0 and D1 hold four neighbours of a row, a b and c d. With the weights of a row of the kernel as
 * W = w0 w1 and V = w1 w2, the left output gains a w0 + b w1 + c w2 in two instructions, and the
 * right one b w0 + c w1 + d w2.
 *
 * The weights are shifted left as the requantization wants its sums. It is TensorFlow Lite's: the
 * multiplication rounds, then a rounding shift right, ties away from zero, is a multiplication by
 * 2^(32 - shift) that rounds, after 1 is taken from what is negative; it adds the zero point, too.
 *
 * Ordered for the Cortex-M4: loads stand together, as each run of them costs a cycle more.
 */
#include "tc_strips.h"
    .syntax unified
    .thumb

#define IN  r0
#define OUT r1
#define D0  r2
#define D1  r3
#define A00 r4 /* row 0, left */
#define A01 r5
#define A10 r6
#define A11 r7
#define W0  r8
#define V0  r9
#define W1  r10
#define V1  r11
#define W2  r12
#define V2  lr

/* The frame: what tc_dot_3x3 holds behind the weights, then where the strip starts. */
#define BIAS       0
#define MULTIPLIER 4
#define SCALE      8
#define OFFSET     12
#define COLUMN     16 /* bytes from an output to the one on its right */
#define ROW        20 /* and from there to the one below the first */
#define ROWS       24 /* bytes of a strip's column that have outputs */
#define COLUMNS    28
#define STRIP      32
#define OUTPUT     36
#define END        40
#define FRAME      44

/* Adds a row of inputs times a row of the kernel to a row of outputs. */
    .macro LEFT a, w, v
    smlad   \a, D0, \w, \a
    smlabt  \a, D1, \v, \a
    .endm

    .macro BOTH a, b, w, v
    LEFT    \a, \w, \v
    smlad   \b, D1, \v, \b
    smlatb  \b, D0, \w, \b
    .endm

    .macro LOAD row
    ldr     D0, [IN, #4 * \row]
    ldr     D1, [IN, #4 * \row + TC_STRIP_BYTES]
    .endm

/* An odd row is left: do the one before it once more. */
    .macro BACK
    ldr     D0, [sp, #COLUMN]
    ldr     D1, [sp, #ROW]
    subs    IN, IN, #4
    subs    OUT, OUT, D0
    subs    OUT, OUT, D1
    .endm

    .section .text.tc_depthwise_3x3_s8, "ax", %progbits
    .p2align 3
    .global tc_depthwise_3x3_s8
    .type   tc_depthwise_3x3_s8, %function
    .thumb_func
tc_depthwise_3x3_s8:
    push    {r4-r11, lr}
    sub     sp, sp, #FRAME
    adds    r3, r0, #24
    ldm     r3, {r4-r11}
    stm     sp, {r4-r11}
    ldm     r0, {r8-r12, lr}
    mov     IN, r1
    mov     OUT, r2
.Lstrip:
    str     IN, [sp, #STRIP]
    str     OUT, [sp, #OUTPUT]
    ldr     D0, [sp, #ROWS]
    ldr     D1, [sp, #COLUMNS]
    add     D0, D0, IN
    str     D0, [sp, #END]
    subs    D1, D1, #2
    str     D1, [sp, #COLUMNS]
    bmi     .Lone
    .p2align 3
.Ltwo:
    ldr     A11, [sp, #BIAS]
    LOAD    0
    smlad   A00, D0, W0, A11
    smlad   A01, D1, V0, A11
    smlabt  A00, D1, V0, A00
    smlatb  A01, D0, W0, A01
    LOAD    1
    smlad   A10, D0, W0, A11
    smlad   A11, D1, V0, A11
    smlabt  A10, D1, V0, A10
    smlatb  A11, D0, W0, A11
    BOTH    A00, A01, W1, V1
    LOAD    2
    BOTH    A00, A01, W2, V2
    BOTH    A10, A11, W1, V1
    LOAD    3
    adds    IN, IN, #8
    BOTH    A10, A11, W2, V2
    ldr     D0, [sp, #MULTIPLIER]
    ldr     D1, [sp, #SCALE]
    smmulr  A00, A00, D0
    smmulr  A01, A01, D0
    smmulr  A10, A10, D0
    smmulr  A11, A11, D0
    ldr     D0, [sp, #OFFSET]
    add     A00, A00, A00, asr #31
    add     A01, A01, A01, asr #31
    add     A10, A10, A10, asr #31
    add     A11, A11, A11, asr #31
    smmlar  A00, A00, D1, D0
    smmlar  A01, A01, D1, D0
    smmlar  A10, A10, D1, D0
    smmlar  A11, A11, D1, D0
    ldr     D0, [sp, #COLUMN]
    ldr     D1, [sp, #ROW]
    ssat    A00, #8, A00
    strb    A00, [OUT]
    ssat    A01, #8, A01
    adds    OUT, OUT, D0
    strb    A01, [OUT]
    ssat    A10, #8, A10
    adds    OUT, OUT, D1
    strb    A10, [OUT]
    ssat    A11, #8, A11
    adds    OUT, OUT, D0
    strb    A11, [OUT]
    adds    OUT, OUT, D1
    ldr     D0, [sp, #END]
    subs    D0, D0, IN
    cmp     D0, #4
    bhi     .Ltwo
    bne     .Lnext
    BACK
    b       .Ltwo
.Lone:
    adds    D1, D1, #1
    bne     .Lend
    .p2align 3
.Lleft:
    ldr     A10, [sp, #BIAS]
    LOAD    0
    smlad   A00, D0, W0, A10
    smlabt  A00, D1, V0, A00
    LOAD    1
    LEFT    A10, W0, V0
    LEFT    A00, W1, V1
    LOAD    2
    LEFT    A00, W2, V2
    LEFT    A10, W1, V1
    LOAD    3
    LEFT    A10, W2, V2
    adds    IN, IN, #8
    ldr     D0, [sp, #MULTIPLIER]
    ldr     D1, [sp, #SCALE]
    ldr     A01, [sp, #OFFSET]
    smmulr  A00, A00, D0
    smmulr  A10, A10, D0
    ldr     D0, [sp, #COLUMN]
    ldr     A11, [sp, #ROW]
    add     A00, A00, A00, asr #31
    add     A10, A10, A10, asr #31
    smmlar  A00, A00, D1, A01
    smmlar  A10, A10, D1, A01
    add     D1, D0, A11
    ldr     D0, [sp, #END]
    ssat    A00, #8, A00
    ssat    A10, #8, A10
    strb    A00, [OUT]
    adds    OUT, OUT, D1
    strb    A10, [OUT]
    adds    OUT, OUT, D1
    subs    D0, D0, IN
    cmp     D0, #4
    bhi     .Lleft
    bne     .Lend
    BACK
    b       .Lleft
.Lnext:
    ldr     IN, [sp, #STRIP]
    ldr     OUT, [sp, #OUTPUT]
    ldr     D0, [sp, #COLUMN]
    add     IN, IN, #TC_STRIP_BYTES
    add     OUT, OUT, D0, lsl #1
    b       .Lstrip
.Lend:
    add     sp, sp, #FRAME
    pop     {r4-r11, pc}
    .size   tc_depthwise_3x3_s8, . - tc_depthwise_3x3_s8
