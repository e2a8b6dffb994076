/*
 * TensorFlow Lite's requantization for one vector, two channels at a time: one goes on while the
 * other waits for its SMMULR and its shifts. A table of an odd number of channels ends in one more.
 */
    .syntax unified
    .thumb

#define REQUANT  r0             /* null where outputs take the whole range of int8 */
#define TABLE    r1
#define SUMS     r2
#define CHANNELS r3
#define OUTPUT   r4
#define A        r5             /* tc_channel_s8 as it lies in memory, bias first */
#define SCALE_A  r6
#define SHIFTS_A r7
#define B        r8
#define SCALE_B  r9
#define SHIFTS_B r10
#define SUM_A    r11
#define SUM_B    r12
#define ROUNDING lr             /* 2 * offset + 1: the 1 rounds what SSAT shifts out */

    .macro CLAMP y
    cmp     \y, SCALE_A
    it      lt
    movlt   \y, SCALE_A
    cmp     \y, SCALE_B
    it      gt
    movgt   \y, SCALE_B
    .endm

    .section .text.tc_fc_requantize_s8, "ax", %progbits
    .p2align 3
    .global tc_fc_requantize_s8
    .type   tc_fc_requantize_s8, %function
    .thumb_func
tc_fc_requantize_s8:
    push    {r4-r11, lr}
    ldr     OUTPUT, [sp, #36]
    ldrd    SCALE_A, SCALE_B, [REQUANT, #12]
    ldr     ROUNDING, [REQUANT, #8]
    add     ROUNDING, ROUNDING, ROUNDING
    add     ROUNDING, ROUNDING, #1
    sub     SCALE_B, SCALE_B, SCALE_A
    cmp     SCALE_B, #255
    bne     .Lpair
    movs    REQUANT, #0
    .p2align 3
.Lpair:
    ldm     TABLE!, {A, SCALE_A, SHIFTS_A, B, SCALE_B, SHIFTS_B}
    ldr     SUM_A, [SUMS]
    ldr     SUM_B, [SUMS, #4]
    adds    SUMS, SUMS, #8
    add     A, A, SUM_A
    lsl     A, A, SHIFTS_A          /* its lowest byte: left */
    add     B, B, SUM_B
    lsl     B, B, SHIFTS_B
    smmulr  A, A, SCALE_A
    lsrs    SHIFTS_A, SHIFTS_A, #16 /* right */
    beq     .Ldouble_a
    smmulr  B, B, SCALE_B
    subs    SHIFTS_A, SHIFTS_A, #1
    add     A, A, A, asr #31        /* ties away from zero */
    asr     A, A, SHIFTS_A
.Lshifted_a:
    lsrs    SHIFTS_B, SHIFTS_B, #16
    beq     .Ldouble_b
    sub     SHIFTS_B, SHIFTS_B, #1
    add     B, B, B, asr #31
    asr     B, B, SHIFTS_B
.Lshifted_b:
    qadd    A, A, ROUNDING
    qadd    B, B, ROUNDING
    ssat    A, #8, A, asr #1
    ssat    B, #8, B, asr #1
    cbnz    REQUANT, .Lclamp
.Lstore:
    strb    A, [OUTPUT], #1
    subs    CHANNELS, CHANNELS, #2
    blt     .Ldone
    strb    B, [OUTPUT], #1
    bne     .Lpair
.Ldone:
    pop     {r4-r11, pc}
.Lclamp:
    ldrd    SCALE_A, SCALE_B, [REQUANT, #12]
    CLAMP   A
    CLAMP   B
    b       .Lstore
.Ldouble_a:
    smmulr  B, B, SCALE_B
    qadd    A, A, A
    b       .Lshifted_a
.Ldouble_b:
    qadd    B, B, B
    b       .Lshifted_b
    .size   tc_fc_requantize_s8, . - tc_fc_requantize_s8
