/*
 * Weights of w8a8: a byte each, two channels to a lane. Of a group of four channels and two inputs
 * that a word of a column holds (0 and 2, or 1 and 3, of four),
 *
 *     word 0, from its low byte:  channel 1 input a, channel 0 input a, 1 input b, 0 input b
 *     word 1:                     channel 3 input a, channel 2 input a, 3 input b, 2 input b
 *
 * so a lane, as it stands, is 256 * even + odd, odd biased by 128; UXTB16 leaves the biased odd.
 * One instruction unpacks four weights: C00 gathers (256 * even + odd) times activations, C10 odd
 * times activations, and their difference is 256 times the even channel's sum, modulo 2^32.
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
