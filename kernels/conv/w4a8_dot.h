/*
 * Weights of w4a8: a nibble each, four channels to a lane. As it stands, a lane is
 * 4096 * channel 1 + 256 * channel 0 + 16 * channel 2 + channel 3, all but channel 1 biased by 8;
 * one AND leaves channel 1, 2 or 3 where it is. So three instructions unpack eight weights, and
 * what the others leave of the first accumulator is 256 times channel 0's sum, modulo 2^32.
 */
    .equ    SCALE_0, 8
    .equ    SCALE_1, 12
    .equ    SCALE_2, 4
    .equ    SCALE_3, 0

#define MASK_1 #0xF000F000
#define MASK_2 #0x00F000F0
#define MASK_3 #0x000F000F

/* r2, r3: -8 times the sum of the pixel's activations. */
    .macro BIAS
    mov     C10, #0
    mov     C11, #0
    mov     C30, r2
    mov     C31, r3
    lsl     C20, r2, #4
    lsl     C21, r3, #4
    add     C00, C20, r2
    add     C01, C21, r3
    add     C00, C00, r2, lsl #8
    add     C01, C01, r3, lsl #8
    .endm

    .macro DECODE
    sub     C00, C00, C10
    sub     C01, C01, C11
    sub     C00, C00, C20
    sub     C01, C01, C21
    sub     C00, C00, C30
    sub     C01, C01, C31
    .endm
