/*
 * Two output channels times four pixels, all of which share two accumulators: a lane of weights
 * holds two channels, low + (high << 14), low biased to 0..3 and high signed; a lane of a column
 * holds two pixels, first + (second << 7). Their product is four products in four fields:
 *
 *     bits   0 to 6   low * first     at most 14 * 3 * 3 = 126 for 14 products
 *     bits   7 to 13  low * second    the same
 *     bits  14 to 20  high * first    from -84 to 42, and 84 that each round starts with
 *     bits  21 to 31  high * second   signed
 *
 * So a SMLAD is eight MAC, and after rounds of 12 products (8 in a window's rest) fields go to
 * totals with twice the room: the sum of all accumulators modulo 2^32, and the sum of their odd
 * fields. The even ones are the difference. No total overflows below 1820 products (14 bits of
 * at most 9 each).
 *
 * A loop is two rounds, 192 MAC: 24 SMLAD, 12 AND, 24 loads of columns, 3 of weights, 12
 * instructions that split and 3 that loop: 6.5 for 16 MAC. Loads run one lane ahead: the weights
 * end in 4 bytes that are read, not used, and the columns in 8.
 *
 * The order of the loop over twelve lanes is a matter of the core, so it stands in a file of each,
 * between BEFORE_TWELVES and BEHIND_TWELVES; this one holds what surrounds it, and the loop over
 * the four lanes of a round in what is left.
 */
    .syntax unified
    .thumb

#define W  r0
#define A  r1
#define L  r2
#define M  r3
#define C0 r4
#define C1 r5
#define S0 r6 /* totals of the first and the second two pixels */
#define H0 r7
#define S1 r8
#define H1 r9
#define B  r10
#define U  r11
#define X  r12
#define Y  lr

/* The frame. */
#define END     0 /* of the columns of this loop */
#define COLUMNS 4
#define SUMS    8
#define PAIRS   12
#define TWELVES 16 /* the end of the columns that come by twelve lanes */
#define FOURS   20 /* the end of all */
#define START   24 /* of the even totals */
#define FRAME   28

/* 0x1FC000 is the field high * first: without it, what is above bit 7 are the odd fields alone. */
    .macro SPLIT
    add     S0, S0, C0
    add     S1, S1, C1
    bic     C0, C0, #0x1FC000
    bic     C1, C1, #0x1FC000
    add     H0, H0, C0, asr #7
    add     H1, H1, C1, asr #7
    .endm

/* A lane: its products, and the loads of the next one's columns. FIRST is a round's first. */
    .macro FIRST rotation, offset
    and     L, M, U\rotation
    smlad   C0, L, X, B
    smlad   C1, L, Y, B
    ldr     X, [A, #\offset]
    ldr     Y, [A, #\offset + 4]
    .endm

    .macro LANE rotation, offset
    and     L, M, U, ror #\rotation
    smlad   C0, L, X, C0
    smlad   C1, L, Y, C1
    ldr     X, [A, #\offset]
    ldr     Y, [A, #\offset + 4]
    .endm

    .macro LAST offset
    and     L, M, U, ror #12
    smlad   C0, L, X, C0
    smlad   C1, L, Y, C1
    ldr     U, [W], #4
    ldr     L, [sp]
    ldr     Y, [A, #\offset + 4]
    ldr     X, [A, #\offset]!
    cmp     A, L
    SPLIT
    .endm

    .macro BEFORE_TWELVES
    .section .text.tc_dot_w2a2, "ax", %progbits
    .p2align 3
    .global tc_dot_w2a2
    .type   tc_dot_w2a2, %function
    .thumb_func
tc_dot_w2a2:
    push    {r4-r11, lr}
    ldrd    r4, r5, [sp, #36]
    sub     sp, sp, #FRAME
    str     r1, [sp, #COLUMNS]
    str     r2, [sp, #SUMS]
    str     r4, [sp, #PAIRS]
    str     r5, [sp, #START]
    movs    r5, #12
    udiv    r6, r3, r5
    mul     r6, r6, r5
    add     r6, r1, r6, lsl #3
    str     r6, [sp, #TWELVES]
    add     r6, r1, r3, lsl #3
    str     r6, [sp, #FOURS]
    movw    M, #0xC003
    movt    M, #0xC003
    mov     B, #84 << 14
.Lpair:
    ldr     A, [sp, #COLUMNS]
    ldr     L, [sp, #TWELVES]
    ldr     U, [W], #4
    ldr     X, [A]
    ldr     Y, [A, #4]
    str     L, [sp, #END]
    ldr     S0, [sp, #START]
    movs    H0, #0
    mov     S1, S0
    mov     H1, #0
    cmp     A, L
    beq     .Lrest
    .p2align 3
    .endm

    .macro BEHIND_TWELVES
.Lrest:
    ldr     L, [sp, #FOURS]
    str     L, [sp, #END]
    cmp     A, L
    beq     .Lstore
    .p2align 3
.Lfour:
    FIRST   "", 8
    LANE    4, 16
    LANE    8, 24
    LAST    32
    bne     .Lfour
.Lstore:
    subs    W, W, #4                /* what was read ahead belongs to the next pair */
    ldr     r2, [sp, #SUMS]
    ldr     r4, [sp, #PAIRS]
    stmia   r2!, {r6-r9}
    subs    r4, r4, #1
    str     r2, [sp, #SUMS]
    str     r4, [sp, #PAIRS]
    bne     .Lpair
    add     sp, sp, #FRAME
    pop     {r4-r11, pc}
    .size   tc_dot_w2a2, . - tc_dot_w2a2
    .endm
