/*
 * tc_dot_w2a2 for the dual-issue M7: twelve lanes in an order found by thumbclock schedule, 42
 * cycles instead of the 50 of w2a2_dot_m4.S.
 */
#include "w2a2_dot.h"

    BEFORE_TWELVES
.Ltwelve:
    and     L, M, U
    smlad   C1, L, Y, B
    smlad   C0, L, X, B
    ldr     Y, [A, #12]
    ldr     X, [A, #8]
    and     L, M, U, ror #4
    smlad   C1, L, Y, C1
    ldr     Y, [A, #20]
    smlad   C0, L, X, C0
    and     L, M, U, ror #8
    smlad   C1, L, Y, C1
    ldr     X, [A, #16]
    ldr     Y, [A, #28]
    smlad   C0, L, X, C0
    ldr     X, [A, #24]
    and     L, M, U, ror #12
    smlad   C0, L, X, C0
    ldr     U, [W], #4
    ldr     X, [A, #32]
    smlad   C1, L, Y, C1
    ldr     Y, [A, #36]
    and     L, M, U
    smlad   C0, L, X, C0
    ldr     X, [A, #40]
    smlad   C1, L, Y, C1
    ldr     Y, [A, #44]
    and     L, M, U, ror #4
    smlad   C1, L, Y, C1
    ldr     Y, [A, #52]
    smlad   C0, L, X, C0
    and     L, M, U, ror #8
    add     S1, S1, C1
    bic     C1, C1, #0x1fc000
    add     S0, S0, C0
    bic     C0, C0, #0x1fc000
    add     H1, H1, C1, asr #7
    ldr     X, [A, #48]
    smlad   C1, L, Y, B
    add     H0, H0, C0, asr #7
    ldr     Y, [A, #60]
    smlad   C0, L, X, B
    ldr     X, [A, #56]
    and     L, M, U, ror #12
    smlad   C1, L, Y, C1
    ldr     U, [W], #4
    smlad   C0, L, X, C0
    ldr     Y, [A, #68]
    and     L, M, U
    ldr     X, [A, #64]
    smlad   C1, L, Y, C1
    ldr     Y, [A, #76]
    smlad   C0, L, X, C0
    ldr     X, [A, #72]
    and     L, M, U, ror #4
    smlad   C0, L, X, C0
    ldr     X, [A, #80]
    smlad   C1, L, Y, C1
    ldr     Y, [A, #84]
    and     L, M, U, ror #8
    smlad   C1, L, Y, C1
    ldr     Y, [A, #92]
    smlad   C0, L, X, C0
    ldr     X, [A, #88]
    and     L, M, U, ror #12
    ldr     U, [W], #4
    smlad   C0, L, X, C0
    ldr     X, [A, #96]!
    smlad   C1, L, Y, C1
    ldr     L, [sp]
    add     S0, S0, C0
    bic     C0, C0, #0x1fc000
    add     S1, S1, C1
    bic     C1, C1, #0x1fc000
    add     H0, H0, C0, asr #7
    cmp     A, L
    add     H1, H1, C1, asr #7
    ldr     Y, [A, #4]
    bne     .Ltwelve
    BEHIND_TWELVES
