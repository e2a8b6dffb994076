/*
 * The frame around the products of Winograd's convolution (winograd_dot_m4.S, winograd_dot_m7.S):
 * two output channels times four tiles in eight accumulators, place by place of the 16.
 *
 * A core's file defines STEP, the products of a pair of input channels: a word of weights for each
 * output channel, in P and Q, times a word of each tile, the first two of which are in X and Y.
 * Tiles of a pair are 256 bytes (16 places of four words) behind those of the pair before: STEP has
 * its own at offset from A and loads what the next one expects from ahead. LAST is the STEP that
 * ends a round of four pairs, and compares A with END.
 */
    .syntax unified
    .thumb

#define W   r0
#define A   r1
#define P   r2
#define Q   r3
#define X   r12
#define Y   lr

#define END      0  /* of the tiles of the place */
#define BYTES    4  /* of these tiles */
#define LAST_END 8
#define SUMS     16

    .macro DOT
    .section .text.tc_winograd_dot, "ax", %progbits
    .p2align 3
    .global tc_winograd_dot
    .type   tc_winograd_dot, %function
    .thumb_func
tc_winograd_dot:
    push    {r2, r4-r11, lr}        /* SUMS */
    lsl     r3, r3, #8              /* bytes of a place's tiles, 256 to a pair */
    add     r2, r1, r3
    add     r4, r2, #256            /* END of the 16 places, 16 bytes apart */
    push    {r2, r3, r4, lr}
    ldr.w   Q, [W, #4]
    ldr     P, [W], #8
.Lplace:
    ldr     r4, [sp, #BYTES]
    ldr     X, [A]
    ldr     Y, [A, #4]
    movs    r5, #0
    movs    r6, #0
    movs    r7, #0
    mov     r8, r5
    mov     r9, r5
    mov     r10, r5
    mov     r11, r5
    lsls    r4, r4, #23             /* carry: two pairs beside the fours */
    mov     r4, r5
    bcc     .Lloop
    sub     A, A, #512
    b       .Lsecond
    .p2align 3
.Lloop:
    STEP    0, 256
    STEP    256, 512
.Lsecond:
    STEP    512, 768
    add     A, A, #1024
    LAST
    bne     .Lloop
    ldr     A, [sp, #SUMS]
    stmia   A!, {r4-r11}
    str     A, [sp, #SUMS]
    ldrd    X, Y, [sp, #END]        /* END and BYTES */
    ldr     r4, [sp, #LAST_END]
    add     X, X, #16
    str     X, [sp, #END]
    sub     A, X, Y
    cmp     X, r4
    bne     .Lplace
    subs    W, W, #8                /* what was read ahead belongs to the next channels */
    add     sp, sp, #20
    pop     {r4-r11, pc}
    .size   tc_winograd_dot, . - tc_winograd_dot
    .endm
