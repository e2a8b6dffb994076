/*
 * tc_pixel_w1a1 for the dual-issue M7: the instructions of w1a1_sliced_dot_m4.S with registers
 * renamed, in an order that the pipeline model prices at 108 cycles for 216 instructions.
 */
#include "tc_sliced_dot.h"

#define X0 Z1
#define X1 O2
#define X2 O4
#define X3 O8
#define X4 T0
#define X5 T1
#define X6 T2
#define X7 T3
#define X8 T4

    BEFORE_BLOCKS
.Lblock:
    sbfx    X0, A, #0, #1
    ldr     X1, [W], #128
    sbfx    X2, A, #1, #1
    ldr     X3, [W, #-124]
    sbfx    X4, A, #3, #1
    eor     X3, X3, X2
    eor     X1, X1, X0
    ldr     X0, [W, #-120]
    sbfx    X2, A, #2, #1
    ldr     X5, [W, #-116]
    sbfx    X6, A, #5, #1
    eor     X0, X0, X2
    ldr     X2, [W, #-112]
    eor     X1, X1, X3
    eor     X5, X5, X4
    ldr     X4, [W, #-108]
    sbfx    X7, A, #4, #1
    orr     X0, X0, X3
    eor     X3, X1, X0
    eor     X2, X2, X7
    bic     X2, X2, X5
    eor     X4, X4, X6
    sbfx    X6, A, #7, #1
    eor     X1, X1, X5
    sbfx    X5, A, #6, #1
    eor     X3, X3, Z2
    eor     X0, X0, X2
    ldr     X2, [W, #-104]
    orr     X3, X0, X3
    eor     Z2, Z2, X0
    eor     X2, X2, X5
    ldr     X5, [W, #-100]
    eor     X5, X5, X6
    eor     X1, X1, X4
    sbfx    X6, A, #8, #1
    ldr     X0, [W, #-96]
    sbfx    X7, A, #9, #1
    eor     X0, X0, X6
    orr     X2, X2, X4
    bic     X0, X0, X5
    eor     X0, X2, X0
    eor     X2, X1, X2
    eor     X2, X2, Z2
    eor     X4, Z2, X3
    sbfx    X6, A, #11, #1
    bic     X2, X2, X0
    sbfx    X8, A, #10, #1
    eor     X1, X1, X5
    ldr     X5, [W, #-84]
    eor     Z2, Z2, X0
    ldr     X0, [W, #-92]
    eor     X4, X4, Z4
    eor     X0, X0, X7
    ldr     X7, [W, #-88]
    eor     X7, X7, X8
    eor     X1, X1, X0
    sbfx    X8, A, #12, #1
    eor     X3, X3, X2
    eor     Z4, Z4, X3
    orr     X3, X3, X4
    sbfx    X4, A, #13, #1
    eor     X5, X5, X6
    orr     X7, X7, X0
    ldr     X0, [W, #-80]
    eor     X0, X0, X8
    eor     X8, X1, X5
    bic     X0, X0, X5
    eor     X1, X1, X7
    sbfx    X5, A, #14, #1
    eor     X7, X7, X0
    ldr     X0, [W, #-76]
    ldr     X6, [W, #-72]
    sbfx    X2, A, #15, #1
    eor     X0, X0, X4
    eor     X6, X6, X5
    ldr     X5, [W, #-64]
    eor     X1, X1, Z2
    eor     Z2, Z2, X7
    orr     X7, X7, X1
    ldr     X1, [W, #-68]
    sbfx    X4, A, #16, #1
    eor     X8, X8, X0
    eor     X1, X1, X2
    eor     X5, X5, X4
    bic     X5, X5, X1
    orr     X6, X6, X0
    sbfx    X0, A, #17, #1
    eor     X4, X8, X6
    eor     X4, X4, Z2
    ldr     X2, [W, #-60]
    eor     X6, X6, X5
    eor     X5, Z2, X7
    bic     X4, X4, X6
    eor     Z2, Z2, X6
    sbfx    X6, A, #19, #1
    eor     X2, X2, X0
    sbfx    X0, A, #18, #1
    eor     X8, X8, X1
    eor     X5, X5, Z4
    eor     X7, X7, X4
    ldr     X4, [W, #-56]
    bic     X5, X5, X7
    eor     X1, Z4, X3
    eor     Z4, Z4, X7
    sbfx    X7, A, #21, #1
    eor     X3, X3, X5
    eor     X1, X1, Z8
    ldr     X5, [W, #-52]
    eor     X8, X8, X2
    orr     X1, X3, X1
    eor     X4, X4, X0
    ldr     X0, [W, #-48]
    orr     X4, X4, X2
    eor     Z8, Z8, X3
    sbfx    X3, A, #20, #1
    eor     X5, X5, X6
    eor     X0, X0, X3
    eor     X3, X8, X5
    eor     X8, X8, X4
    ldr     X6, [W, #-44]
    sbfx    X2, A, #22, #1
    bic     X0, X0, X5
    eor     X4, X4, X0
    ldr     X0, [W, #-36]
    sbfx    X5, A, #23, #1
    eor     X8, X8, Z2
    eor     Z2, Z2, X4
    eor     X6, X6, X7
    sbfx    X7, A, #24, #1
    eor     X0, X0, X5
    ldr     X5, [W, #-40]
    orr     X4, X4, X8
    eor     X3, X3, X6
    eor     X5, X5, X2
    orr     X5, X5, X6
    ldr     X6, [W, #-32]
    eor     X6, X6, X7
    eor     X7, X3, X5
    bic     X6, X6, X0
    eor     X2, Z2, X4
    sbfx    X8, A, #25, #1
    eor     X7, X7, Z2
    eor     X5, X5, X6
    ldr     X6, [W, #-28]
    eor     Z2, Z2, X5
    bic     X7, X7, X5
    sbfx    X5, A, #26, #1
    eor     X3, X3, X0
    ldr     X0, [W, #-24]
    eor     X6, X6, X8
    sbfx    X8, A, #27, #1
    eor     X2, X2, Z4
    eor     X4, X4, X7
    eor     X0, X0, X5
    orr     X2, X4, X2
    ldr     X5, [W, #-20]
    eor     X5, X5, X8
    eor     Z4, Z4, X4
    sbfx    X4, A, #28, #1
    orr     X0, X0, X6
    ldr     X8, [W, #-16]
    eor     X3, X3, X6
    eor     X8, X8, X4
    ldr     X4, [W, #-12]
    bic     X8, X8, X5
    eor     X6, X3, X0
    eor     X0, X0, X8
    eor     X3, X3, X5
    sbfx    X5, A, #29, #1
    eor     X6, X6, Z2
    eor     Z2, Z2, X0
    eor     X4, X4, X5
    sbfx    X5, A, #30, #1
    ldr     X8, [W, #-8]
    sbfx    X7, A, #31, #1
    eor     X3, X3, X4
    eor     X8, X8, X5
    orr     X0, X0, X6
    ldr     X6, [sp]
    ldr     X5, [W, #-4]
    eor     X5, X5, X7
    eor     X7, X6, X3
    eor     X5, X5, X6
    orr     X8, X8, X4
    eor     X4, X3, X8
    bic     X7, X7, X5
    eor     X4, X4, Z2
    eor     X8, X8, X7
    eor     X7, Z2, X0
    ldr     X6, [sp, #16]
    bic     X4, X4, X8
    eor     X7, X7, Z4
    eor     X0, X0, X4
    eor     X4, Z4, X2
    bic     X7, X7, X0
    eor     X4, X4, Z8
    eor     Z2, Z2, X8
    ldr     X8, [sp, #4]
    eor     X2, X2, X7
    eor     X7, Z8, X1
    eor     Z4, Z4, X0
    ldr     X0, [sp, #12]
    eor     X3, X3, X5
    bic     X4, X4, X2
    eor     X1, X1, X4
    eor     X7, X7, X8
    eor     X8, X8, X1
    eor     Z8, Z8, X2
    str     X8, [sp, #4]
    ldr     A, [X0, #8]!
    str     X3, [sp]
    orr     X1, X1, X7
    eor     X8, X8, X1
    str     X0, [sp, #12]
    str     X8, [X0, #-4]
    cmp     X0, X6
    bne     .Lblock
    BEHIND_BLOCKS
