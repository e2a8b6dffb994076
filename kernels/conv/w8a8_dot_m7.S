/*
 * w8a8 for Cortex-M7, which issues two instructions a cycle, one of them a multiplication: 14
 * instructions for 16 products in 8 cycles, and 2 cycles for each round of 256. The next pair of
 * lanes is loaded while one is multiplied: weights and columns end in 8 bytes that are read, not
 * used.
 */
#include "dense_dot.h"
#include "w8a8_dot.h"

    .equ    ROUND_STEPS, 8
    .equ    STEP_BYTES, 112
    .equ    W_LAG, 0
    .equ    A_LAG, 0
    .equ    END_LAG, 16 * ROUND_STEPS

    .macro START
    ldr     U, [W]
    sub     W, W, V
    add     V, A, V
    ldr     X, [V]
    ldr     Y, [V, #4]
    .endm

/* The UXTB16 are older than the SMLAD beside them, as the M7 demands. */
    .macro PAIR n, last=0
    smlad   C00, U, X, C00
    ldr.w   V, [W, #8 * \n + 4]
    smlad   C01, U, Y, C01
    uxtb16  U, U
    smlad   C20, V, X, C20
    smlad   C21, V, Y, C21
    uxtb16  V, V
    smlad   C10, U, X, C10
    smlad   C11, U, Y, C11
    .if \last
    ldr.w   U, END
    smlad   C30, V, X, C30
    cmp     A, U
    smlad   C31, V, Y, C31
    ldr.w   U, [W, #8 * \n + 8]!
    ldr.w   Y, [A, #8 * \n + 12]
    ldr.w   X, [A, #8 * \n + 8]!
    .else
    ldr.w   U, [W, #8 * \n + 8]
    smlad   C30, V, X, C30
    ldr.w   X, [A, #8 * \n + 8]
    smlad   C31, V, Y, C31
    ldr.w   Y, [A, #8 * \n + 12]
    .endif
    .endm

    .macro ROUND
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
    PAIR    \n
    .endr
    PAIR    15, 1
    .endm

    DOT     tc_dot_w8a8
