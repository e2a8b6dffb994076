/*
 * The loops of dot_3x3.inc for the Cortex-M7, in the order that thumbclock schedule found. An SMLAD
 * issues in each cycle, and beside it a load or what is no multiplication.
 */
#include "dot_3x3.inc"

    ENTER
.Ltwo:
    ldr.w   D0, [IN]
    ldr     A11, [sp, #BIAS]
    ldr     D1, [IN, #TC_STRIP_BYTES]
    smlad   A00, D0, W0, A11
    smlad   A01, D1, V0, A11
    smlatb  A01, D0, W0, A01
    ldr.w   D0, [IN, #4]
    smlabt  A00, D1, V0, A00
    ldr     D1, [IN, #TC_STRIP_BYTES + 4]
    smlad   A00, D0, W1, A00
    smlad   A01, D1, V1, A01
    smlad   A10, D0, W0, A11
    smlad   A11, D1, V0, A11
    smlatb  A11, D0, W0, A11
    smlatb  A01, D0, W1, A01
    smlabt  A10, D1, V0, A10
    ldr.w   D0, [IN, #8]
    smlabt  A00, D1, V1, A00
    ldr     D1, [IN, #TC_STRIP_BYTES + 8]
    smlad   A10, D0, W1, A10
    smlabt  A10, D1, V1, A10
    smlad   A11, D1, V1, A11
    smlad   A00, D0, W2, A00
    smlad   A01, D1, V2, A01
    smlatb  A11, D0, W1, A11
    smlabt  A00, D1, V2, A00
    ldr     D1, [IN, #TC_STRIP_BYTES + 12]
    smlatb  A01, D0, W2, A01
    ldr.w   D0, [IN, #12]
    smlad   A11, D1, V2, A11
    smlatb  A11, D0, W2, A11
    smlad   A10, D0, W2, A10
    ldr     D0, [sp, #MULTIPLIER]
    smlabt  A10, D1, V2, A10
    adds    IN, #8
    smmulr  A11, A11, D0
    ldr     D1, [sp, #SCALE]
    smmulr  A00, A00, D0
    smmulr  A01, A01, D0
    add     A11, A11, A11, asr #31
    smmulr  A10, A10, D0
    ldr     D0, [sp, #OFFSET]
    add     A00, A00, A00, asr #31
    add     A01, A01, A01, asr #31
    smmlar  A00, A00, D1, D0
    smmlar  A01, A01, D1, D0
    add     A10, A10, A10, asr #31
    smmlar  A11, A11, D1, D0
    smmlar  A10, A10, D1, D0
    ldr     D0, [sp, #COLUMN]
    ssat    A00, #8, A00
    ldr     D1, [sp, #ROW]
    ssat    A01, #8, A01
    strb    A00, [OUT]
    ssat    A10, #8, A10
    strb    A01, [OUT, D0]
    adds    OUT, OUT, D1
    ldr     A00, [sp, #END]
    ssat    A11, #8, A11
    strb    A10, [OUT]
    strb    A11, [OUT, D0]
    subs    A00, A00, IN
    adds    OUT, OUT, D1
    cmp     A00, #4
    AGAIN   .Ltwo, .Lnext
    BETWEEN
.Lleft:
    ldr.w   D0, [IN]
    ldr     A10, [sp, #BIAS]
    ldr     D1, [IN, #TC_STRIP_BYTES]
    smlad   A00, D0, W0, A10
    ldr.w   D0, [IN, #4]
    smlabt  A00, D1, V0, A00
    ldr     D1, [IN, #TC_STRIP_BYTES + 4]
    smlad   A00, D0, W1, A00
    smlad   A10, D0, W0, A10
    ldr.w   D0, [IN, #8]
    smlabt  A00, D1, V1, A00
    smlabt  A10, D1, V0, A10
    ldr     A01, [sp, #OFFSET]
    ldr     D1, [IN, #TC_STRIP_BYTES + 8]
    smlad   A10, D0, W1, A10
    smlad   A00, D0, W2, A00
    ldr.w   D0, [IN, #12]
    adds    IN, #8
    smlabt  A10, D1, V1, A10
    smlabt  A00, D1, V2, A00
    ldr     D1, [IN, #TC_STRIP_BYTES + 4]
    smlad   A10, D0, W2, A10
    ldr     D0, [sp, #MULTIPLIER]
    smlabt  A10, D1, V2, A10
    smmulr  A00, A00, D0
    ldr     A11, [sp, #ROW]
    ldr     D1, [sp, #SCALE]
    smmulr  A10, A10, D0
    add     A00, A00, A00, asr #31
    smmlar  A00, A00, D1, A01
    add     A10, A10, A10, asr #31
    smmlar  A10, A10, D1, A01
    ssat    A00, #8, A00
    ldr     D0, [sp, #END]
    ssat    A10, #8, A10
    strb    A00, [OUT]
    adds    OUT, OUT, A11
    strb    A10, [OUT]
    adds    OUT, OUT, A11
    subs    D0, D0, IN
    cmp     D0, #4
    AGAIN   .Lleft, .Lend
    LEAVE
