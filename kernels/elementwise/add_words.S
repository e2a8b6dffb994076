/*
 * The loop of add_affine_a8.c, four elements a step. Bytes stand at the top of 16-bit lanes, where
 * SMLAWB and SMLAWT take them as 256 times their value, so that no instruction extends them. On
 * the M7 the saturations of a word share cycles with its last multiplications.
 */
    .syntax unified
    .thumb

#define X      r0
#define Y      r1
#define OUT    r2
#define COUNT  r3
#define F      r4
#define G      r5
#define START  r6
#define MASK   r7
#define X02    r8
#define X13    r9
#define Y02    r10
#define Y13    r11
#define S0     r12
#define S1     lr

    .macro WORD
    ldr     X02, [X], #4
    ldr     Y02, [Y], #4
    and     X13, MASK, X02
    and     Y13, MASK, Y02
    and     X02, MASK, X02, lsl #8
    smlawb  S1, G, Y13, START
    and     Y02, MASK, Y02, lsl #8
    smlawt  Y13, G, Y13, START
    smlawb  S1, F, X13, S1
    smlawt  Y13, F, X13, Y13
    smlawb  S0, G, Y02, START
    smlawt  Y02, G, Y02, START
    ssat    S1, #8, S1, asr #21
    smlawb  S0, F, X02, S0
    ssat    Y13, #8, Y13, asr #21
    smlawt  Y02, F, X02, Y02
    ssat    S0, #8, S0, asr #21
    ssat    Y02, #8, Y02, asr #21
    bfi     S0, S1, #8, #8
    bfi     Y02, Y13, #8, #8
    pkhbt   S0, S0, Y02, lsl #16
    str     S0, [OUT], #4
    .endm

    .section .text.tc_add_words, "ax", %progbits
    .p2align 2
    .global tc_add_words
    .type   tc_add_words, %function
    .thumb_func
/* void tc_add_words(const int8_t *x, const int8_t *y, int8_t *out, int32_t words,
                     const tc_add_affine *add): words > 0. */
tc_add_words:
    push    {r4-r11, lr}
    ldr     r12, [sp, #36]
    ldm     r12, {F, G, START}
    mov     MASK, #0xFF00FF00
    lsrs    COUNT, COUNT, #1        /* carry: one word beside the pairs; zero: no pairs */
    bcc     .Lpairs
    WORD
    beq     .Ldone
.Lpairs:
    /* Order found by thumbclock schedule: 50 cycles on the M4, 31 on the M7. */
    ldr     Y02, [Y], #4
    ldr     X02, [X], #4
    and     Y13, MASK, Y02
    subs    COUNT, COUNT, #1
    smlawb  S1, G, Y13, START
    and     X13, MASK, X02
    smlawt  Y13, G, Y13, START
    and     Y02, MASK, Y02, lsl #8
    smlawt  Y13, F, X13, Y13
    and     X02, MASK, X02, lsl #8
    smlawb  S1, F, X13, S1
    smlawb  S0, G, Y02, START
    ssat    Y13, #8, Y13, asr #21
    smlawt  Y02, G, Y02, START
    smlawt  Y02, F, X02, Y02
    ssat    S1, #8, S1, asr #21
    smlawb  S0, F, X02, S0
    ldr     X02, [X], #4
    ssat    Y02, #8, Y02, asr #21
    ssat    S0, #8, S0, asr #21
    bfi     Y02, Y13, #8, #8
    bfi     S0, S1, #8, #8
    pkhbt   S0, S0, Y02, lsl #16
    ldr     Y02, [Y], #4
    str     S0, [OUT], #4
    and     Y13, MASK, Y02
    smlawb  S1, G, Y13, START
    and     X13, MASK, X02
    smlawt  Y13, G, Y13, START
    smlawt  Y13, F, X13, Y13
    smlawb  S1, F, X13, S1
    and     Y02, MASK, Y02, lsl #8
    smlawb  S0, G, Y02, START
    and     X02, MASK, X02, lsl #8
    ssat    Y13, #8, Y13, asr #21
    smlawt  Y02, G, Y02, START
    smlawt  Y02, F, X02, Y02
    smlawb  S0, F, X02, S0
    ssat    S1, #8, S1, asr #21
    ssat    Y02, #8, Y02, asr #21
    ssat    S0, #8, S0, asr #21
    bfi     Y02, Y13, #8, #8
    bfi     S0, S1, #8, #8
    pkhbt   S0, S0, Y02, lsl #16
    str     S0, [OUT], #4
    bne     .Lpairs
.Ldone:
    pop     {r4-r11, pc}
    .size   tc_add_words, . - tc_add_words
