/* tc_pixel_w1a1 for single-issue cores (M4, M33): loads in runs of four, which cost five cycles. */
#include "tc_sliced_dot.h"

/* The first half of an adder; y is lost. */
    .macro FIRST z, o, h, y
    eor     \y, \y, \z
    orr     \o, \h, \y
    eor     \z, \z, \h
    .endm

/* The second half; the pair comes out as (h, a). */
    .macro SECOND z, o, h, y, a
    eor     \a, \z, \o
    eor     \y, \y, \z
    bic     \y, \y, \h
    eor     \z, \z, \h
    eor     \h, \o, \y
    .endm

/* Words of weights become products, by the broadcast bit of their number. */
    .macro PRODUCT word, number
    sbfx    T4, A, #\number, #1
    eor     \word, \word, T4
    .endm

/* Both halves at weight 1, of the four words behind number; the pair comes out as (T1, T3). */
    .macro QUAD number
    LOAD    \number
    COUNT   \number
    .endm

    .macro LOAD number
    ldr     T0, [W, #4 * \number - 128]
    ldr     T1, [W, #4 * \number - 124]
    ldr     T2, [W, #4 * \number - 120]
    ldr     T3, [W, #4 * \number - 116]
    .endm

    .macro COUNT number
    PRODUCT T0, "(\number)"
    PRODUCT T1, "(\number + 1)"
    orr     T1, T1, T0
    eor     Z1, Z1, T0
    PRODUCT T2, "(\number + 2)"
    PRODUCT T3, "(\number + 3)"
    bic     T0, T3, T2
    eor     T3, Z1, T1
    eor     Z1, Z1, T2
    eor     T1, T1, T0
    .endm

/* The last words, with the ones of all blocks before. */
    .macro LAST
    ldr     T0, [W, #-12]
    ldr     T1, [W, #-8]
    ldr     T2, [W, #-4]
    ldr     T3, [sp, #ONES]
    PRODUCT T0, 29
    PRODUCT T1, 30
    orr     T1, T1, T0
    eor     Z1, Z1, T0
    PRODUCT T2, 31
    eor     T2, T2, T3
    eor     T3, T3, Z1
    bic     T0, T3, T2
    eor     T3, Z1, T1
    eor     Z1, Z1, T2
    str     Z1, [sp, #ONES]
    eor     T1, T1, T0
    .endm

    BEFORE_BLOCKS
.Lblock:
    ldr     Z1, [W], #128
    LOAD    1
    PRODUCT Z1, 0
    COUNT   1
    FIRST   Z2, O2, T1, T3
    QUAD    5
    SECOND  Z2, O2, T1, T3, T0
    FIRST   Z4, O4, T1, T0
    QUAD    9
    FIRST   Z2, O2, T1, T3
    QUAD    13
    SECOND  Z2, O2, T1, T3, T0
    SECOND  Z4, O4, T1, T0, T3
    FIRST   Z8, O8, T1, T3
    QUAD    17
    FIRST   Z2, O2, T1, T3
    QUAD    21
    SECOND  Z2, O2, T1, T3, T0
    FIRST   Z4, O4, T1, T0
    QUAD    25
    FIRST   Z2, O2, T1, T3
    LAST
    SECOND  Z2, O2, T1, T3, T0
    SECOND  Z4, O4, T1, T0, T3
    SECOND  Z8, O8, T1, T3, T0
    ldr     T2, [sp, #SIXTEENS]
    ldr     T3, [sp, #AT]
    ldr     T4, [sp, #END]
    FIRST   T2, O8, T1, T0
    eor     T0, T2, O8
    ldr     A, [T3, #8]!
    str     T0, [T3, #-4]
    str     T2, [sp, #SIXTEENS]
    str     T3, [sp, #AT]
    cmp     T3, T4
    bne     .Lblock
    BEHIND_BLOCKS
