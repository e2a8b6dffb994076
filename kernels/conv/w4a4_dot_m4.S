/*
 * Four output channels times two pixels, two channels to an accumulator, for single-issue cores
 * (M4, M33); w4a4_dot_m7.S has the same layouts and results.
 *
 * Each lane of a SMLAD's weight operand holds low + (high << 12), low biased to 0..15, high
 * signed. Sixteen products of up to 15 * 15 stay below 2^12, so after sixteen the low fields move
 * to totals of their own; high stays in the accumulator. 128 products take 32 SMLAD, 16 AND, 24
 * loads in four runs of six, 12 instructions and two transfers of four words that split, and 3
 * that loop: 103 cycles. Nothing is read ahead.
 */
    .syntax unified
    .thumb

#define W    r0
#define A    r1
#define Z    r2
#define M    r3
#define C00  r4
#define C01  r5
#define C10  r6
#define C11  r7
#define U    r8
#define V    r9
#define L    r10
#define B    r11
#define X    r12
#define Y    lr

#define TOTALS  0 /* of the low fields */
#define END     16
#define COLUMNS 20
#define SUMS    24
#define GROUPS  28
#define FRAME   36

/* Two lanes: activations X and Y, then Z and B. */
    .macro LANES /* .w: wide instructions stay aligned, and fetch does not stall */
    ldr     V, [W, #4]
    ldr     U, [W], #8
    ldr     Y, [A, #4]
    ldr.w   Z, [A, #8]
    ldr     B, [A, #12]
    ldr     X, [A], #16
    and     L, M, U
    smlad   C00, L, X, C00
    smlad   C01, L, Y, C01
    and     L, M, V
    smlad   C10, L, X, C10
    smlad   C11, L, Y, C11
    and     L, M, U, ror #8
    smlad   C00, L, Z, C00
    smlad   C01, L, B, C01
    and     L, M, V, ror #8
    smlad   C10, L, Z, C10
    smlad   C11, L, B, C11
    .endm

    .macro SPLIT acc, total
    ubfx    U, \acc, #0, #12
    bfc     \acc, #0, #12
    add     \total, \total, U
    .endm

/* What sums hold of an accumulator: low + (high << 12), and high. */
    .macro STORE acc, total
    add     U, \total, \acc
    asr     V, \acc, #12
    stmia   r2!, {U, V}
    .endm

    .section .text.tc_dot_w4a4, "ax", %progbits
    .p2align 3
    .global tc_dot_w4a4
    .type   tc_dot_w4a4, %function
    .thumb_func
tc_dot_w4a4:
    push    {r4-r11, lr}
    ldr     r4, [sp, #36]
    sub     sp, sp, #FRAME
    add     r3, r1, r3, lsl #6
    str     r1, [sp, #COLUMNS]
    str     r2, [sp, #SUMS]
    str     r3, [sp, #END]
    str     r4, [sp, #GROUPS]
    movw    M, #0xF00F
    movt    M, #0xF00F
.Lgroup:
    movs    C00, #0
    movs    C01, #0
    movs    C10, #0
    movs    C11, #0
    strd    C00, C01, [sp, #TOTALS]
    strd    C00, C01, [sp, #TOTALS + 8]
    ldr     A, [sp, #COLUMNS]
    .p2align 3
.Lloop:
    LANES
    LANES
    LANES
    LANES
    ldm     sp, {r10-r12, lr}
    SPLIT   C00, r10
    SPLIT   C01, r11
    SPLIT   C10, r12
    SPLIT   C11, lr
    stm     sp, {r10-r12, lr}
    ldr     Z, [sp, #END]
    cmp     A, Z
    bne     .Lloop
    ldr     r2, [sp, #SUMS]
    STORE   C00, r10
    STORE   C01, r11
    STORE   C10, r12
    STORE   C11, lr
    str     r2, [sp, #SUMS]
    ldr     r2, [sp, #GROUPS]
    subs    r2, r2, #1
    str     r2, [sp, #GROUPS]
    bne     .Lgroup
    add     sp, sp, #FRAME
    pop     {r4-r11, pc}
    .size   tc_dot_w4a4, . - tc_dot_w4a4
