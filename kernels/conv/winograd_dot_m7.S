/*
 * Winograd's products for the Cortex-M7: a load beside a multiplication, one of these a cycle.
 */
#include "winograd_dot.h"

    .macro STEP offset, ahead
    smlad   r4, P, X, r4
    smlad   r8, Q, X, r8
    ldr     X, [A, #\offset + 8]
    smlad   r5, P, Y, r5
    smlad   r9, Q, Y, r9
    ldr     Y, [A, #\offset + 12]
    smlad   r6, P, X, r6
    smlad   r10, Q, X, r10
    ldr     X, [A, #\ahead]
    smlad   r7, P, Y, r7
    ldr     P, [W], #8
    smlad   r11, Q, Y, r11
    ldr     Q, [W, #-4]
    ldr     Y, [A, #\ahead + 4]
    .endm

    .macro LAST /* with A behind the four pairs already */
    smlad   r4, P, X, r4
    smlad   r8, Q, X, r8
    ldr     X, [A, #-248]
    smlad   r5, P, Y, r5
    smlad   r9, Q, Y, r9
    ldr     Y, [A, #-244]
    smlad   r6, P, X, r6
    smlad   r10, Q, X, r10
    ldr     X, [sp, #END]
    smlad   r7, P, Y, r7
    ldr     P, [W], #8
    cmp     A, X
    smlad   r11, Q, Y, r11
    ldr     Q, [W, #-4]
    ldr     X, [A]
    ldr     Y, [A, #4]
    .endm

    DOT
