/*
 * The loops of dot_3x3.inc for the Cortex-M4 and M33, in the order that thumbclock schedule found.
 * Loads stand together where they can, as each run of them costs a cycle more.
 */
#include "dot_3x3.inc"

/* void tc_depthwise_3x3_s8(const tc_dot_3x3 *dot, const uint32_t *strips, int8_t *output); */
    ENTER   tc_depthwise_3x3_s8
.Lstrip:
    STRIP_OF columns=2
    bmi     .Lone
    .p2align 3
.Ltwo:
    ldr.w   D0, [IN]
    ldr     D1, [IN, #TC_STRIP_BYTES]
    ldr     A11, [sp, #BIAS]
    smlad   A00, D0, W0, A11
    smlad   A01, D1, V0, A11
    adds    IN, #8
    smlabt  A00, D1, V0, A00
    smlatb  A01, D0, W0, A01
    ldr     D0, [IN, #-4]
    ldr     D1, [IN, #TC_STRIP_BYTES - 4]
    smlad   A10, D0, W0, A11
    smlad   A01, D1, V1, A01
    smlad   A11, D1, V0, A11
    smlad   A00, D0, W1, A00
    smlatb  A01, D0, W1, A01
    smlabt  A00, D1, V1, A00
    smlabt  A10, D1, V0, A10
    smlatb  A11, D0, W0, A11
    ldr.w   D0, [IN]
    ldr     D1, [IN, #TC_STRIP_BYTES]
    smlad   A10, D0, W1, A10
    smlad   A00, D0, W2, A00
    smlad   A11, D1, V1, A11
    smlad   A01, D1, V2, A01
    smlabt  A00, D1, V2, A00
    smlabt  A10, D1, V1, A10
    smlatb  A01, D0, W2, A01
    smlatb  A11, D0, W1, A11
    ldr     D1, [IN, #TC_STRIP_BYTES + 4]
    ldr.w   D0, [IN, #4]
    smlad   A10, D0, W2, A10
    smlad   A11, D1, V2, A11
    smlabt  A10, D1, V2, A10
    smlatb  A11, D0, W2, A11
    ldr     D1, [sp, #SCALE]
    ldr     D0, [sp, #MULTIPLIER]
    smmulr  A00, A00, D0
    smmulr  A11, A11, D0
    smmulr  A10, A10, D0
    add     A00, A00, A00, asr #31
    smmulr  A01, A01, D0
    add     A11, A11, A11, asr #31
    ldr     D0, [sp, #OFFSET]
    smmlar  A00, A00, D1, D0
    ssat    A00, #8, A00
    strb    A00, [OUT]
    add     A01, A01, A01, asr #31
    add     A10, A10, A10, asr #31
    smmlar  A10, A10, D1, D0
    smmlar  A01, A01, D1, D0
    smmlar  A11, A11, D1, D0
    ssat    A11, #8, A11
    ssat    A01, #8, A01
    ldr     D0, [sp, #COLUMN]
    ldr     D1, [sp, #ROW]
    strb    A01, [OUT, D0]
    adds    OUT, OUT, D1
    ssat    A10, #8, A10
    ldr     A00, [sp, #END]
    strb    A10, [OUT]
    subs    A00, A00, IN
    strb    A11, [OUT, D0]
    adds    OUT, OUT, D1
    cmp     A00, #4
    AGAIN   .Ltwo, .Lnext, row=4
.Lnext:
    NEXT_STRIP columns=2
    b       .Lstrip
.Lone:
    adds    D1, D1, #1
    bne     .Lend
    .p2align 3
.Lleft:
    ldr     A11, [sp, #ROW]
    ldr     A10, [sp, #BIAS]
    ldr.w   D0, [IN]
    ldr     D1, [IN, #TC_STRIP_BYTES]
    smlad   A00, D0, W0, A10
    smlabt  A00, D1, V0, A00
    ldr.w   D0, [IN, #4]
    ldr     D1, [IN, #TC_STRIP_BYTES + 4]
    smlad   A10, D0, W0, A10
    smlad   A00, D0, W1, A00
    smlabt  A10, D1, V0, A10
    smlabt  A00, D1, V1, A00
    ldr.w   D0, [IN, #8]
    ldr     D1, [IN, #TC_STRIP_BYTES + 8]
    smlad   A00, D0, W2, A00
    smlad   A10, D0, W1, A10
    smlabt  A10, D1, V1, A10
    smlabt  A00, D1, V2, A00
    ldr.w   D0, [IN, #12]
    ldr     D1, [IN, #TC_STRIP_BYTES + 12]
    smlad   A10, D0, W2, A10
    smlabt  A10, D1, V2, A10
    adds    IN, #8
    ldr     D0, [sp, #MULTIPLIER]
    ldr     D1, [sp, #SCALE]
    ldr     A01, [sp, #OFFSET]
    smmulr  A00, A00, D0
    add     A00, A00, A00, asr #31
    smmulr  A10, A10, D0
    smmlar  A00, A00, D1, A01
    ssat    A00, #8, A00
    add     A10, A10, A10, asr #31
    smmlar  A10, A10, D1, A01
    ldr     D0, [sp, #END]
    strb    A00, [OUT]
    adds    OUT, OUT, A11
    ssat    A10, #8, A10
    strb    A10, [OUT]
    adds    OUT, OUT, A11
    subs    D0, D0, IN
    cmp     D0, #4
    AGAIN   .Lleft, .Lend, row=4
.Lend:
    LEAVE   tc_depthwise_3x3_s8

/* The same with stride 2. */
    ENTER   tc_depthwise_3x3_s8_stride2
.Lstrip2:
    STRIP_OF columns=1
    bmi     .Lend2
    .p2align 3
.Leven:
    ldr     A11, [sp, #ROW]
    ldr     A10, [sp, #BIAS]
    ldr.w   D0, [IN]
    ldr     D1, [IN, #TC_STRIP_BYTES]
    smlad   A00, D0, W0, A10
    smlabt  A00, D1, V0, A00
    ldr.w   D0, [IN, #4]
    ldr     D1, [IN, #TC_STRIP_BYTES + 4]
    smlad   A00, D0, W1, A00
    smlabt  A00, D1, V1, A00
    ldr.w   D0, [IN, #8]
    ldr     D1, [IN, #TC_STRIP_BYTES + 8]
    smlad   A00, D0, W2, A00
    smlad   A10, D0, W0, A10
    smlabt  A00, D1, V2, A00
    smlabt  A10, D1, V0, A10
    ldr.w   D0, [IN, #12]
    ldr     D1, [IN, #TC_STRIP_BYTES + 12]
    smlad   A10, D0, W1, A10
    smlabt  A10, D1, V1, A10
    ldr.w   D0, [IN, #16]
    ldr     D1, [IN, #TC_STRIP_BYTES + 16]
    smlad   A10, D0, W2, A10
    smlabt  A10, D1, V2, A10
    adds    IN, #16
    ldr     D0, [sp, #MULTIPLIER]
    ldr     D1, [sp, #SCALE]
    ldr     A01, [sp, #OFFSET]
    smmulr  A00, A00, D0
    add     A00, A00, A00, asr #31
    smmulr  A10, A10, D0
    smmlar  A00, A00, D1, A01
    ssat    A00, #8, A00
    add     A10, A10, A10, asr #31
    smmlar  A10, A10, D1, A01
    ldr     D0, [sp, #END]
    strb    A00, [OUT]
    adds    OUT, OUT, A11
    ssat    A10, #8, A10
    strb    A10, [OUT]
    adds    OUT, OUT, A11
    subs    D0, D0, IN
    cmp     D0, #8
    AGAIN   .Leven, .Lnext2, row=8
.Lnext2:
    NEXT_STRIP columns=1
    b       .Lstrip2
.Lend2:
    LEAVE   tc_depthwise_3x3_s8_stride2
