/*
 * Multiply-accumulate cores of tc_mixed.h for Armv6-M: two output channels times two pixels, one
 * product at a time, weights and columns as for mixed_dot_m7.S. A pair of lanes takes 38 cycles for
 * its eight products on the M0+. Accumulators live in r8 to r11, which ADD reaches; the words of
 * weights in r12 and lr. Where fewer registers can be named, what is used for the last time is
 * multiplied in place.
 */
    .syntax unified
    .thumb

#define W    r0
#define A    r1
#define U    r12
#define V    lr

#define COLUMNS 0
#define ENTRY   4  /* lanes that the first word leaves out */
#define END     8  /* of the columns */
#define PAIRS   48
#define START   52

    /* r6: lane half of lanes index in a word: signed of 8 bits, a biased field of fewer. */
    .macro WEIGHT word, index, half, bits
    mov     r6, \word
    .if \bits == 8 && (\index) == 0 && (\half) == 0
    sxtb    r6, r6
    .else
    .if \bits * ((\index) + 1) + 16 * (\half) < 32
    lsls    r6, r6, #(32 - \bits * ((\index) + 1) - 16 * (\half))
    .endif
    .if \bits == 8
    asrs    r6, r6, #24
    .else
    lsrs    r6, r6, #(32 - \bits)
    .endif
    .endif
    .if \bits == 1
    lsls    r6, r6, #1              /* a bit stands for 2 */
    .endif
    .endm

    /* The products of one lane: activations x and y of two pixels, which are lost. */
    .macro LANE x, y, index, half, bits
    WEIGHT  U, \index, \half, \bits
    mov     r7, r6
    muls    r7, \x, r7
    add     r8, r7
    muls    r6, \y, r6
    add     r9, r6
    WEIGHT  V, \index, \half, \bits
    muls    \x, r6, \x
    add     r10, \x
    muls    \y, r6, \y
    add     r11, \y
    .endm

    .macro LANES index, bits
    ldr     r2, [A, #8 * (\index)]
    ldr     r3, [A, #8 * (\index) + 4]
    sxth    r4, r2
    sxth    r5, r3
    LANE    r4, r5, \index, 0, \bits
    asrs    r2, r2, #16
    asrs    r3, r3, #16
    LANE    r2, r3, \index, 1, \bits
    .endm

    .macro FOUR first, bits
    LANES   \first, \bits
    LANES   \first + 1, \bits
    LANES   \first + 2, \bits
    LANES   \first + 3, \bits
    .endm

    /*
     * const void *tc_dot_n(const void *weights, const uint32_t *columns, int32_t *sums,
     *                      int32_t steps, int32_t pairs, const int32_t *start)
     */
    .macro DOT bits, lanes
    .section .text.tc_dot_\bits, "ax", %progbits
    .p2align 2
    .global tc_dot_\bits
    .type   tc_dot_\bits, %function
    .thumb_func
tc_dot_\bits:
    push    {r4-r7, lr}
    mov     r4, r8
    mov     r5, r9
    mov     r6, r10
    mov     r7, r11
    push    {r4-r7}
    sub     sp, sp, #12
    lsls    r4, r3, #5              /* bytes of the columns */
    adds    r4, r1, r4
    str     r4, [sp, #END]
    lsls    r3, r3, #2              /* lanes of a column */
    negs    r3, r3
    movs    r4, #\lanes - 1
    ands    r3, r4
    str     r3, [sp, #ENTRY]
    lsls    r3, r3, #3
    subs    r1, r1, r3
    str     r1, [sp, #COLUMNS]
.Lpair\bits:
    push    {r2}
    ldr     r7, [sp, #START + 4]
    ldr     r6, [r7]
    ldr     r7, [r7, #4]
    mov     r8, r6
    mov     r9, r7
    mov     r10, r6
    mov     r11, r7
    ldr     A, [sp, #COLUMNS + 4]
    ldmia   W!, {r6, r7}
    mov     U, r6
    mov     V, r7
    .if \lanes > 4
    ldr     r2, [sp, #ENTRY + 4]
    cmp     r2, #4
    blo     .Lword\bits
    bne     .Lmore\bits
    b       .Lenter4_\bits
.Lmore\bits:
    .if \lanes > 8
    cmp     r2, #8
    bne     .Lthree\bits
    b       .Lenter8_\bits
.Lthree\bits:
    b       .Lenter12_\bits
    .endif
.Lword\bits:
    .endif
.Lloop\bits:
    .if \lanes == 2
    LANES   0, \bits
    LANES   1, \bits
    .else
    FOUR    0, \bits
    .endif
    .if \lanes > 4
.Lenter4_\bits:
    FOUR    4, \bits
    .endif
    .if \lanes > 8
.Lenter8_\bits:
    FOUR    8, \bits
.Lenter12_\bits:
    FOUR    12, \bits
    .endif
    adds    A, A, #8 * \lanes
    ldr     r2, [sp, #END + 4]
    cmp     A, r2
    beq     .Ldone\bits
    ldmia   W!, {r6, r7}
    mov     U, r6
    mov     V, r7
    b       .Lloop\bits
.Ldone\bits:
    pop     {r2}
    mov     r4, r8
    mov     r5, r9
    mov     r6, r10
    mov     r7, r11
    stmia   r2!, {r4-r7}
    ldr     r3, [sp, #PAIRS]
    subs    r3, r3, #1
    str     r3, [sp, #PAIRS]
    beq     .Lend\bits
    b       .Lpair\bits
.Lend\bits:
    add     sp, sp, #12
    pop     {r4-r7}
    mov     r8, r4
    mov     r9, r5
    mov     r10, r6
    mov     r11, r7
    pop     {r4-r7, pc}
    .size   tc_dot_\bits, . - tc_dot_\bits
    .endm

    DOT     8, 2
    DOT     4, 4
    DOT     2, 8
    DOT     1, 16
