/*
 * void tc_core_s8_words(const tc_core_window *window, int32_t *sums);
 *
 * Sums of four int8 channels that are a whole word, on the taps of one output pixel. The loop is in
 * the order that thumbclock schedule found for the Cortex-M4 and M7 together.
 */
#define TC_RUN_PIXELS 16 /* as in tc_core.h */
    .syntax unified
    .thumb

#define AT    r0
#define ROWS  r1
#define LANES r2
#define STEP  r3
#define C0    r4
#define C1    r5
#define C2    r6
#define C3    r7
#define OFF   r8
#define COUNT r9
#define X     r10
#define E     r11
#define U     r12
#define V     lr

/* The frame: a row's taps, bytes from its last tap to the next row, the same of lanes, sums. */
#define COLUMNS 0
#define AT_GAP  4
#define GAP     8
#define SUMS    12

    .section .text.tc_core_s8_words, "ax", %progbits
    .p2align 3
    .global tc_core_s8_words
    .type   tc_core_s8_words, %function
    .thumb_func
tc_core_s8_words:
    push    {r4-r11, lr}
    mov     V, r0
    ldr     OFF, [V, #32]
    ldm     V, {r0, r2, r3, r4, r5, r6, r7} /* input, lanes, rows, columns, steps of these */
    push    {r1}
    mls     r9, r4, r6, r5
    sub     r10, r7, r4, lsl #1
    lsls    r10, r10, #2
    push    {r4, r9, r10}
    mov     ROWS, r3
    mov     STEP, r6
    movs    COUNT, r4
    it      eq
    moveq   ROWS, #0
    movs    C0, #0
    movs    C1, #0
    movs    C2, #0
    movs    C3, #0
    cbz     ROWS, .Ldone
    .p2align 3
.Ltap:
    ldr     V, [LANES, #4]
    ldr     X, [AT]
    ldr     U, [LANES]
    adds    AT, AT, STEP
    sxtab16 E, OFF, X
    sxtab16 X, OFF, X, ror #8
    smlabb  C0, E, U, C0
    adds    LANES, LANES, #8
    smlabb  C1, X, V, C1
    subs    COUNT, COUNT, #1
    smlatt  C2, E, U, C2
    smlatt  C3, X, V, C3
    bne     .Ltap
    ldr     X, [sp, #AT_GAP]
    ldr     U, [sp, #GAP]
    ldr     COUNT, [sp, #COLUMNS]
    add     AT, AT, X
    add     LANES, LANES, U
    subs    ROWS, ROWS, #1
    bne     .Ltap
.Ldone:
    ldr     r1, [sp, #SUMS]
    add     sp, sp, #16
    str     C0, [r1]
    str     C1, [r1, #4 * TC_RUN_PIXELS]
    str     C2, [r1, #8 * TC_RUN_PIXELS]
    str     C3, [r1, #12 * TC_RUN_PIXELS]
    pop     {r4-r11, pc}
    .size   tc_core_s8_words, . - tc_core_s8_words
