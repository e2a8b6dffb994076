/*
 * w8a8 for Cortex-M4 and M33, which issue one 32-bit instruction a cycle: 14 of them for 16
 * products. The M4 pays one cycle for each run of loads, so that all four stand together: 15
 * cycles, and 6 for each round of 256 products. Nothing is read ahead.
 */
#include "dense_dot.h"
#include "w8a8_dot.h"

    .equ    ROUND_STEPS, 8
    .equ    STEP_BYTES, 112
    .equ    W_LAG, 8
    .equ    A_LAG, 8
    .equ    END_LAG, 8

    .macro START
    sub     W, W, V
    .endm

    .macro PAIR n, last=0
    .if \last
    ldr.w   V, [W, #8 * \n + 12]
    ldr.w   U, [W, #8 * \n + 8]!
    ldr.w   Y, [A, #8 * \n + 12]
    ldr.w   X, [A, #8 * \n + 8]!
    .else
    ldr.w   U, [W, #8 * \n + 8]
    ldr.w   V, [W, #8 * \n + 12]
    ldr.w   X, [A, #8 * \n + 8]
    ldr.w   Y, [A, #8 * \n + 12]
    .endif
    smlad   C00, U, X, C00
    smlad   C01, U, Y, C01
    smlad   C20, V, X, C20
    smlad   C21, V, Y, C21
    uxtb16  U, U
    uxtb16  V, V
    smlad   C10, U, X, C10
    smlad   C11, U, Y, C11
    smlad   C30, V, X, C30
    smlad   C31, V, Y, C31
    .endm

    .macro ROUND
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
    PAIR    \n
    .endr
    PAIR    15, 1
    ldr.w   U, END
    cmp     A, U
    .endm

    DOT     tc_dot_w8a8
