/*
 * The int8 loops of dot_3x3.inc without requantization: sums of one channel of a tile, row by row,
 * TC_SUM_ROW_BYTES apart. An odd row comes with one more below it, which nothing reads. In the
 * order that thumbclock schedule found for the Cortex-M4 and M7 together.
 *
 * void tc_depthwise_3x3_sums(const uint32_t *weights, const uint32_t *strips, int32_t *sums,
 *                            int32_t rows, int32_t columns);
 *
 * rows: bytes from the first row of outputs to behind the last, in a strip.
 */
#define END     0
#define ROWS    4
#define COLUMNS 8
#define STRIP   12
#define OUTPUT  16
#define FRAME   20
#include "dot_3x3.inc"

    .macro SUMS name
    .section .text.\name, "ax", %progbits
    .p2align 3
    .global \name
    .type   \name, %function
    .thumb_func
\name:
    push    {r4-r11, lr}
    ldr     r4, [sp, #36]
    sub     sp, sp, #FRAME
    str     r3, [sp, #ROWS]
    str     r4, [sp, #COLUMNS]
    ldm     r0, {r8-r12, lr}
    mov     IN, r1
    mov     OUT, r2
    .endm

    .macro NEXT_SUMS columns
    ldr     IN, [sp, #STRIP]
    ldr     OUT, [sp, #OUTPUT]
    add     IN, IN, #TC_STRIP_BYTES
    adds    OUT, OUT, #4 * \columns
    .endm

    SUMS    tc_depthwise_3x3_sums
.Lstrip:
    STRIP_OF columns=2
    bmi     .Lone
    .p2align 3
.Ltwo:
    ldr.w   D0, [IN]
    ldr     D1, [IN, #TC_STRIP_BYTES]
    smuad   A00, D0, W0
    smlabt  A00, D1, V0, A00
    smuad   A01, D1, V0
    smlatb  A01, D0, W0, A01
    ldr.w   D0, [IN, #4]
    ldr     D1, [IN, #TC_STRIP_BYTES + 4]
    smuad   A10, D0, W0
    smuad   A11, D1, V0
    smlad   A01, D1, V1, A01
    smlatb  A11, D0, W0, A11
    smlad   A00, D0, W1, A00
    smlatb  A01, D0, W1, A01
    smlabt  A10, D1, V0, A10
    smlabt  A00, D1, V1, A00
    ldr.w   D0, [IN, #8]
    ldr     D1, [IN, #TC_STRIP_BYTES + 8]
    smlad   A00, D0, W2, A00
    smlad   A10, D0, W1, A10
    smlabt  A00, D1, V2, A00
    smlad   A01, D1, V2, A01
    smlabt  A10, D1, V1, A10
    smlad   A11, D1, V1, A11
    smlatb  A01, D0, W2, A01
    smlatb  A11, D0, W1, A11
    ldr.w   D0, [IN, #12]
    ldr     D1, [IN, #TC_STRIP_BYTES + 12]
    str     A00, [OUT]
    smlad   A10, D0, W2, A10
    smlad   A11, D1, V2, A11
    smlatb  A11, D0, W2, A11
    ldr     D0, [sp, #END]
    str     A01, [OUT, #4]
    adds    IN, #8
    smlabt  A10, D1, V2, A10
    str     A10, [OUT, #TC_SUM_ROW_BYTES]
    str     A11, [OUT, #TC_SUM_ROW_BYTES + 4]
    adds    OUT, OUT, #2 * TC_SUM_ROW_BYTES
    cmp     IN, D0
    blo     .Ltwo
    NEXT_SUMS columns=2
    b       .Lstrip
.Lone:
    adds    D1, D1, #1
    bne     .Lend
    .p2align 3
.Lleft:
    ldr.w   D0, [IN]
    ldr     D1, [IN, #TC_STRIP_BYTES]
    smuad   A00, D0, W0
    smlabt  A00, D1, V0, A00
    ldr.w   D0, [IN, #4]
    ldr     D1, [IN, #TC_STRIP_BYTES + 4]
    smuad   A10, D0, W0
    smlad   A00, D0, W1, A00
    ldr.w   D0, [IN, #8]
    smlabt  A10, D1, V0, A10
    smlabt  A00, D1, V1, A00
    smlad   A00, D0, W2, A00
    ldr     D1, [IN, #TC_STRIP_BYTES + 8]
    smlad   A10, D0, W1, A10
    smlabt  A00, D1, V2, A00
    smlabt  A10, D1, V1, A10
    ldr.w   D0, [IN, #12]
    ldr     D1, [IN, #TC_STRIP_BYTES + 12]
    str     A00, [OUT]
    smlad   A10, D0, W2, A10
    adds    IN, #8
    smlabt  A10, D1, V2, A10
    ldr     D0, [sp, #END]
    str     A10, [OUT, #TC_SUM_ROW_BYTES]
    adds    OUT, OUT, #2 * TC_SUM_ROW_BYTES
    cmp     IN, D0
    blo     .Lleft
.Lend:
    LEAVE   tc_depthwise_3x3_sums

/* The same with stride 2. */
    SUMS    tc_depthwise_3x3_sums_stride2
.Lstrip2:
    STRIP_OF columns=1
    bmi     .Lend2
    .p2align 3
.Leven:
    ldr.w   D0, [IN]
    ldr     D1, [IN, #TC_STRIP_BYTES]
    smuad   A00, D0, W0
    ldr.w   D0, [IN, #4]
    smlabt  A00, D1, V0, A00
    ldr     D1, [IN, #TC_STRIP_BYTES + 4]
    smlad   A00, D0, W1, A00
    smlabt  A00, D1, V1, A00
    ldr.w   D0, [IN, #8]
    ldr     D1, [IN, #TC_STRIP_BYTES + 8]
    smuad   A10, D0, W0
    smlabt  A10, D1, V0, A10
    smlad   A00, D0, W2, A00
    smlabt  A00, D1, V2, A00
    ldr.w   D0, [IN, #12]
    ldr     D1, [IN, #TC_STRIP_BYTES + 12]
    str     A00, [OUT]
    smlad   A10, D0, W1, A10
    smlabt  A10, D1, V1, A10
    ldr.w   D0, [IN, #16]
    ldr     D1, [IN, #TC_STRIP_BYTES + 16]
    smlad   A10, D0, W2, A10
    smlabt  A10, D1, V2, A10
    ldr     D0, [sp, #END]
    str     A10, [OUT, #TC_SUM_ROW_BYTES]
    adds    IN, #16
    adds    OUT, OUT, #2 * TC_SUM_ROW_BYTES
    cmp     IN, D0
    blo     .Leven
    NEXT_SUMS columns=1
    b       .Lstrip2
.Lend2:
    LEAVE   tc_depthwise_3x3_sums_stride2
