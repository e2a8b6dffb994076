/*
 * Weights of w8a8: a byte each, two channels to a lane. As it stands, a lane is
 * 256 * even + odd, odd biased by 128; UXTB16 leaves the biased odd. So one instruction unpacks
 * four weights, and the accumulators' difference is 256 times the even channel's sum, modulo 2^32.
 */
    .equ    SCALE_0, 8
    .equ    SCALE_1, 0
    .equ    SCALE_2, 8
    .equ    SCALE_3, 0

/* r2, r3: -128 times the sum of the pixel's activations. */
    .macro BIAS
    mov     C00, r2
    mov     C01, r3
    mov     C10, r2
    mov     C11, r3
    mov     C20, r2
    mov     C21, r3
    mov     C30, r2
    mov     C31, r3
    .endm

    .macro DECODE
    sub     C00, C00, C10
    sub     C01, C01, C11
    sub     C20, C20, C30
    sub     C21, C21, C31
    .endm
