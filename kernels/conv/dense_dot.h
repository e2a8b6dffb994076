/*
 * The frame around the inner loops of w8a8 and w4a8 (*_dot_m4.S, *_dot_m7.S): four output channels
 * times two output pixels in eight accumulators, and their way to int8.
 *
 * A loop's file defines macros that this header puts together:
 * - BIAS starts the accumulators from r2 and r3, the pixels' sums, and DECODE turns what the loop
 *   leaves in them into the channels' sums times 1 << SCALE_0 ... 1 << SCALE_3;
 * - ROUND is the loop's body: ROUND_STEPS steps of four products a sum, STEP_BYTES of code each. It
 *   is entered in the middle, so that a window may have any number of steps, as if all had been
 *   done. It ends with a comparison of A and END;
 * - START, before it, takes what the first round leaves out off W, of which V has the bytes of a
 *   pair of columns, 16 a step, and loads what ROUND expects;
 * - W_LAG and A_LAG are how far W and A stand behind their data, END_LAG how far END stands behind
 *   the columns' end.
 *
 * The loops need all fourteen registers; what the frame keeps is on the stack.
 */
    .syntax unified
    .thumb

#define W   r0  /* weights */
#define A   r1  /* columns: two lanes of pixel 0, two lanes of pixel 1, and so on */
#define X   r2  /* activations of pixel 0 */
#define Y   r3  /* activations of pixel 1 */
#define C00 r4  /* channel 0, pixel 0 */
#define C01 r5
#define C10 r6
#define C11 r7
#define C20 r8
#define C21 r9
#define C30 r10
#define C31 r11
#define U   r12
#define V   lr

#define END      [sp, #0]
#define ENTRY    [sp, #4]
#define COLUMNS  [sp, #8]
#define SKIPPED  [sp, #12]
#define CHANNELS [sp, #16]
#define WEIGHTS  [sp, #20]
#define SUMS     [sp, #60]  /* the arguments from the fifth on */
#define TABLE    [sp, #68]
#define OUTPUTS  [sp, #72]
#define OFFSET   [sp, #80]
#define BESIDE   [sp, #84]

/* A sum and its bias, both times two: a SMMULR then multiplies by a Q31 number. */
    .macro ADD_BIAS sum, bias, scale
    .if \scale
    add     \sum, \bias, \sum, asr #\scale - 1
    .else
    add     \sum, \bias, \sum, lsl #1
    .endif
    .endm

/*
 * Four sums times their multipliers, r1 pointing to the channels' biases and multipliers. On the
 * M7 each addition, whose operand is shifted, issues beside the multiplication behind it.
 */
    .macro SCALE a0, a1, b0, b1, scale_a, scale_b
    ldmia   r1!, {r0, r2, r3, r12}
    ADD_BIAS \a0, r0, \scale_a
    ADD_BIAS \a1, r0, \scale_a
    smmulr  \a0, \a0, r2
    ADD_BIAS \b0, r3, \scale_b
    smmulr  \a1, \a1, r2
    ADD_BIAS \b1, r3, \scale_b
    smmulr  \b0, \b0, r12
    smmulr  \b1, \b1, r12
    .endm

    .macro UNSCALE a, b, scale
    .if \scale
    asr     \a, \a, #\scale
    asr     \b, \b, #\scale
    .endif
    .endm

/* void tc_dot_...(...), see tc_dense.h. */
    .macro DOT name
    .section .text.\name, "ax", %progbits
    .p2align 3
    .global \name
    .type   \name, %function
    .thumb_func
\name:
    push    {r4-r11, lr}
    sub     sp, sp, #24
    str     r3, CHANNELS
    add     r3, r1, r2, lsl #4
    sub     r3, r3, #END_LAG
    str     r3, END
    rsb     r4, r2, #0
    and     r4, r4, #ROUND_STEPS - 1
    mov     r3, #STEP_BYTES
    adr     r5, .Lround
    mla     r3, r4, r3, r5
    orr     r3, r3, #1
    str     r3, ENTRY
    lsl     r4, r4, #4
    str     r4, SKIPPED
    sub     r1, r1, r4
    sub     r1, r1, #A_LAG
    str     r1, COLUMNS
    sub     W, W, #W_LAG

