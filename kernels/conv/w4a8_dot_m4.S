/*
 * w4a8 for Cortex-M4 and M33, which issue one 32-bit instruction a cycle: 14 of them for 16
 * products. The M4 pays one cycle for each run of loads, so that all three stand together: 15
 * cycles, and 5 for each round of 256 products. Nothing is read ahead.
 */
#include "dense_dot.h"
#include "w4a8_dot.h"

    .equ    ROUND_STEPS, 8
    .equ    STEP_BYTES, 112
    .equ    W_LAG, 4
    .equ    A_LAG, 8
    .equ    END_LAG, 8

    .macro START
    sub     W, W, V, lsr #1
    .endm

    .macro PAIR n, last=0
    .if \last
    ldr.w   V, END
    ldr.w   U, [W, #4 * \n + 4]!
    ldr.w   Y, [A, #8 * \n + 12]
    ldr.w   X, [A, #8 * \n + 8]!
    cmp     A, V
    .else
    ldr.w   U, [W, #4 * \n + 4]
    ldr.w   X, [A, #8 * \n + 8]
    ldr.w   Y, [A, #8 * \n + 12]
    .endif
    smlad   C00, U, X, C00
    smlad   C01, U, Y, C01
    and     V, U, MASK_1
    smlad   C10, V, X, C10
    smlad   C11, V, Y, C11
    and     V, U, MASK_2
    smlad   C20, V, X, C20
    smlad   C21, V, Y, C21
    and     V, U, MASK_3
    smlad   C30, V, X, C30
    smlad   C31, V, Y, C31
    .endm

    .macro ROUND
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
    PAIR    \n
    .endr
    PAIR    15, 1
    .endm

    DOT     tc_dot_w4a8
