/* The loop of mul_dsp_a8.c, four elements a step, the steps of one in the latencies of another. */
    .syntax unified
    .thumb

#define X      r0
#define Y      r1
#define OUT    r2
#define COUNT  r3
#define XOFF   r4
#define YOFF   r5
#define M      r6
#define START  r7
#define RIGHT  r8
#define A      r9
#define B      r10
#define C      r11
#define D      r12
#define T      lr

    .section .text.tc_mul_words, "ax", %progbits
    .p2align 2
    .global tc_mul_words
    .type   tc_mul_words, %function
    .thumb_func
/* void tc_mul_words(const int8_t *x, const int8_t *y, int8_t *out, int32_t words,
                     const tc_mul_constants *constants): words > 0. */
tc_mul_words:
    push    {r4-r11, lr}
    ldr     r12, [sp, #36]
    ldm     r12, {XOFF, YOFF, M, START, RIGHT}
.Lwords:
    /* Order found by thumbclock schedule: 36 cycles on the M4, 23 on the M7. */
    ldr     B, [X], #4
    ldr     D, [Y], #4
    sxtab16 A, XOFF, B
    qadd16  A, A, A
    sxtab16 C, YOFF, D
    sxtab16 B, XOFF, B, ror #8
    smulbb  T, A, C
    sxtab16 D, YOFF, D, ror #8
    qadd16  B, B, B
    smultt  A, A, C
    add     C, START, T, asr #31
    smmlar  C, T, M, C
    smulbb  T, B, D
    smultt  B, B, D
    add     D, START, A, asr #31
    smmlar  D, A, M, D
    asr     C, C, RIGHT
    add     A, START, T, asr #31
    smmlar  A, T, M, A
    add     T, START, B, asr #31
    smmlar  T, B, M, T
    ssat    C, #8, C
    asr     A, A, RIGHT
    asr     T, T, RIGHT
    ssat    A, #8, A
    asr     D, D, RIGHT
    ssat    T, #8, T
    subs    COUNT, COUNT, #1
    ssat    D, #8, D
    bfi     C, A, #8, #8
    bfi     D, T, #8, #8
    pkhbt   C, C, D, lsl #16
    str     C, [OUT], #4
    bne     .Lwords
    pop     {r4-r11, pc}
    .size   tc_mul_words, . - tc_mul_words