.Lgroup:
    ldrd    r2, r3, SUMS
    ldr     V, SKIPPED
    BIAS
    ldr     A, COLUMNS
    START
    ldr     pc, ENTRY
    .p2align 3
.Lround:
    ROUND
    bne     .Lround

    ldr     r1, TABLE
    str     W, WEIGHTS
    DECODE
    cmp     r1, #0
    beq.w   .Lsums

    SCALE   C00, C01, C10, C11, SCALE_0, SCALE_1
    SCALE   C20, C21, C30, C31, SCALE_2, SCALE_3
    /*
     * A rounding shift right by s, ties away from zero, is a SMMLAR by 2^(32 - s) + 1: the 1 moves
     * ties, and nothing else that is not saturated, away from zero where s is at most 12. It adds
     * the offset as well, and 128, so that outputs are unsigned until they are packed.
     */
    ldmia   r1!, {r0, r2, r3, r12}
    ldr     lr, OFFSET
    str     r1, TABLE
    smmlar  C20, C20, r3, lr
    ldr     r1, CHANNELS
    smmlar  C21, C21, r3, lr
    smmlar  C30, C30, r12, lr
    subs    r3, r1, #4
    smmlar  C31, C31, r12, lr
    smmlar  C00, C00, r0, lr
    smmlar  C01, C01, r0, lr
    smmlar  C10, C10, r2, lr
    pkhbt   C00, C00, C20, lsl #16
    smmlar  C11, C11, r2, lr
    pkhbt   C01, C01, C21, lsl #16
    usat16  C00, #8, C00
    pkhbt   C10, C10, C30, lsl #16
    str     r3, CHANNELS
    usat16  C01, #8, C01
    pkhbt   C11, C11, C31, lsl #16
    usat16  C10, #8, C10
    usat16  C11, #8, C11
    ldrd    r0, r1, OUTPUTS
    orr     C00, C00, C10, lsl #8
    eor     C00, C00, #0x80808080
    orr     C01, C01, C11, lsl #8
    eor     C01, C01, #0x80808080
    blt     .Lfew
    /* Pixel 1 first: where there is none, it stands in pixel 0's place. */
    str     C01, [r1], #4
    str     C00, [r0], #4
    strd    r0, r1, OUTPUTS
    ldr     W, WEIGHTS
    bne     .Lgroup
.Ldone:
    add     sp, sp, #24
    pop     {r4-r11, pc}

.Lfew:                              /* one to three channels are left */
    add     r3, r3, #4
.Lchannel:
    strb    C01, [r1], #1
    lsr     C01, C01, #8
    strb    C00, [r0], #1
    lsr     C00, C00, #8
    subs    r3, r3, #1
    bne     .Lchannel
    b       .Ldone

.Lsums:                             /* without a table: add the sums to OUTPUTS */
    UNSCALE C00, C01, SCALE_0
    UNSCALE C10, C11, SCALE_1
    UNSCALE C20, C21, SCALE_2
    UNSCALE C30, C31, SCALE_3
    ldr     r1, OUTPUTS
    ldm     r1, {r0, r2, r3, r12}
    add     C00, C00, r0
    add     C01, C01, r2
    add     C10, C10, r3
    add     C11, C11, r12
    stmia   r1!, {C00, C01, C10, C11}
    ldm     r1, {r0, r2, r3, r12}
    add     C20, C20, r0
    add     C21, C21, r2
    add     C30, C30, r3
    add     C31, C31, r12
    stmia   r1!, {C20, C21, C30, C31}
    str     r1, OUTPUTS
    ldr     r3, CHANNELS
    ldr     r2, BESIDE
    ldr     W, WEIGHTS
    subs    r3, r3, #4
    str     r3, CHANNELS
    add     W, W, r2
    bgt     .Lgroup
    b       .Ldone
    .size   \name, . - \name
    .endm
