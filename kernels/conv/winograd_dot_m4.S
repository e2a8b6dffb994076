/*
 * Winograd's products for single-issue cores: loads in runs, which take a cycle more than loads.
 */
#include "winograd_dot.h"

    .macro STEP offset, ahead
    smlad   r4, P, X, r4
    smlad   r8, Q, X, r8
    smlad   r5, P, Y, r5
    smlad   r9, Q, Y, r9
    ldr     X, [A, #\offset + 8]
    ldr     Y, [A, #\offset + 12]
    smlad   r6, P, X, r6
    smlad   r10, Q, X, r10
    smlad   r7, P, Y, r7
    smlad   r11, Q, Y, r11
    ldr.w   Q, [W, #4]
    ldr     P, [W], #8
    ldr     X, [A, #\ahead]
    ldr     Y, [A, #\ahead + 4]
    .endm

    .macro LAST /* with A behind the four pairs already */
    smlad   r4, P, X, r4
    smlad   r8, Q, X, r8
    smlad   r5, P, Y, r5
    smlad   r9, Q, Y, r9
    ldr     X, [A, #-248]
    ldr     Y, [A, #-244]
    smlad   r6, P, X, r6
    smlad   r10, Q, X, r10
    ldr     X, [sp, #END]
    smlad   r7, P, Y, r7
    smlad   r11, Q, Y, r11
    cmp     A, X
    ldr.w   Q, [W, #4]
    ldr     P, [W], #8
    ldr     X, [A]
    ldr     Y, [A, #4]
    .endm

    DOT
